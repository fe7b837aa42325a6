/** Asks our own server for leave to connect elsewhere. */
const ANSWER_WITHIN_MS = 10_000;

/** The answer was no; `reason` as a source tells it, `denied` the refused channels (null: all) if it was about access. */
export class Refusal extends Error {
  constructor(reason, { denied, afterS = 0 } = {}) {
    super(reason);
    Object.assign(this, { reason, denied, afterS });
  }
}

/**
 * A token for these channels over this transport, good for one connection: { token, url, expires_in, … }.
 *
 * Throws a Refusal.
 */
export async function askForToken({ tokenUrl, csrfToken }, channels, transport) {
  const response = await reach(tokenUrl, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken },
    body: JSON.stringify({ channels, transport }),
  });
  if (response.ok) return response.json();
  const afterS = Number(response.headers.get("Retry-After")) || 0;
  throw new Refusal("refused", { denied: await deniedBy(response), afterS });
}

/** The channels whose stream the server refuses at this address (null: all), undefined if that is not why none came. */
export async function deniedAt(url) {
  try {
    const response = await reach(url, { headers: { Accept: "application/json" } });
    if (!response.ok) return await deniedBy(response);
    await response.body?.cancel(); // a stream after all
  } catch {
    // no network: that is no refusal
  }
  return undefined;
}

async function reach(url, options) {
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    return await fetch(url, { cache: "no-store", credentials: "same-origin", redirect: "manual", signal, ...options });
  } catch {
    throw new Refusal("cut");
  }
}

async function deniedBy(response) {
  // A redirect would be the login page.
  if (response.type === "opaqueredirect" || response.status === 401) return null;
  if (response.status !== 403) return undefined;
  const told = await response.json().catch(() => ({}));
  return told.channels;
}
