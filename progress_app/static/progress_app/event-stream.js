/**
 * The stream of a page: all widgets share one connection, which comes back after every fault.
 *
 *     const leave = subscribe("/events/", { channel: "task-…", logChannel: "task-….log", logPosition: 0,
 *       snapshotUrl: "/tasks/…/snapshot/", snapshot(data) {}, entry(data) {}, reset(channels) {}, status({ state, retryAt }) {} });
 *
 * What a viewer is told about its connection: "connecting", "live", "polling", "reconnecting" (with the time of the next
 * try, in ms since 1970, 0 while one is under way), "offline", "denied" (not logged in any more, or not allowed), "ended".
 *
 * 1. Without a stream-open for 5 s the viewers ask for their snapshots, and go on asking until a stream opens. The tries
 *    to open one go on too: seldom while asking works (something on the way swallows streams), soon while it does not.
 * 2. An EventSource tells no status. After an answer that is no stream the snapshots are asked at once: their status
 *    says whether the task has ended, the access is gone, or the server is only out of breath.
 * 3. A stream carries 50 channels at most; viewers beyond that ask for their snapshots.
 */
import { Audience } from "./audience.js";
import { Backoff } from "./backoff.js";
import { PageLife } from "./page-life.js";
import { Pollers } from "./pollers.js";
import { Positions, parsePositions } from "./positions.js";
import { Source } from "./source.js";
import { FINAL } from "./states.js";

const PATIENCE_MS = 5_000;
const HEALTHY_MS = 30_000;
const SETTLE_MS = 50; // widgets come in flocks: one connection for all of them
const LAST_WORDS_MS = 2_000; // the server ends a stream without a future itself; this is for one that does not
const SELDOM = { firstS: 30, mostS: 300 };

const streams = new Map();

/** Follow a task over the page's stream at `eventsUrl`; returns the function that leaves it. */
export function subscribe(eventsUrl, viewer) {
  const url = new URL(eventsUrl, document.baseURI).href;
  if (!streams.has(url)) streams.set(url, new EventStream(url));
  const stream = streams.get(url);
  stream.add(viewer);
  return () => stream.remove(viewer);
}

class EventStream {
  #url;
  #audience = new Audience();
  #positions = new Positions();
  #backoff = new Backoff();
  #seldom = new Backoff(SELDOM);
  #source = null;
  #address = ""; // what the source asks for, without the positions
  #isOpen = false;
  #hasTried = false;
  #isAsleep = false;
  #openedAt = 0;
  #retryAt = 0;
  #timers = { settle: 0, retry: 0, patience: 0, close: 0 };

