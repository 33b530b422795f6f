# shellcheck shell=bash
# What run, test and bench share. Sourced with the repository's root as the working directory.

SERVER=artifacts/bin/XLive.Server/release/xlive
BUILT=artifacts/built # when the server's last build began
WWWROOT=src/XLive.Server/wwwroot
PAGES=artifacts/pages # when the last build of its pages began
NO_PAGES=artifacts/no-pages # when one failed
TOOLS=artifacts/tools # programs that were unpacked and not installed
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DEBIAN_FRONTEND=noninteractive

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# patiently WHAT COMMAND...: runs the command quietly, says every few seconds that it is still at work and on what, and
# shows the whole output only when it failed. Its output stays in $PATIENTLY_LOG.
patiently() {
    local what=$1 child status=0 began=$SECONDS news
    shift
    mkdir -p artifacts
    PATIENTLY_LOG=$(mktemp artifacts/step.XXXXXX)
    say "$what ..."
    # A background child of a script ignores Ctrl-C, so both signals are passed on by hand.
    "$@" >"$PATIENTLY_LOG" 2>&1 </dev/null &
    child=$!
    trap 'kill -TERM "$child" 2>/dev/null; rm -f "$PATIENTLY_LOG" "artifacts/stamp.$$"; exit 130' INT TERM
    while kill -0 "$child" 2>/dev/null; do
        wait_up_to 4 "$child"
        kill -0 "$child" 2>/dev/null || break
        news=$(tail -c 400 "$PATIENTLY_LOG" | tr '\r' '\n' | grep -v '^ *$' | tail -n 1 | cut -c 1-100) || true
        say "  $((SECONDS - began)) s  $news"
    done
    wait "$child" || status=$?
    trap - INT TERM
    if ((status)); then
        cat "$PATIENTLY_LOG" >&2
        say "$what: failed ($status)"
    fi
    rm -f "$PATIENTLY_LOG"
    return "$status"
}

# Sleeps in small steps, so that a short command is not waited for longer than it takes.
wait_up_to() {
    local i
    for ((i = 0; i < $1 * 20; i++)); do
        kill -0 "$2" 2>/dev/null || return 0
        sleep 0.05
    done
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif [[ -t 0 ]]; then
        sudo --preserve-env=DEBIAN_FRONTEND "$@"
    else
        sudo --non-interactive --preserve-env=DEBIAN_FRONTEND "$@"
    fi
}

