/**
 * One connection to the stream, from its opening to its loss; it never comes back by itself.
 *
 * 1. The browser's own reconnecting is not used: it has no backoff and gives up for good on an answer that is not 200.
 *    At the first error the EventSource is closed and its owner is told.
 * 2. A heartbeat is a comment, which EventSource swallows. So two heartbeats of silence, by the wall clock (timers
 *    stand still while a computer sleeps), do not prove a loss: the owner is told "silent" and finds out.
 */
const OPEN_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 5_000;
const USUAL_HEARTBEAT_S = 15;
const EVENTS = ["progress", "complete", "log", "stream-reset"];

export class Source {
  #eventSource;
  #owner;
  #deadline;
  #watch = 0;
  #heardAt = Date.now();
  #silenceMs = 2 * USUAL_HEARTBEAT_S * 1000;

  /**
   * `owner` has `opened(lastEventId)`, `event(name, data, lastEventId)`, `silent()` and `lost(reason)`; reason is "cut",
   * "mute" (no stream-open in time) or "refused" (an answer that is no stream).
   */
  constructor(url, owner) {
    this.#owner = owner;
    this.#deadline = setTimeout(() => this.#lose("mute"), OPEN_WITHIN_MS);
    this.#eventSource = new EventSource(url);
    this.#eventSource.addEventListener("error", () => this.#lose(this.#isRefused ? "refused" : "cut"));
    this.#eventSource.addEventListener("stream-open", (event) => this.#open(event));
    this.#eventSource.addEventListener("stream-error", (event) => {
      this.#lose(parsed(event.data)?.retryable ? "cut" : "refused");
    });
    for (const name of EVENTS) this.#eventSource.addEventListener(name, (event) => this.#pass(event));
  }

  /** Tell the owner at once if the stream has been silent for too long, as after a sleep. */
  check() {
    if (Date.now() - this.#heardAt > this.#silenceMs) this.#owner.silent();
  }

  /** The owner found that silence was only silence. */
  heard() {
    this.#heardAt = Date.now();
  }

  close() {
    clearTimeout(this.#deadline);
    clearInterval(this.#watch);
    this.#eventSource.close();
  }

  get #isRefused() {
    return this.#eventSource.readyState === EventSource.CLOSED;
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

  #lose(reason) {
    this.close();
    this.#owner.lost(reason);
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
