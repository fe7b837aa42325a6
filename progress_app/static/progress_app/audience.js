/**
 * Who follows what on this page, and whose task is over.
 *
 * A viewer has `channel`, that of its task, and what it takes: `snapshot(data)`, `row(data)`, `entry(data)`,
 * `reset(channels)`, `status(connection)`. `logChannel` is the task's log, if it shows that; `rowsChannel` a channel of
 * compact rows, if it is content with those; one whose `channel` is that of the rows takes `rows(rows)`. Without a
 * `snapshotUrl` it is told by the stream only. One of `user-<id>` takes `notice(data)` of what came after `position`; its
 * `snapshotUrl` has the newest.
 */
const ENDED = { state: "ended", retryAt: 0 };
const DENIED = { state: "denied", retryAt: 0 };

export class Audience {
  #byChannel = new Map();
  #finished = new Set(); // channels of tasks that have ended
  #denied = new Set(); // channels that the server refuses
  #told = new WeakMap(); // what each viewer was told last

  get isEmpty() {
    return this.#byChannel.size === 0;
  }

  /** The viewers for whom something may still come. */
  get waiting() {
    const channels = [...this.#byChannel.keys()].filter((channel) => this.isOpen(channel));
    return channels.flatMap((channel) => [...this.#byChannel.get(channel)]);
  }

  /** The channels that the waiting viewers want of the stream, as groups of which none makes sense in part. */
  get groups() {
    const wanted = this.waiting.map((viewer) => this.#wantedBy(viewer)).filter((group) => group.length > 0);
    return [...new Map(wanted.map((group) => [group.join(" "), group])).values()];
  }

  add(viewer) {
    if (!this.#byChannel.has(viewer.channel)) this.#byChannel.set(viewer.channel, new Set());
    this.#byChannel.get(viewer.channel).add(viewer);
  }

  remove(viewer) {
    const viewers = this.#byChannel.get(viewer.channel);
    viewers?.delete(viewer);
    if (viewers?.size === 0) this.#byChannel.delete(viewer.channel);
  }

  has(channel) {
    return this.#byChannel.has(channel);
  }

  /** Whether something may still come of this task: its end was not seen, and the server lets us look. */
  isOpen(channel) {
    return !this.#finished.has(channel) && !this.#denied.has(channel);
  }

  /** Whether all that the viewer wants is among the channels that the stream serves. */
  isServed(viewer, served) {
    const wanted = this.#wantedBy(viewer);
    return wanted.length > 0 && wanted.every((channel) => served.has(channel));
  }

  finish(channel) {
    this.#finished.add(channel);
  }

  /** The server refuses this channel; who only took its rows asks for snapshots instead. */
  deny(channel) {
    this.#denied.add(channel);
  }

  viewersOf(channel) {
    return [...(this.#byChannel.get(channel) ?? [])];
  }

  passSnapshot(channel, snapshot) {
    for (const viewer of this.viewersOf(channel)) viewer.snapshot(snapshot);
  }

  /** Returns the viewers who took it. */
  passRow(channel, row) {
    const viewers = this.viewersOf(channel).filter(({ rowsChannel }) => rowsChannel);
    for (const viewer of viewers) viewer.row(row);
    return viewers;
  }

  passRows(rows) {
    for (const viewer of this.waiting) viewer.rows?.(rows);
  }

  passEntry(channel, logChannel, entry) {
    for (const viewer of this.viewersOf(channel)) if (viewer.logChannel === logChannel) viewer.entry(entry);
  }

  passNotice(notice) {
    for (const viewer of this.waiting) viewer.notice?.(notice);
  }

  passReset(channels) {
    for (const viewer of this.waiting) {
      if (this.#wantedBy(viewer).some((channel) => channels.includes(channel))) viewer.reset(channels);
    }
  }

  /** Tell each viewer how it is connected, if that has changed; `connectionOf(viewer)` answers for the waiting ones. */
  tell(connectionOf) {
    for (const [channel, viewers] of this.#byChannel) {
      for (const viewer of viewers) this.#tellOne(viewer, this.#fateOf(channel) ?? connectionOf(viewer));
    }
  }

  #tellOne(viewer, connection) {
    const { state, retryAt } = this.#told.get(viewer) ?? {};
    if (state === connection.state && retryAt === connection.retryAt) return;
    this.#told.set(viewer, connection);
    viewer.status(connection);
  }

  #wantedBy({ channel, logChannel, rowsChannel }) {
    if (rowsChannel) return this.#denied.has(rowsChannel) ? [] : [rowsChannel];
    return [channel, logChannel].filter(Boolean);
  }

  #fateOf(channel) {
    if (this.#finished.has(channel)) return ENDED;
    return this.#denied.has(channel) ? DENIED : null;
  }
}
