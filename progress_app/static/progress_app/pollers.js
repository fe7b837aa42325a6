/** The pollers of a page, one a channel, begun and ended as the stream fails and comes back. */
import { Poller } from "./polling.js";

const SELDOM_S = 30;

export class Pollers {
  #byChannel = new Map();
  #owner;

  /**
   * `owner` has `take(snapshot)`, which says whether it was news, `polled()` after each answer, `denied(channel)`, and
   * `recovered()` when a server that did not answer does so again.
   */
  constructor(owner) {
    this.#owner = owner;
  }

  /** Whether asking gets through, which it may where streaming does not. */
  get areWell() {
    return [...this.#byChannel.values()].some((poller) => poller.works);
  }

  get(channel) {
    return this.#byChannel.get(channel);
  }

  start(viewer) {
    if (viewer.snapshotUrl) this.#of(viewer).start();
  }

  /** Ask at once and then seldom, beside a stream that may drop events without a sign. */
  accompany(viewer) {
    if (viewer.snapshotUrl) this.#of(viewer).start(SELDOM_S);
  }

  /** Ask once for this viewer; the answer is the poller's outcome. */
  ask(viewer) {
    return this.#of(viewer).ask();
  }

  /** As `ask`, but of the server as it is from now on. */
  askAnew(viewer) {
    return this.#of(viewer).askAnew();
  }

  hurry() {
    for (const poller of this.#byChannel.values()) poller.hurry();
  }

  stop(channel) {
    this.#byChannel.get(channel)?.stop();
    this.#byChannel.delete(channel);
  }

  stopAll() {
    for (const channel of [...this.#byChannel.keys()]) this.stop(channel);
  }

  #of({ channel, snapshotUrl }) {
    if (!this.#byChannel.has(channel)) this.#byChannel.set(channel, this.#make(channel, snapshotUrl));
    return this.#byChannel.get(channel);
  }

  #make(channel, snapshotUrl) {
    let hasFailed = false;
    return new Poller(snapshotUrl, {
      take: (snapshot) => this.#owner.take(snapshot),
      told: (poller) => {
        if (poller.outcome === "denied") this.#owner.denied(channel);
        else if (hasFailed && poller.works) this.#owner.recovered();
        hasFailed = poller.outcome === "failed";
        this.#owner.polled();
      },
    });
  }
}
