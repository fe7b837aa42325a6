/**
 * Asks a task's snapshot URL again and again: the way to follow a task where no stream comes through.
 *
 * It asks every 2 s while there is news, ever more slowly while there is none, rarely while the page is hidden, never
 * sooner than the server's Retry-After, and with a jittered backoff after errors. The pauses are scattered upwards, so
 * that pages which were opened together do not go on asking together. An unchanged snapshot costs a 304.
 */
import { Backoff } from "./backoff.js";

const LEAST_S = 1;
const QUICK_S = 2;
const SLOW_S = 15;
const HIDDEN_S = 30;
const SLOWING = 1.5;
const SCATTER = 0.2;
const ANSWER_WITHIN_MS = 10_000;
const DENIED = new Set([401, 403, 404, 410]);

export class Poller {
  #url;
  #take;
  #told;
  #etag = "";
  #everyS = QUICK_S;
  #atLeastS = 0;
  #restS = 0;
  #backoff = new Backoff();
  #timer = 0;
  #isRunning = false;
  #asking = null;

  /** "news" | "same" | "failed" | "denied" | null before the first answer. */
  outcome = null;
  /** When it asks again, in ms since 1970; 0 while it asks. */
  nextAt = 0;

  /**
   * `take(snapshot)` gets each answer and says whether it was news; `told(poller)` is called after each answer.
   */
  constructor(url, { take, told }) {
    this.#url = url;
    this.#take = take;
    this.#told = told;
  }

  /** Whether it runs as the one who brings news, and its last answer was good. */
  get works() {
    return this.#isRunning && this.#restS === 0 && (this.outcome === "news" || this.outcome === "same");
  }

  /** Ask from now on, at most once in `restS` seconds: 0 where nothing else brings news. */
  start(restS = 0) {
    const isSooner = restS < this.#restS;
    this.#restS = restS;
    if (this.#isRunning && isSooner) this.hurry();
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#turn();
  }

  stop() {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  /** Ask now instead of later: the page is looked at again, or the network is back. */
  hurry() {
    if (!this.#isRunning) return;
    clearTimeout(this.#timer);
    this.#everyS = QUICK_S;
    this.#turn();
  }

  /** Ask once; a question that is under way is shared. */
  ask() {
    this.#asking ??= this.#answer().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** Ask once more after a question that is under way: its answer may be older than what made us ask. */
  async askAnew() {
    await this.#asking;
    return this.ask();
  }

  async #turn() {
    this.nextAt = 0;
    const outcome = await this.ask();
    if (!this.#isRunning) return;
    clearTimeout(this.#timer);
    if (outcome === "denied") {
      this.stop();
    } else {
      const waitMs = this.#waitS(outcome) * 1000;
      this.nextAt = Date.now() + waitMs;
      this.#timer = setTimeout(() => this.#turn(), waitMs);
    }
    this.#told(this);
  }

  async #answer() {
    try {
      this.outcome = await this.#read(await this.#request());
    } catch {
      this.outcome = "failed"; // no network, no answer in time, or no JSON: each is asked again
    }
    return this.outcome;
  }

  #request() {
    const headers = { Accept: "application/json" };
    if (this.#etag) headers["If-None-Match"] = this.#etag;
    // A redirect would be the login page: that is a "no", not an answer.
    return fetch(this.#url, {
      headers,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  }

  async #read(response) {
    this.#atLeastS = Number(response.headers.get("Retry-After")) || 0;
    if (response.status === 304) return "same";
    if (response.type === "opaqueredirect" || DENIED.has(response.status)) return "denied";
    if (!response.ok) return "failed";
    const snapshot = await response.json();
    this.#etag = response.headers.get("ETag") ?? "";
    return this.#take(snapshot) ? "news" : "same";
  }

  #waitS(outcome) {
    if (outcome === "failed") return Math.max(LEAST_S + this.#backoff.next(), this.#atLeastS);
    this.#backoff.reset();
    this.#everyS = outcome === "news" ? QUICK_S : Math.min(SLOW_S, this.#everyS * SLOWING);
    const pauseS = Math.max(this.#everyS, this.#atLeastS, this.#restS, document.hidden ? HIDDEN_S : 0);
    return pauseS * (1 + Math.random() * SCATTER);
  }
}
