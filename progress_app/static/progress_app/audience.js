/** Who follows what on this page: the viewers, which of them the connection serves, and whose task is over. */
const MOST_CHANNELS = 50; // the server's bound on one stream

export class Audience {
  #viewers = new Set();
  #streamed = new Set();
  #finished = new Set(); // channels of tasks that have ended
  #denied = new Set(); // channels that the server refuses

  get isEmpty() {
    return this.#viewers.size === 0;
  }

  /** The viewers for whom something may still come. */
  get waiting() {
    return [...this.#viewers].filter(({ channel }) => !this.#finished.has(channel) && !this.#denied.has(channel));
  }

  /** Those of them that the connection serves. */
  get streamed() {
    return this.waiting.filter((viewer) => this.#streamed.has(viewer));
  }

  add(viewer) {
    this.#viewers.add(viewer);
  }

  remove(viewer) {
    this.#viewers.delete(viewer);
    this.#streamed.delete(viewer);
  }

  /** Decide whom the next connection serves, in the order of their coming; returns its channels, sorted. */
  seat() {
    const chosen = new Set();
    this.#streamed.clear();
    for (const viewer of this.waiting) {
      const wanted = new Set([...chosen, ...channelsOf(viewer)]);
      if (wanted.size > MOST_CHANNELS) continue;
      this.#streamed.add(viewer);
      for (const channel of wanted) chosen.add(channel);
    }
    return [...chosen].sort();
  }

  isWaitingFor(channel) {
    return this.waiting.some((viewer) => viewer.channel === channel);
  }

  hasFinished(channel) {
    return this.#finished.has(channel);
  }

  finish(channel) {
    this.#finished.add(channel);
  }

  deny(channel) {
    this.#denied.add(channel);
  }

  passSnapshot(channel, snapshot) {
    for (const viewer of this.#viewers) if (viewer.channel === channel) viewer.snapshot(snapshot);
  }

  passEntry(channel, entry) {
    for (const viewer of this.#viewers) if (viewer.logChannel === channel) viewer.entry(entry);
  }

  passReset(channels) {
    for (const viewer of this.#viewers) {
      if (channelsOf(viewer).some((channel) => channels.includes(channel))) viewer.reset(channels);
    }
  }

  /** Tell each viewer how it is connected; `connectionOf(viewer, isStreamed)` answers for the unfinished ones. */
  tell(connectionOf) {
    for (const viewer of this.#viewers) viewer.status(this.#fateOf(viewer) ?? connectionOf(viewer, this.#streamed.has(viewer)));
  }

  #fateOf({ channel }) {
    if (this.#finished.has(channel)) return { state: "ended", retryAt: 0 };
    return this.#denied.has(channel) ? { state: "denied", retryAt: 0 } : null;
  }
}

function channelsOf(viewer) {
  return [viewer.channel, viewer.logChannel].filter(Boolean);
}
