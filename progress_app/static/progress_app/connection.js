/**
 * The connection that carries events, over whichever transport comes through; it comes back after every loss.
 *
 * 1. Another opening does not end the present one before it has succeeded: nobody is without events meanwhile, and a
 *    refusal hits only who asked for more.
 * 2. The transports form a ladder: the chosen one, then the stream of our own server. Who opens none of them waits, ever
 *    longer: seldom while asking for snapshots works (something on the way swallows streams), soon while it does not.
 *    From a lower rung the upper one is tried again at times.
 */
import { Backoff } from "./backoff.js";
import { ladderOf } from "./transports/ladder.js";

const HEALTHY_MS = 30_000;
const CLIMB_MS = 300_000;
const SELDOM = { firstS: 30, mostS: 300 };

export class Connection {
  #ladder;
  #rung = 0;
  #owner;
  #current = null; // the attempt that has opened
  #next = null; // the attempt that is to take its place
  #backoff = new Backoff();
  #seldom = new Backoff(SELDOM);
  #timers = { retry: 0, climb: 0 };

  /**
   * `owner` has `opened(greeting)`, `event({ name, data, lastEventId })`, `lost({ reason, retryAt })` when nothing is
   * served any more, `delayed({ reason })` when only a change was refused, `denied(channels)` (null: all), `silent()`,
   * `due()` when it is time to open again, and says `pollsWell()` and `isWanted()`.
   */
  constructor(config, owner) {
    this.#ladder = ladderOf(config);
    this.#owner = owner;
  }

  /** Whether it is open, about to be, or has set itself a time. */
  get isBusy() {
    return Boolean(this.#current || this.#next || this.#timers.retry);
  }

  /** Open for these channels; `revisions` comes back with the greeting. */
  open(channels, owed, revisions) {
    this.#dropNext();
    if (this.#ladder.length === 0) {
      this.#owner.lost({ reason: "poll", retryAt: 0 });
      return;
    }
    const attempt = { channels, revisions, openedAt: 0, source: null, transport: this.#ladder[this.#rung] };
    this.#next = attempt;
    attempt.source = attempt.transport.open(channels, owed, {
      opened: (lastEventId, carried) => this.#opened(attempt, lastEventId, carried ?? channels),
      event: (name, data, lastEventId) => this.#owner.event({ name, data, lastEventId }),
      silent: () => this.#silent(attempt),
      lost: (reason, afterS) => this.#lost(attempt, reason, afterS),
      denied: (refused) => this.#owner.denied(refused),
    });
  }

  /** Somebody looks again, or the network is back. */
  wake() {
    if (this.#current) this.#current.source.check();
    else if (this.#timers.retry && !this.#owner.pollsWell()) this.hurry();
  }

  /** Try now what was to be tried later, and anew what hangs. */
  hurry() {
    if (!this.#current && (this.#next || this.#timers.retry)) this.#due();
  }

  /** The server advises this transport now. */
  prefer(name) {
    const rung = this.#ladder.findIndex((transport) => transport.name === name);
    if (rung < 0 || rung === this.#rung) return;
    this.#rung = rung;
    this.#due();
  }

  /** Take it for lost: the network is away, or something was missed. */
  cut() {
    this.#dropNext();
    if (this.#current) this.#lost(this.#current, "cut");
  }

  close() {
    this.#dropNext();
    this.#current?.source.close();
    this.#current = null;
    for (const name of Object.keys(this.#timers)) this.#cancel(name);
  }

  #opened(attempt, lastEventId, channels) {
    this.#current?.source.close();
    this.#current = attempt;
    this.#next = null;
    attempt.openedAt = Date.now();
    this.#seldom.reset();
    this.#cancel("climb");
    if (this.#rung > 0) this.#timers.climb = setTimeout(() => this.#climb(), CLIMB_MS);
    const { revisions, transport } = attempt;
    this.#owner.opened({ channels, revisions, lastEventId, transport: transport.name, isLossy: transport.isLossy });
  }

  #lost(attempt, reason, afterS = 0) {
    attempt.source?.close();
    if (attempt === this.#next) this.#next = null;
    if (attempt === this.#current) this.#current = null;
    if (attempt.openedAt && Date.now() - attempt.openedAt >= HEALTHY_MS) this.#backoff.reset();
    if (!this.#owner.isWanted()) return;
    const wasOpen = attempt.openedAt > 0;
    const waitS = Math.max(afterS, this.#waitAfter(reason, wasOpen));
    this.#retryIn(waitS);
    if (this.#current) this.#owner.delayed({ reason });
    else this.#owner.lost({ reason, retryAt: Date.now() + waitS * 1000 });
  }

  /** The next rung at once; at the foot of the ladder a pause, and then from its top. */
  #waitAfter(reason, wasOpen) {
    if (!wasOpen && reason !== "cut" && this.#rung + 1 < this.#ladder.length) {
      this.#rung += 1;
      return 0;
    }
    if (!wasOpen) this.#rung = 0;
    return (this.#owner.pollsWell() ? this.#seldom : this.#backoff).next();
  }

  #climb() {
    this.#rung = 0;
    this.#owner.due();
  }

  /** The greeting's heartbeat did not come for two beats: the viewers find out whether they missed something. */
  #silent(attempt) {
    if (attempt !== this.#current) return;
    attempt.source.heard();
    this.#owner.silent();
  }

  #retryIn(waitS) {
    this.#cancel("retry");
    this.#timers.retry = setTimeout(() => this.#due(), waitS * 1000);
  }

  #due() {
    this.#cancel("retry");
    this.#owner.due();
  }

  #dropNext() {
    this.#next?.source?.close();
    this.#next = null;
    this.#cancel("retry");
  }

  #cancel(name) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = 0;
  }
}
