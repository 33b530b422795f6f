// Who is signed in. The access token lives in memory alone; the refresh token in sessionStorage, so that a reload stays signed in
// and a closed tab does not.
const KEPT = 'xlive.refresh';
const PATIENCE = 10_000;

let access = null;
let renewAt = 0;
let renewing = null;

/** The server said no. */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem?.detail ?? String(status));
    this.status = status;
    this.seconds = retryAfter;
  }
}

/** The server said nothing, or what stands before it did. */
export class Away extends Error {}

// A tab that is duplicated takes the refresh token along, and a token that comes back used ends the sign-in. So whoever renews it tells.
const tabs = new BroadcastChannel('xlive.sign-in');
let onEnded = () => {};
tabs.onmessage = ({ data }) => {
  if (data.was !== sessionStorage.getItem(KEPT))
    return;
  if (data.grant)
    keep(data.grant, 20_000); // the one who renewed renews again, and first
  else {
    forget();
    onEnded();
  }
};

export const isKnown = () => sessionStorage.getItem(KEPT) !== null;

/** Called when the sign-in has ended elsewhere. */
export function whenEnded(then) {
  onEnded = then;
}

function keep(grant, later = 0) {
  access = grant.access_token;
  // Before it ends, and early enough for a clock that is asleep or a network that is slow.
  renewAt = Date.now() + grant.expires_in * 800 + later;
  sessionStorage.setItem(KEPT, grant.refresh_token);
}

function forget() {
  access = null;
  sessionStorage.removeItem(KEPT);
}

async function send(method, path, { body, token, alsoGood } = {}) {
  const headers = {};
  if (body)
    headers['Content-Type'] = 'application/json';
  if (token)
    headers.Authorization = `Bearer ${token}`;
  let response, answer;
  try {
    response = await fetch(path, {
      method, headers, body: body && JSON.stringify(body), cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(PATIENCE),
    });
    answer = response.status === 204 ? null : await response.json();
  } catch {
    throw new Away();
  }
  if (response.ok || response.status === alsoGood)
    return answer;
  throw new Refused(response.status, answer, Number(response.headers.get('Retry-After')) || 1);
}

export async function signIn(credentials) {
  keep(await send('POST', '/login', { body: credentials }));
}

function renew() {
  return renewing ??= (async () => {
    const was = sessionStorage.getItem(KEPT);
    try {
      const grant = await send('POST', '/refresh', { body: { refresh_token: was } });
      keep(grant);
      tabs.postMessage({ was, grant });
    } catch (e) {
      if (e instanceof Refused && e.status === 401 && sessionStorage.getItem(KEPT) === was)
        forget();
      throw e;
    } finally {
      renewing = null;
    }
  })();
}

/** A request as whoever is signed in, or as nobody. */
export async function ask(path, { method = 'GET', body, alsoGood } = {}) {
  if (isKnown() && (!access || Date.now() > renewAt))
    await renew();
  try {
    return await send(method, path, { body, alsoGood, token: access });
  } catch (e) {
    // The clock of this machine may be wrong, or the server's keys new.
    if (!(e instanceof Refused) || e.status !== 401 || !isKnown())
      throw e;
    await renew();
    return send(method, path, { body, alsoGood, token: access });
  }
}

/** Signed out here whatever happens; the server is told if it can be. */
export async function signOut() {
  const was = sessionStorage.getItem(KEPT);
  const token = access;
  forget();
  if (!was)
    return;
  tabs.postMessage({ was });
  try {
    await send('POST', '/logout', { body: { refresh_token: was }, token });
  } catch {
    // It ends by itself when its time is over.
  }
}
