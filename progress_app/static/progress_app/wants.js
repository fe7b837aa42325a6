/**
 * What the tabs of a browser want of the one stream. Pure.
 *
 * A want is { revision, groups, owed, pollsWell }: the channels in groups of which none makes sense in part; the
 * positions to go on from; and whether asking for snapshots works in that tab. The revision rises when a tab needs a
 * channel's present state anew, which only a new opening brings.
 */
import { formatPositions, parsePositions } from "./positions.js";

const MOST_CHANNELS = 50; // the server's bound on one stream

export class Wants {
  #byTab = new Map();
  #served = {}; // the revisions that a stream was opened for

  set(tab, want) {
    this.#byTab.set(tab, want);
  }

  delete(tab) {
    this.#byTab.delete(tab);
  }

  has(tab) {
    return this.#byTab.has(tab);
  }

  get pollsWell() {
    return [...this.#byTab.values()].some((want) => want.pollsWell);
  }

  /** { tab: revision } of what is wanted now. */
  get revisions() {
    return Object.fromEntries([...this.#byTab].map(([tab, { revision }]) => [tab, revision]));
  }

  /** The channels for one stream, sorted: who came first is seated first, until it is full. */
  seat() {
    const chosen = new Set();
    for (const group of [...this.#byTab.values()].flatMap(({ groups }) => groups)) {
      const wanted = new Set([...chosen, ...group]);
      if (wanted.size <= MOST_CHANNELS) for (const channel of group) chosen.add(channel);
    }
    return [...chosen].sort();
  }

  /** The positions to bring back, as text: of each channel the least of all tabs, and none if one of them has none. */
  owed(channels) {
    const owed = {};
    for (const channel of channels) {
      const positions = this.#watchersOf(channel).map((want) => want.owed[channel]);
      if (!positions.includes(undefined)) owed[channel] = Math.min(...positions);
    }
    return formatPositions(owed);
  }

  /** A stream was opened for these revisions. */
  serve(revisions) {
    this.#served = revisions;
  }

  /** The tabs were given an event with this `id:`; who is not served yet still owes from where it stands. */
  keep(lastEventId) {
    for (const [channel, position] of parsePositions(lastEventId)) {
      for (const want of this.#servedOf(channel)) want.owed[channel] = position;
    }
  }

  /** The positions of these channels could not be continued. */
  forget(channels) {
    for (const channel of channels) for (const want of this.#servedOf(channel)) delete want.owed[channel];
  }

  #servedOf(channel) {
    const served = [...this.#byTab].filter(([tab, { revision }]) => this.#served[tab] === revision);
    const watching = new Set(this.#watchersOf(channel));
    return served.map(([, want]) => want).filter((want) => watching.has(want));
  }

  #watchersOf(channel) {
    return [...this.#byTab.values()].filter(({ groups }) => groups.some((group) => group.includes(channel)));
  }
}
