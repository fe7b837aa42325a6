/**
 * What arrives for this page, from the stream or as an answer: each piece of news is passed on once, in order.
 *
 * Events of a channel are taken only while the stream serves it to this page: before an opening that was made for what
 * the page wants, entries that other tabs get would run ahead of those that this page has yet to be given.
 */
import { parsePositions } from "./positions.js";
import { FirstRows } from "./rows.js";
import { FINAL } from "./states.js";

const OPS = "ops"; // the channel, and the name of its event
const ROWS = /^tasks$|^(?:user|group)-[^.]+\.tasks$/;

export class Inbox {
  #audience;
  #positions;
  #owner;
  #served = new Set();
  #firstRows = new FirstRows();
  #noticed = new Set(); // tasks whose notice was passed on: there is one of each

  /**
   * `owner` has `finished(channel)`; `fetch(viewer)`, which gets its snapshot once; and `ask(viewer)`, which goes on
   * asking until the end.
   */
  constructor(audience, positions, owner) {
    this.#audience = audience;
    this.#positions = positions;
    this.#owner = owner;
  }

  /** The stream serves these channels from now on. */
  open(channels, lastEventId) {
    this.#served = new Set(channels);
    this.#positions.keep(lastEventId, this.#served);
    this.#firstRows.begin(channels.filter((channel) => ROWS.test(channel)).length);
  }

  /** The stream serves nothing any more. */
  close() {
    this.#served.clear();
  }

  serves(viewer) {
    return this.#audience.isServed(viewer, this.#served);
  }

  takeEvent({ name, data, lastEventId }) {
    if (name === "log") this.#takeEntry(data, lastEventId);
    else if (name === "rows") this.#takeRows(data.rows);
    else if (name === "notification") this.#takeNotices([data]);
    else if (name === OPS) this.#served.has(OPS) && this.#takeOverview(data);
    else if (name === "stream-reset") this.#reset(data.channels ?? []);
    else if (this.#served.has(`task-${data.task}`)) this.#takeState(data);
    if (name !== "progress") this.#positions.keep(lastEventId, this.#served);
  }

  /** A snapshot that is too large for a hosted service comes without its state: it has to be fetched. */
  #takeState(data) {
    if (data.state) this.takeSnapshot(data);
    else this.#audience.viewersOf(`task-${data.task}`).slice(0, 1).forEach((viewer) => this.#owner.fetch(viewer));
  }

  /** Pass a snapshot on if it is news, and say so; an end always is, whatever its position. */
  takeSnapshot(snapshot) {
    if (snapshot.notices) return this.#takeNotices(snapshot.notices);
    if (!snapshot.task) return this.#takeOverview(snapshot);
    const channel = `task-${snapshot.task}`;
    const isFinal = FINAL.has(snapshot.state);
    if (!this.#audience.isOpen(channel)) return false;
    if (!this.#positions.accept(channel, snapshot.pos ?? 0) && !isFinal) return false;
    if (isFinal) this.#audience.finish(channel);
    this.#audience.passSnapshot(channel, snapshot);
    if (isFinal) this.#owner.finished(channel);
    return true;
  }

  /** Notices may come by the stream and by an answer, in any order. */
  #takeNotices(notices) {
    const news = notices.filter(({ task }) => !this.#noticed.has(task));
    for (const notice of news) {
      this.#noticed.add(notice.task);
      this.#audience.passNotice(notice);
    }
    return news.length > 0;
  }

  /** The overview for operations is of no task: each one replaces the last. */
  #takeOverview(overview) {
    if (!this.#audience.isOpen(OPS)) return false;
    this.#audience.passSnapshot(OPS, overview);
    return true;
  }

  /** A stream of ours gives an entry's position in its id; a hosted service, which tells no gap, in the entry. */
  #takeEntry(entry, lastEventId) {
    const [channel, logChannel] = [`task-${entry.task}`, `task-${entry.task}.log`];
    if (!this.#served.has(logChannel)) return;
    const position = parsePositions(lastEventId).get(logChannel) ?? entry.pos;
    const isGap = entry.pos !== undefined && this.#positions.leapsTo(logChannel, position);
    if (position && !this.#positions.accept(logChannel, position)) return;
    const isWhole = entry.text !== undefined; // one that is too long for a hosted service comes without its text
    if (isGap || !isWhole) this.#audience.passReset([logChannel]);
    if (isWhole) this.#audience.passEntry(channel, logChannel, entry);
  }

  #takeRows(rows) {
    for (const row of rows) this.#takeRow(row);
    this.#audience.passRows(rows);
    const named = this.#firstRows.take(rows);
    if (!named) return;
    for (const viewer of this.#audience.waiting) {
      if (viewer.rowsChannel && !named.has(viewer.channel.slice("task-".length))) this.#owner.fetch(viewer);
    }
  }

  /** Rows have positions of their own: who takes full snapshots of the task must not miss one for a row. */
  #takeRow(row) {
    const channel = `task-${row.task}`;
    if (!this.#audience.isOpen(channel) || row.pos < this.#positions.last(channel)) return;
    if (!this.#positions.accept(`row ${channel}`, row.pos)) return;
    const [viewer] = this.#audience.passRow(channel, row);
    if (viewer && FINAL.has(row.state)) this.#owner.ask(viewer); // a row tells neither the reason nor the time it took
  }

  #reset(channels) {
    const ours = channels.filter((channel) => this.#served.has(channel));
    this.#positions.forget(ours);
    this.#audience.passReset(ours);
  }
}
