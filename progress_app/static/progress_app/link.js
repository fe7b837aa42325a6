/**
 * A tab's link to the one stream of its browser.
 *
 * 1. The tabs of one session elect a leader, which holds the connection and relays what comes to all of them. When it
 *    goes, the next in line takes over: each tab knows its own positions, and tells them to the new leader.
 * 2. A leader that hangs keeps its Web Lock. So who has not heard of it for a while asks for a sign, and takes the
 *    lead after two such questions without an answer. (An answer needs no timer, which a hidden leader hardly has.)
 * 3. Beside a hosted service, lists are on a stream of our own: tabs that begin with another transport share another
 *    connection, or who leads would decide which of them is served.
 * 4. Sharing needs a session to share within: tabs of another login, and pages without one, have nothing in common.
 *    Without that, or without locks, each tab has a connection of its own, while it is seen.
 *
 * A link's owner has the methods that Leader names: `opened(greeting)` with `isMine` (whether it was opened for what we
 * want now), `events(events)`, `lost({ reason, retryAt })`, `delayed({ reason })`, `denied(channels)`, `silent()`.
 */
import { Election } from "./election.js";
import { Leader } from "./leader.js";

const BEAT_MS = 1_000;
const MISSED_BEATS = 2;
const SPREAD_MS = 500; // the followers notice at the same time; one of them shall be first
const HAND_OVER_MS = 1_000; // a new leader's connection is open long before; nobody needs to hear of it
const ALONE = "alone";
const LEADERS_WORDS = new Set(["lead", "sign", "news"]);

/** The link that this browser and this page allow. */
export function linkFor(config, owner) {
  const canShare = config.session && navigator.locks && typeof BroadcastChannel !== "undefined";
  return canShare ? new SharedLink(config, owner) : new OwnLink(config, owner);
}

/** Calls the owner by what a leader tells; `tab` is the name under which this tab wants. */
function hand(owner, tab, wanted, { name, told }) {
  if (name !== "opened") owner[name](told);
  else owner.opened({ ...told, isMine: wanted !== null && told.revisions[tab] === wanted.revision });
}

/** A connection for this tab alone. */
class OwnLink {
  isShared = false;
  #config;
  #owner;
  #leader = null;
  #wanted = null;

  constructor(config, owner) {
    this.#config = config;
    this.#owner = owner;
  }

  connect() {
    this.#leader = new Leader(this.#config, (name, told) => hand(this.#owner, ALONE, this.#wanted, { name, told }));
  }

  disconnect() {
    this.#leader?.close();
    this.#leader = null;
  }

  want(want) {
    this.#wanted = want;
    this.#leader?.want(ALONE, want);
  }

  /** `word` is "wake", "cut", "hurry" or "prefer" (with a transport's name), as Leader's methods. */
  say(word, name) {
    this.#leader?.[word](name);
  }
}

class SharedLink {
  isShared = true;
  #config;
  #owner;
  #name;
  #tab = crypto.randomUUID();
  #channel = null;
  #election;
  #leader = null; // while this tab leads
  #leaderTab = "";
  #wanted = null;
  #hasHeard = true;
  #missed = 0;
  #timers = { beat: 0, spread: 0, handOver: 0 };

  constructor(config, owner) {
    this.#config = config;
    this.#owner = owner;
    this.#name = `headway ${config.session} ${config.transport || "sse"} ${config.eventsUrl}`;
    this.#election = new Election(this.#name, { won: () => this.#lead(), deposed: () => this.#depose() });
  }

  connect() {
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#receive(data);
    this.#election.connect();
    this.#timers.beat = setInterval(() => this.#beat(), BEAT_MS);
  }

  disconnect() {
    this.#post("bye");
    this.#channel?.close();
    this.#channel = null;
    this.#stepDown();
    this.#election.disconnect();
    for (const name of Object.keys(this.#timers)) this.#cancel(name);
    this.#leaderTab = "";
  }

  want(want) {
    this.#wanted = want;
    if (this.#leader) this.#leader.want(this.#tab, want);
    else this.#post("want", want);
  }

  say(word, name) {
    if (this.#leader) this.#leader[word](name);
    else this.#post("say", { word, name });
  }

  // Leading

  #lead() {
    if (!this.#channel) return;
    this.#leaderTab = this.#tab;
    this.#heard();
    this.#leader = new Leader(this.#config, (name, told) => this.#relay({ name, told }));
    if (this.#wanted) this.#leader.want(this.#tab, this.#wanted);
    this.#post("lead");
  }

  #stepDown() {
    this.#leader?.close();
    this.#leader = null;
    if (this.#leaderTab === this.#tab) this.#leaderTab = "";
  }

  #depose() {
    this.#stepDown();
    if (this.#channel) this.#expectOpening();
  }

  #relay(news) {
    this.#post("news", news);
    this.#take(news);
  }

  #serve(kind, from, told) {
    if (kind === "want") this.#leader.want(from, told);
    else if (kind === "bye") this.#leader.leave(from);
    else if (kind === "say") this.#leader[told.word](told.name);
    if (kind === "want" || kind === "ping") this.#post("sign", this.#leader.has(from));
  }

  // Following

  #follow(kind, from, told) {
    const isNew = from !== this.#leaderTab;
    if (kind === "lead" || (kind === "sign" && isNew)) this.#followTo(from, kind === "lead");
    else if (isNew) return;
    this.#heard();
    if (kind === "news") this.#take(told);
    else if (kind === "sign" && !told && !isNew) this.#tellWant();
  }

  #followTo(tab, hasJustWon) {
    this.#leaderTab = tab;
    if (!hasJustWon) return;
    this.#tellWant();
    this.#expectOpening();
  }

  #expectOpening() {
    this.#cancel("handOver");
    this.#timers.handOver = setTimeout(() => this.#owner.lost({ reason: "cut", retryAt: 0 }), HAND_OVER_MS);
  }

  #tellWant() {
    if (this.#wanted) this.#post("want", this.#wanted);
  }

  #take(news) {
    if (news.name === "opened" || news.name === "lost") this.#cancel("handOver");
    hand(this.#owner, this.#tab, this.#wanted, news);
  }

  #heard() {
    this.#hasHeard = true;
    this.#missed = 0;
    this.#cancel("spread");
  }

  #beat() {
    if (this.#leader || document.hidden) return;
    if (this.#hasHeard && this.#leaderTab) {
      this.#hasHeard = false;
      return;
    }
    this.#hasHeard = false;
    this.#missed += 1;
    if (this.#missed <= MISSED_BEATS) this.#post("ping");
    else this.#timers.spread ||= setTimeout(() => this.#election.steal(), Math.random() * SPREAD_MS);
  }

  // The tabs' channel

  #receive({ kind, from, told }) {
    if (kind === "lead") this.#stepDown(); // somebody took us for hanging
    const isLeaders = LEADERS_WORDS.has(kind);
    if (this.#leader && !isLeaders) this.#serve(kind, from, told);
    else if (!this.#leader && isLeaders) this.#follow(kind, from, told);
  }

  #post(kind, told = null) {
    this.#channel?.postMessage({ kind, from: this.#tab, told });
  }

  #cancel(name) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = 0;
  }
}
