/**
 * What was seen of each channel, and what the server wants to hear about it at the next connection. Pure.
 *
 * A position is an integer below 2^53; a channel's positions only rise. 0 is a record without a position: it counts
 * as news as long as nothing better was seen.
 */
const FIRST = 2 ** 20; // a channel's first position is a multiple of it

export class Positions {
  #seen = new Map();
  #owed = new Map();

  /** Whether the event at this position is newer than all before it; if so it is remembered. */
  accept(channel, position) {
    const last = this.#seen.get(channel) ?? 0;
    if (position < last || (position === last && last > 0)) return false;
    this.#seen.set(channel, position);
    return true;
  }

  /** Whether events of a log channel are missing before this position: they rise by one, the first ends in zeros. */
  leapsTo(channel, position) {
    const last = this.#seen.get(channel) ?? 0;
    return last > 0 ? position > last + 1 : position % FIRST !== 0;
  }

  /** The page shows this channel up to here already: go on from there. */
  start(channel, position) {
    if (this.accept(channel, position)) this.#owed.set(channel, position);
  }

  /** Remember what an event's `id:` says of these channels; the server wants it back. */
  keep(lastEventId, channels) {
    for (const [channel, position] of parsePositions(lastEventId)) {
      if (channels.has(channel)) this.#owed.set(channel, position);
    }
  }

  /** What to bring back of these channels, as { channel: position }; a channel of which the server asked nothing is not in it. */
  owed(channels) {
    const known = channels.filter((channel) => this.#owed.has(channel));
    return Object.fromEntries(known.map((channel) => [channel, this.#owed.get(channel)]));
  }

  /** The newest position seen of a channel, 0 before the first. */
  last(channel) {
    return this.#seen.get(channel) ?? 0;
  }

  /** Take anything of these channels again: the server said that their positions could not be continued. */
  forget(channels) {
    for (const channel of channels) {
      this.#seen.delete(channel);
      this.#owed.delete(channel);
    }
  }
}

/** Write { channel: position } as the server reads it. */
export function formatPositions(positions) {
  return Object.entries(positions)
    .map(([channel, position]) => `${encodeURIComponent(channel)}:${position}`)
    .join(",");
}

/** Read `quote(channel):position`, comma-joined; parts that cannot be read are left out. */
export function parsePositions(text) {
  const found = new Map();
  for (const part of (text ?? "").split(",")) {
    const colon = part.lastIndexOf(":");
    const position = Number(part.slice(colon + 1));
    if (colon > 0 && Number.isSafeInteger(position) && position >= 0) {
      found.set(unquoted(part.slice(0, colon)), position);
    }
  }
  return found;
}

function unquoted(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
