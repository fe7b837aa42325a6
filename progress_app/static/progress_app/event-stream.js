/**
 * The stream as a page sees it: each widget follows its task, over one connection for the whole browser (link.js).
 *
 *     const leave = subscribe({ eventsUrl: "/events/", session: "…" }, { channel: "task-…", logChannel: "task-….log",
 *       logPosition: 0, snapshotUrl: "/tasks/…/snapshot/", snapshot(data) {}, entry(data) {}, reset(channels) {},
 *       status({ state, retryAt }) {} });
 *
 * What a viewer is told about its connection: "connecting", "live", "polling", "reconnecting" (with the time of the next
 * try, in ms since 1970, 0 while one is under way), "offline", "denied" (not logged in any more, or not allowed), "ended".
 *
 * 1. Who is not served by a stream within 5 s asks for its snapshot, and goes on asking until it is.
 * 2. After an answer that is no stream the snapshots are asked for at once: their status says whether the task has
 *    ended, the access is gone, or the server is only out of breath.
 */
import { Audience } from "./audience.js";
import { Inbox } from "./inbox.js";
import { linkFor } from "./link.js";
import { PageLife } from "./page-life.js";
import { Pollers } from "./pollers.js";
import { Positions } from "./positions.js";

const PATIENCE_MS = 5_000;
const SETTLE_MS = 20; // widgets come in flocks

const streams = new Map();

/**
 * Follow a task over the page's stream; returns the function that leaves it.
 *
 * `config`: eventsUrl; session (names those who may share a connection; no secret); transport ("sse", "pusher", "ably",
 * "poll"); tokenUrl and csrfToken for another origin or a hosted service, and for the latter libraryUrl.
 */
export function subscribe(config, viewer) {
  const eventsUrl = new URL(config.eventsUrl, document.baseURI).href;
  const key = `${config.session} ${config.transport || "sse"} ${eventsUrl}`;
  if (!streams.has(key)) streams.set(key, new EventStream({ ...config, eventsUrl }));
  const stream = streams.get(key);
  stream.add(viewer);
  return () => stream.remove(viewer);
}

class EventStream {
  #audience = new Audience();
  #positions = new Positions();
  #link;
  #wanted = new Set(); // the channels of the last want
  #revision = 0;
  #pollsWell = false;
  #transport = ""; // the one that was open last
  #hasTried = false;
  #isAsleep = true;
  #isHidden = false;
  #retryAt = 0;
  #timers = { settle: 0, patience: 0 };

