/**
 * The one connection of a browser, on behalf of all tabs that want something of it.
 *
 * 1. A tab that comes, or wants another channel, has the stream opened anew: that brings it the present state, and the
 *    server decides again who may read. What is served goes on meanwhile. What is no longer wanted is dropped later.
 * 2. All tabs are told the same, in the same order: `news(name, told)`, with the name and argument of the owner's
 *    methods in link.js. Events go in batches.
 */
import { Batch } from "./batch.js";
import { Connection } from "./connection.js";
import { Wants } from "./wants.js";

const SETTLE_MS = 50; // widgets and tabs come in flocks: one opening for all of them
const SHRINK_MS = 5_000; // going from page to page drops channels that the next page wants again
const LAST_WORDS_MS = 2_000; // the server ends a stream without a future itself; this is for one that does not

export class Leader {
  #wants = new Wants();
  #asked = {}; // the revisions that the last opening was for
  #channels = []; // and its channels
  #timer = 0;
  #batch = new Batch((events) => this.#news("events", events));
  #connection;
  #news;

  constructor(config, news) {
    this.#news = news;
    this.#batch.connect();
    this.#connection = new Connection(config, {
      opened: (greeting) => this.#opened(greeting),
      event: (event) => this.#event(event),
      lost: (told) => this.#tell("lost", told),
      delayed: (told) => this.#tell("delayed", told),
      denied: (channels) => this.#tell("denied", channels),
      silent: () => this.#tell("silent"),
      due: () => this.#settle(true),
      pollsWell: () => this.#wants.pollsWell,
      isWanted: () => this.#wants.seat().length > 0,
    });
  }

  has(tab) {
    return this.#wants.has(tab);
  }

  want(tab, want) {
    this.#wants.set(tab, want);
    this.#settleIn(SETTLE_MS);
  }

  leave(tab) {
    this.#wants.delete(tab);
    this.#settleIn(SETTLE_MS);
  }

  /** Somebody looks again, or the network is back. */
  wake() {
    this.#connection.wake();
  }

  /** The network is away. */
  cut() {
    this.#connection.cut();
  }

  /** The server answers again: try now. */
  hurry() {
    this.#connection.hurry();
  }

  /** The server advises this transport now. */
  prefer(name) {
    this.#connection.prefer(name);
  }

  close() {
    clearTimeout(this.#timer);
    this.#connection.close();
    this.#batch.disconnect();
  }

  #settleIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(false), ms);
  }

  /** Have the connection that fits what is wanted now, or none when nothing more will come for anybody. */
  #settle(isDue) {
    const channels = this.#wants.seat();
    if (channels.length === 0) {
      this.#later(LAST_WORDS_MS, () => this.#rest());
    } else if (isDue || !this.#connection.isBusy || this.#isBehind()) {
      this.#open(channels);
    } else if (channels.length < this.#channels.length) {
      this.#later(SHRINK_MS, () => this.#open(this.#wants.seat()));
    }
  }

  #later(ms, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
  }

  #isBehind() {
    return Object.entries(this.#wants.revisions).some(([tab, revision]) => this.#asked[tab] !== revision);
  }

  #open(channels) {
    this.#asked = this.#wants.revisions;
    this.#channels = channels;
    this.#connection.open(channels, this.#wants.owed(channels), this.#asked);
  }

  #rest() {
    this.#channels = [];
    this.#asked = {};
    this.#connection.close();
  }

  #opened(greeting) {
    this.#wants.serve(greeting.revisions);
    this.#wants.keep(greeting.lastEventId);
    this.#tell("opened", greeting);
  }

  #event(event) {
    if (event.name === "stream-reset") this.#wants.forget(event.data.channels ?? []);
    if (event.name !== "progress") this.#wants.keep(event.lastEventId);
    this.#batch.add(event);
  }

  #tell(name, told) {
    this.#batch.flush();
    this.#news(name, told);
  }
}
