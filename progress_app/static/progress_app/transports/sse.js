/**
 * The stream of our own server, by EventSource; with the session on our own origin, with a token on another.
 *
 * 1. The browser's own reconnecting is not used: it has no backoff, gives up for good on an answer that is not 200, and
 *    would bring a spent token back. At the first error the EventSource is closed and its owner is told.
 * 2. A heartbeat is a comment, which EventSource swallows. So two heartbeats of silence, by the wall clock (timers
 *    stand still while a computer sleeps), do not prove a loss: the owner is told "silent" and finds out.
 * 3. An EventSource tells no status. After an answer that is no stream the address is asked once more for its status.
 */
import { askForToken, deniedAt } from "./token.js";

const OPEN_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 5_000;
const USUAL_HEARTBEAT_S = 15;
const EVENTS = ["progress", "complete", "rows", "log", "notification", "ops", "stream-reset"];

export class Sse {
  name = "sse";
  isLossy = false;
  #config;

  constructor(config) {
    this.#config = config;
  }

  open(channels, owed, owner) {
    const source = new Source(owner);
    if (this.#isForeign) this.#openByToken(source, channels, owed);
    else source.connect(addressOf(this.#config.eventsUrl, channels, owed), { hasStatus: true });
    return source;
  }

  get #isForeign() {
    return new URL(this.#config.eventsUrl).origin !== location.origin;
  }

  async #openByToken(source, channels, owed) {
    try {
      const { token } = await askForToken(this.#config, channels, this.name);
      const address = new URL(addressOf(this.#config.eventsUrl, [], owed));
      address.searchParams.set("token", token);
      source.connect(address.href, { hasStatus: false });
    } catch (refusal) {
      source.fail(refusal);
    }
  }
}

function addressOf(eventsUrl, channels, owed) {
  const address = new URL(eventsUrl);
  for (const channel of channels) address.searchParams.append("channel", channel);
  if (owed) address.searchParams.set("lastEventId", owed);
  return address.href;
}

/** One connection, from its opening to its loss; it never comes back by itself. */
class Source {
  #eventSource = null;
  #owner;
  #deadline;
  #watch = 0;
  #isClosed = false;
  #heardAt = Date.now();
  #silenceMs = 2 * USUAL_HEARTBEAT_S * 1000;

  constructor(owner) {
    this.#owner = owner;
    this.#deadline = setTimeout(() => this.#lose("mute"), OPEN_WITHIN_MS);
  }

  connect(address, { hasStatus }) {
    if (this.#isClosed) return;
    this.#eventSource = new EventSource(address);
    this.#eventSource.addEventListener("error", () => this.#break(hasStatus ? address : null));
    this.#eventSource.addEventListener("stream-open", (event) => this.#open(event));
    this.#eventSource.addEventListener("stream-error", (event) => {
      if (parsed(event.data)?.retryable) this.#lose("cut");
      else this.#refuse(hasStatus ? address : null);
    });
    for (const name of EVENTS) this.#eventSource.addEventListener(name, (event) => this.#pass(event));
  }

  /** No token was to be had. */
  fail({ reason = "cut", denied, afterS }) {
    if (this.#isClosed) return;
    this.#lose(reason, afterS);
    if (denied !== undefined) this.#owner.denied(denied);
  }

  check() {
    if (Date.now() - this.#heardAt > this.#silenceMs) this.#owner.silent();
  }

  heard() {
    this.#heardAt = Date.now();
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#deadline);
    clearInterval(this.#watch);
    this.#eventSource?.close();
  }

  #open(event) {
    const greeting = parsed(event.data);
    clearTimeout(this.#deadline);
    this.heard();
    if (greeting?.heartbeat_s > 0) this.#silenceMs = 2 * greeting.heartbeat_s * 1000;
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.check(), Math.min(LOOK_EVERY_MS, this.#silenceMs));
    this.#owner.opened(event.lastEventId);
  }

  #pass(event) {
    this.heard();
    const data = parsed(event.data);
    if (data) this.#owner.event(event.type, data, event.lastEventId);
  }

  #break(address) {
    if (this.#eventSource.readyState === EventSource.CLOSED) this.#refuse(address);
    else this.#lose("cut");
  }

  async #refuse(address) {
    this.#lose("refused");
    const denied = address ? await deniedAt(address) : undefined;
    if (denied !== undefined) this.#owner.denied(denied);
  }

  #lose(reason, afterS) {
    this.close();
    this.#owner.lost(reason, afterS);
  }
}

/** The JSON of an event; null for anything else, which is then passed over. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