# there PROBE: a program's name, or a path that may hold a pattern, or several of them with | between.
there() {
    local probe
    for probe in ${1//|/ }; do
        if [[ $probe == /* ]]; then
            compgen -G "$probe" >/dev/null && return 0
        else
            PATH=$PATH:/usr/sbin:/sbin:$TOOLS/usr/bin type -P "$probe" >/dev/null && return 0
        fi
    done
    return 1
}

# packages PACKAGE...: installs them with apt-get. Fails, having said why, where that cannot be done.
packages() {
    if ! type -P apt-get >/dev/null; then
        say "No apt-get on this machine; please install yourself: $*"
        return 1
    fi
    if ((EUID != 0)) && ! type -P sudo >/dev/null; then
        say "Not root and no sudo; please install yourself: apt-get install $*"
        return 1
    fi
    if ((EUID != 0)) && [[ -t 0 ]]; then
        say "sudo is needed to install: $*"
        sudo -v || return 1 # asks for the password here, where it can be seen
    fi
    patiently "Reading the package lists" as_root apt-get -o DPkg::Lock::Timeout=120 update || true
    patiently "Installing $*" as_root apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
}

# needs FILE: installs what FILE lists and this machine lacks. A line is a probe and the Debian package that brings it; "unpacked" behind them: see below.
needs() {
    local probe package how lacking=() loose=() status=0
    while read -r probe package how; do
        [[ -z $probe || $probe == \#* ]] || there "$probe" || if [[ $how == unpacked ]]; then loose+=("$package"); else lacking+=("$package"); fi
    done <"$1"
    ((${#lacking[@]} == 0)) || packages "${lacking[@]}" || status=1
    for package in ${loose[@]+"${loose[@]}"}; do
        patiently "Fetching $package" unpacked "$package" || status=1
    done
    return "$status"
}

# unpacked PACKAGE: below $TOOLS, for a program without what its package would bring: a service that starts by itself.
unpacked() {
    local tools=$PWD/$TOOLS status=0
    mkdir -p "$tools/packages"
    pushd "$tools/packages" >/dev/null || return 1
    rm -f "$1"_*.deb
    apt-get download "$1" || { as_root apt-get -o DPkg::Lock::Timeout=120 update && apt-get download "$1"; } || status=1
    ((status)) || dpkg-deb --extract "$1"_*.deb "$tools" || status=1
    rm -f "$1"_*.deb
    popd >/dev/null || return 1
    return "$status"
}

# Makes `dotnet` and the built programs find the runtime, wherever the SDK was put.
find_dotnet() {
    local dotnet
    dotnet=$(type -P dotnet) || { [[ -x ${HOME:-/nonexistent}/.dotnet/dotnet ]] && dotnet=$HOME/.dotnet/dotnet; } || return 0
    dotnet=$(readlink -f "$dotnet")
    PATH=$PATH:${dotnet%/*}
    [[ -n ${DOTNET_ROOT:-} || ! -d ${dotnet%/*}/shared ]] || export DOTNET_ROOT=${dotnet%/*}
}

need_sdk() {
    local sdks
    sdks=$(dotnet --list-sdks 2>/dev/null) || sdks=
    grep -qE '^(1[0-9]|[2-9][0-9])\.' <<<"$sdks" || die "XLive is built with the .NET SDK 10, and this machine has ${sdks:-no .NET SDK}.
Get it from https://dot.net/download, or for this user alone:
  curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0"
    # The SDK wants a home; and without ICU, which a small machine lacks, it only runs in this mode.
    [[ -w ${HOME:-/nonexistent} ]] || export DOTNET_CLI_HOME=$PWD/artifacts/home
    there '/usr/lib/*/libicuuc.so.*|/usr/lib*/libicuuc.so.*' || export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
}

# Two locks guard artifacts/. `build.lock`: one builder at a time; the next waits. `use.lock`: whoever runs what was built
# holds it shared, across exec and to its end, so that a builder knows of it.
lock_for_use() {
    mkdir -p artifacts
    exec 8>artifacts/use.lock
    flock --shared 8
}

in_use() {
    exec 8>artifacts/use.lock
    if flock --nonblock 8; then
        exec 8>&-
        return 1
    fi
    exec 8>&-
}

# build TARGET [--if-stale]: one build at a time. With --if-stale only when a source is newer than the last one, and never
# under somebody who runs it (returns 2 then). The stamp has the time of the build's start: what is saved meanwhile is newer.
build() {
    local status=0 stamp=artifacts/stamp.$$
    need_sdk
    mkdir -p artifacts
    exec 9>artifacts/build.lock
    flock --nonblock 9 || { say "Another build is under way; waiting for it ..."; flock 9; }
    if [[ ${2:-} == --if-stale ]] && ! stale; then
        :
    elif [[ ${2:-} == --if-stale ]] && in_use; then
        status=2
    else
        build_pages 9>&-
        touch "$stamp"
        # The compiler's servers outlive the build; they must not inherit its lock.
        if patiently "Building $1" dotnet build -c Release --nologo -v minimal "$1" 9>&-; then
            mv "$stamp" "$BUILT"
        else
            rm -f "$stamp"
            status=1
        fi
    fi
    exec 9>&-
    return "$status"
}

# The pages that the server shows, before it is built, for they become a part of it. Without npm there is a server all the same, and it says what it lacks.
build_pages() {
    local stamp=artifacts/stamp.$$
    pages_stale || return 0
    if fetch_for_pages && touch "$stamp" && patiently "Building the pages" node console/build.mjs; then
        mv "$stamp" "$PAGES"
        rm -f "$NO_PAGES"
    else
        rm -f "$stamp"
        touch "$NO_PAGES"
        say "The pages could not be built: /watch is left out, everything else works."
    fi
}

fetch_for_pages() {
    [[ console/node_modules/.package-lock.json -nt console/package-lock.json ]] ||
        patiently "Fetching what the pages are built with" npm ci --prefix console --omit=dev --ignore-scripts --no-audit --no-fund
}

# Those that could not be built are tried again when they have changed, or a day later.
pages_stale() {
    [[ -d console ]] && there node && there npm || return 1
    if [[ -e $NO_PAGES ]]; then
        [[ -z $(find "$NO_PAGES" -mtime -1) ]] || changed_since "$NO_PAGES" console
    else
        [[ ! -e $PAGES || ! -d $WWWROOT ]] || changed_since "$PAGES" console
    fi
}

# changed_since STAMP PLACE...: directories count too, a deleted file shows there only; what builds make does not.
changed_since() {
    local stamp=$1
    shift
    [[ -n $(find "$@" \( -name node_modules -o -name wwwroot -o -name dist -o -name bin -o -name obj \) -prune -o -newer "$stamp" -print -quit) ]]
}

# Is any of the server's sources newer than what was built?
stale() {
    [[ -e $BUILT && -x $SERVER ]] || return 0
    ! pages_stale && [[ ! $PAGES -nt $BUILT ]] || return 0
    changed_since "$BUILT" src ./*.props ./*.slnx global.json
}