  #pollers = new Pollers({
    take: (snapshot) => this.#snapshot(snapshot),
    polled: () => this.#tell(),
    denied: (channel) => this.#deny(channel),
    recovered: () => this.#isOpen || this.#settleSoon(),
  });

  #page = new PageLife({
    wake: () => this.#wake(),
    offline: () => (this.#source ? this.#lost("cut") : this.#tell()),
    sleep: () => this.#sleep(),
    awaken: () => this.#awaken(),
  });

  constructor(url) {
    this.#url = url;
  }

  add(viewer) {
    if (this.#audience.isEmpty) this.#page.connect();
    this.#audience.add(viewer);
    if (viewer.logPosition) this.#positions.start(viewer.logChannel, viewer.logPosition);
    this.#settleSoon();
  }

  remove(viewer) {
    this.#audience.remove(viewer);
    if (this.#audience.isEmpty) {
      this.#page.disconnect();
      this.#rest();
      return;
    }
    if (!this.#audience.isWaitingFor(viewer.channel)) this.#pollers.stop(viewer.channel);
    if (!this.#audience.hasFinished(viewer.channel)) this.#settleSoon();
  }

  // The connection

  /** Have the one connection that fits the viewers now, or none when nothing more will come for them. */
  #settle() {
    if (this.#isAsleep) return;
    const { waiting } = this.#audience;
    if (waiting.length === 0) {
      this.#end();
      return;
    }
    const hasStreams = typeof EventSource !== "undefined";
    const channels = hasStreams ? this.#audience.seat() : [];
    const { streamed } = this.#audience;
    for (const viewer of waiting) if (!streamed.includes(viewer)) this.#pollers.start(viewer);
    if (hasStreams) this.#open(channels);
    this.#tell();
  }

  #open(channels) {
    const address = new URL(this.#url);
    for (const channel of channels) address.searchParams.append("channel", channel);
    if (this.#source && this.#address === address.href) return;
    this.#drop();
    this.#address = address.href;
    const owed = this.#positions.owed(channels);
    if (owed) address.searchParams.set("lastEventId", owed);
    this.#awaitOpening();
    this.#source = new Source(address.href, {
      opened: (lastEventId) => this.#opened(lastEventId),
      event: (name, data, lastEventId) => this.#event(name, data, lastEventId),
      silent: () => this.#verify(),
      lost: (reason) => this.#lost(reason),
    });
  }

  #awaitOpening() {
    this.#timers.patience ||= setTimeout(() => this.#pollAll(), PATIENCE_MS);
  }

  #opened(lastEventId) {
    this.#isOpen = this.#hasTried = true;
    this.#openedAt = Date.now();
    this.#seldom.reset();
    this.#cancel("patience");
    this.#positions.keep(lastEventId);
    for (const { channel } of this.#audience.streamed) this.#pollers.stop(channel);
    this.#tell();
  }

  #lost(reason) {
    if (this.#isOpen && Date.now() - this.#openedAt >= HEALTHY_MS) this.#backoff.reset();
    this.#drop();
    this.#hasTried = true;
    if (this.#audience.waiting.length === 0) {
      this.#end();
      return;
    }
    this.#awaitOpening();
    if (reason !== "cut") this.#pollAll();
    this.#retryIn((this.#pollers.areWell ? this.#seldom : this.#backoff).next());
    this.#tell();
  }

  #retryIn(waitS) {
    this.#retryAt = Date.now() + waitS * 1000;
    this.#cancel("retry");
    this.#timers.retry = setTimeout(() => this.#settle(), waitS * 1000);
  }

  /** The stream is silent: ask once whether it has missed something, or the server is away. */
  async #verify() {
    const source = this.#source;
    const [viewer] = this.#audience.streamed;
    const outcome = viewer ? await this.#pollers.ask(viewer) : "same";
    if (source !== this.#source) return;
    if (outcome === "same") source.heard();
    else this.#lost("cut");
  }

  #drop() {
    this.#source?.close();
    this.#source = null;
    this.#isOpen = false;
    this.#retryAt = 0;
    this.#cancel("retry");
    this.#cancel("settle");
  }

  /** Nothing more will come for anybody here; a viewer who joins later starts it again. */
  #end() {
    this.#rest();
    this.#tell();
  }

  /** Let go of everything that the network or a timer holds. */
  #rest() {
    this.#drop();
    for (const name of Object.keys(this.#timers)) this.#cancel(name);
    this.#pollers.stopAll();
  }

  #settleSoon() {
    this.#cancel("settle");
    this.#timers.settle = setTimeout(() => this.#settle(), SETTLE_MS);
  }

  #cancel(name) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = 0;
  }

  #pollAll() {
    this.#cancel("patience");
    if (this.#isOpen) return;
    for (const viewer of this.#audience.waiting) this.#pollers.start(viewer);
    this.#tell();
  }

  // The page

  #wake() {
    this.#pollers.hurry();
    if (this.#isOpen) this.#source.check();
    else if (this.#timers.retry && !this.#pollers.areWell) this.#settle();
  }

  #sleep() {
    this.#isAsleep = true;
    this.#rest();
  }

  #awaken() {
    this.#isAsleep = false;
    this.#settle();
  }

  // What arrives

  #event(name, data, lastEventId) {
    if (name === "log") this.#entry(data, lastEventId);
    else if (name === "stream-reset") this.#reset(data.channels ?? []);
    else this.#snapshot(data);
    if (name !== "progress") this.#positions.keep(lastEventId);
  }

  /** Pass a snapshot on if it is news; an end always is, whatever its position. */
  #snapshot(snapshot) {
    const channel = `task-${snapshot.task}`;
    const isFinal = FINAL.has(snapshot.state);
    if (this.#audience.hasFinished(channel)) return false;
    if (!this.#positions.accept(channel, snapshot.pos ?? 0) && !isFinal) return false;
    if (isFinal) this.#finish(channel);
    this.#audience.passSnapshot(channel, snapshot);
    if (isFinal) this.#tell();
    return true;
  }

  #finish(channel) {
    this.#audience.finish(channel);
    this.#pollers.stop(channel);
    if (this.#audience.waiting.length > 0) return;
    this.#cancel("close");
    this.#timers.close = setTimeout(() => this.#settle(), LAST_WORDS_MS);
  }

  #entry(entry, lastEventId) {
    const channel = `task-${entry.task}.log`;
    const position = parsePositions(lastEventId).get(channel);
    if (position && !this.#positions.accept(channel, position)) return;
    this.#audience.passEntry(channel, entry);
  }

  #reset(channels) {
    this.#positions.forget(channels);
    this.#audience.passReset(channels);
  }

  #deny(channel) {
    this.#audience.deny(channel);
    this.#pollers.stop(channel);
    this.#settleSoon();
  }

  // What the viewers are told

  #tell() {
    this.#audience.tell((viewer, isStreamed) => this.#connectionOf(viewer, isStreamed));
  }

  #connectionOf(viewer, isStreamed) {
    const poller = this.#pollers.get(viewer.channel);
    if (this.#isOpen && isStreamed) return { state: "live", retryAt: 0 };
    if (!navigator.onLine) return { state: "offline", retryAt: 0 };
    if (poller?.works) return { state: "polling", retryAt: 0 };
    if (!this.#hasTried && !poller) return { state: "connecting", retryAt: 0 };
    return { state: "reconnecting", retryAt: soonest(this.#retryAt, poller?.nextAt ?? 0) };
  }
}

function soonest(...moments) {
  const known = moments.filter((moment) => moment > 0);
  return known.length ? Math.min(...known) : 0;
}
