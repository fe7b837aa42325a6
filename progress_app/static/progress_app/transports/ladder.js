/**
 * The transports as equals, and in which order they are tried: the chosen one, then our own stream where the browser
 * can hold one. Under all of them stands asking for snapshots, which needs no transport.
 *
 * A transport has `name`, `isLossy` (whether events may be missing without a sign, so that snapshots are asked for
 * beside it), and `open(channels, owed, owner)`. That returns a source: `close()`, `check()` (has it been silent for
 * too long?) and `heard()` (silence was only silence). Its `owner` has `opened(lastEventId, carried)` (the channels that
 * it carries, if not all), `event(name, data, lastEventId)`, `silent()`, `denied(channels)` (null: all) and, once and
 * last, `lost(reason, afterS)`: "cut", "mute" (no answer in time) or "refused" (an answer that is none of a stream).
 */
import { ably } from "./ably.js";
import { pusher } from "./pusher.js";
import { Sse } from "./sse.js";

const MAKERS = {
  sse: (config) => (typeof EventSource === "undefined" ? null : new Sse(config)),
  pusher,
  ably,
};

/** The transports to try, best first; empty where only asking is wanted or possible. */
export function ladderOf(config) {
  const chosen = config.transport || "sse";
  const names = chosen === "poll" ? [] : [...new Set([chosen, "sse"])];
  return names.map((name) => MAKERS[name]?.(config)).filter(Boolean);
}
