"""Goodput of one connection by network and server, and the P99 of small answers, as bars: an SVG that a README can show."""

COLOURS = {"XLive": "#1f6feb", "nginx, cubic": "#b0b7c0", "nginx, BBR": "#6e7781", "FastAPI, cubic": "#e8c47d", "FastAPI, BBR": "#bf8700"}
WIDTH, LEFT, BAR, GAP, TOP = 860, 110, 11, 18, 46


def write(path, figures):
    charts = [("Goodput of one connection, share of the link", "goodput", 100), ("Segments that came late, %", "late", 100)]
    body, y = [], TOP
    for title, prefix, most in charts:
        rows = {name.split(" ", 1)[1]: values for name, values in figures.items() if name.startswith(prefix + " ")}
        if not rows:
            continue
        body.append(f'<text x="12" y="{y - 12}" class="title">{title}</text>')
        for name, values in rows.items():
            body.append(f'<text x="{LEFT - 10}" y="{y + len(values) * BAR / 2 + 4}" text-anchor="end">{name}</text>')
            for server, value in values.items():
                wide = max(1, (WIDTH - LEFT - 70) * min(value, most) / most)
                body.append(f'<rect x="{LEFT}" y="{y}" width="{wide:.0f}" height="{BAR - 1}" fill="{COLOURS[server]}"><title>{server}: {value:.1f} %</title></rect>'
                            f'<text x="{LEFT + wide + 6:.0f}" y="{y + BAR - 2}" class="value">{value:.0f} %</text>')
                y += BAR
            y += GAP
        y += 30
    x = 12
    for server, colour in COLOURS.items():
        body.append(f'<rect x="{x}" y="{y - 20}" width="11" height="11" fill="{colour}"/><text x="{x + 16}" y="{y - 10}">{server}</text>')
        x += 36 + 7.2 * len(server)
    with open(path, "w") as out:
        out.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="system-ui, sans-serif" font-size="12">'
                  f'<style>text{{fill:#57606a}}.title{{font-weight:600;font-size:14px}}.value{{font-size:9px}}</style>'
                  f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>{"".join(body)}</svg>\n')