  #inbox = new Inbox(this.#audience, this.#positions, {
    finished: (channel) => this.#finished(channel),
    ask: (viewer) => this.#pollers.start(viewer),
    fetch: (viewer) => this.#fetch(viewer),
  });

  #pollers = new Pollers({
    take: (snapshot) => this.#takeAnswer(snapshot),
    polled: () => this.#polled(),
    denied: (channel) => this.#deny([channel]),
    recovered: () => this.#link.say("hurry"),
  });

  #page = new PageLife({
    wake: () => this.#wake(),
    hide: () => this.#hide(),
    offline: () => this.#offline(),
    sleep: () => this.#sleep(),
    awaken: () => this.#awaken(),
  });

  constructor(config) {
    this.#link = linkFor(config, {
      opened: (greeting) => this.#opened(greeting),
      events: (events) => events.forEach((event) => this.#inbox.takeEvent(event)),
      lost: (told) => this.#lost(told),
      delayed: ({ reason }) => reason === "cut" || this.#pollAll(),
      denied: (channels) => this.#deny(channels ?? [...this.#wanted]),
      silent: () => this.#verify(),
    });
  }

  add(viewer) {
    if (this.#audience.isEmpty) {
      this.#page.connect();
      this.#awaken();
    }
    this.#audience.add(viewer);
    if (viewer.position !== undefined) this.#positions.start(viewer.channel, viewer.position);
    if (viewer.logPosition) this.#positions.start(viewer.logChannel, viewer.logPosition);
    this.#settleSoon();
  }

  remove(viewer) {
    this.#audience.remove(viewer);
    if (this.#audience.isEmpty) {
      this.#page.disconnect();
      this.#sleep();
      return;
    }
    if (!this.#audience.has(viewer.channel)) this.#pollers.stop(viewer.channel);
    this.#settleSoon();
  }

  // What we want

  #settleSoon() {
    this.#timers.settle ||= setTimeout(() => this.#settle(), SETTLE_MS);
  }

  #settle() {
    this.#cancel("settle");
    if (this.#isAsleep || this.#isHidden) return;
    const { groups, waiting } = this.#audience;
    const channels = new Set(groups.flat());
    if ([...channels].some((channel) => !this.#wanted.has(channel))) this.#revision += 1;
    this.#wanted = channels;
    this.#pollsWell = this.#pollers.areWell;
    const owed = this.#positions.owed([...channels]);
    this.#link.want({ revision: this.#revision, groups, owed, pollsWell: this.#pollsWell });
    if (waiting.some((viewer) => !this.#inbox.serves(viewer))) this.#awaitOpening();
    this.#tell();
  }

  #awaitOpening() {
    this.#timers.patience ||= setTimeout(() => this.#pollAll(), PATIENCE_MS);
  }

  /** Ask for the snapshots of all whom no stream serves. */
  #pollAll() {
    this.#cancel("patience");
    for (const viewer of this.#audience.waiting) if (!this.#inbox.serves(viewer)) this.#pollers.start(viewer);
    this.#tell();
  }

  #polled() {
    if (this.#pollers.areWell !== this.#pollsWell) this.#settleSoon(); // the leader decides by it when to try again
    this.#tell();
  }

  // What the link tells

  #opened({ channels, lastEventId, transport, isLossy, isMine }) {
    this.#hasTried = true;
    this.#transport = transport;
    if (!isMine) return;
    this.#retryAt = 0;
    this.#inbox.open(
      channels.filter((channel) => this.#wanted.has(channel)),
      lastEventId,
    );
    for (const viewer of this.#audience.waiting.filter((each) => this.#inbox.serves(each))) {
      if (isLossy) this.#pollers.accompany(viewer);
      else this.#pollers.stop(viewer.channel);
    }
    this.#pollAll();
    this.#polled();
  }

  #lost({ reason, retryAt }) {
    this.#hasTried = true;
    this.#inbox.close();
    this.#retryAt = retryAt;
    if (reason === "cut") this.#awaitOpening();
    else this.#pollAll();
    this.#tell();
  }

  /** The stream is silent: ask once whether it has missed something, or the server is away. */
  async #verify() {
    const viewer = this.#audience.waiting.find((each) => each.snapshotUrl && this.#inbox.serves(each));
    if (viewer && (await this.#pollers.ask(viewer)) !== "same" && this.#inbox.serves(viewer)) this.#link.say("cut");
  }

  /** A snapshot that was asked for also says which transport the server advises. */
  #takeAnswer(snapshot) {
    if (snapshot.via && this.#transport && snapshot.via !== this.#transport) this.#link.say("prefer", snapshot.via);
    return this.#inbox.takeSnapshot(snapshot);
  }

  async #fetch(viewer) {
    if ((await this.#pollers.askAnew(viewer)) === "failed") this.#pollers.start(viewer);
  }

  #finished(channel) {
    this.#pollers.stop(channel);
    this.#settle();
  }

  #deny(channels) {
    for (const channel of channels) {
      this.#audience.deny(channel);
      this.#pollers.stop(channel);
    }
    this.#settle();
  }

  // The page

  #wake() {
    if (this.#isHidden) this.#show();
    this.#pollers.hurry();
    this.#link.say("wake");
  }

  /** Nobody looks: a connection that no other tab can use is given up for a question now and then. */
  #hide() {
    if (this.#link.isShared || this.#isAsleep) return;
    this.#isHidden = true;
    this.#link.disconnect();
    this.#wanted.clear();
    this.#lost({ reason: "hidden", retryAt: 0 });
  }

  #show() {
    this.#isHidden = false;
    this.#link.connect();
    this.#settleSoon();
  }

  #offline() {
    if (!this.#isAsleep) this.#link.say("cut");
    this.#tell();
  }

  /** Let go of everything that the network, a lock or a timer holds. */
  #sleep() {
    this.#isAsleep = true;
    this.#isHidden = false;
    this.#link.disconnect();
    this.#pollers.stopAll();
    this.#inbox.close();
    this.#wanted.clear();
    for (const name of Object.keys(this.#timers)) this.#cancel(name);
  }

  #awaken() {
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    this.#link.connect();
    this.#settleSoon();
  }

  #cancel(name) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = 0;
  }

  // What the viewers are told

  #tell() {
    this.#audience.tell((viewer) => this.#connectionOf(viewer));
  }

  #connectionOf(viewer) {
    const poller = this.#pollers.get(viewer.channel);
    if (this.#inbox.serves(viewer)) return { state: "live", retryAt: 0 };
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
