/**
 * Rows: many tasks in one channel, each in about 130 bytes, for lists that show little of each.
 *
 * A stream begins with the unfinished tasks and then tells what changes. So a task that is shown as unfinished and is
 * not among the first rows has ended in between (or is too old for them): its snapshot has to be asked for.
 */
const BARE = {
  current: null,
  total: null,
  unit: "",
  message: "",
  stages: [],
  rate: null,
  eta: null,
  queue: null,
  stalled_s: null,
  error: null,
  elapsed: null,
};

/** A row in the form of a snapshot: what it does not tell is empty, since what was known before may be wrong by now. */
export function snapshotOf(row, earlier) {
  const stage = row.stage ? { index: 0, name: row.stage } : null;
  const isSame = earlier?.state === row.state && earlier.pos === row.pos;
  return isSame ? earlier : { ...BARE, ...row, stage };
}

/** Which tasks the first rows of an opening have named. */
export class FirstRows {
  #expected = 0; // one such event a channel
  #named = new Set();

  /** A stream with so many channels of rows was opened. */
  begin(channels) {
    this.#expected = channels;
    this.#named.clear();
  }

  /** Rows came. Returns the tasks named by all the first rows once these are complete, else null. */
  take(rows) {
    if (this.#expected === 0) return null;
    for (const { task } of rows) this.#named.add(task);
    this.#expected -= 1;
    return this.#expected === 0 ? this.#named : null;
  }
}
