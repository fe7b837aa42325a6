/**
 * <progress-bar>: brings a server-drawn bar to life. Light DOM; all that it shows was drawn by the server first.
 *
 * Attributes: data-channel, data-log-channel (optional), data-events-url, data-snapshot-url, data-state. Where the page
 * shows a part of the log already, the element that does has data-shows-log (the channel) and data-log-position.
 * Events, both bubbling: `task-progress` (detail: the snapshot), `task-log` (detail: the entry), and `task-log-reset`
 * (entries may be missing; those that are kept follow again).
 * An element inside with data-part="message", "percent", "fill" and so on is filled when it is there. Text goes in as
 * text, never as HTML.
 */
import { subscribe } from "./event-stream.js";
import { paintStages } from "./stage-list.js";
import { FINAL } from "./states.js";
import * as wording from "./wording.js";

const TICK_MS = 1_000;
const COUNTING = new Set(["running", "cancelling"]);
const CERTAIN = new Set(["live", "polling"]);

class ProgressBar extends HTMLElement {
  #leave = null;
  #ticker = 0;
  #frame = 0;
  #snapshot = null;
  #takenAt = 0;
  #connection = { state: "connecting", retryAt: 0 };

  connectedCallback() {
    const { channel, logChannel, snapshotUrl, state, ...config } = this.dataset;
    if (!channel || FINAL.has(state)) return;
    this.#leave = subscribe(config, {
      channel,
      logChannel,
      logPosition: shownPosition(logChannel),
      snapshotUrl,
      snapshot: (snapshot) => this.#take(snapshot),
      entry: (entry) => this.#dispatch("task-log", entry),
      reset: (channels) => channels.includes(logChannel) && this.#dispatch("task-log-reset", { channels }),
      status: (connection) => this.#connect(connection),
    });
    this.#ticker = setInterval(() => this.#paintSoon(), TICK_MS);
    this.#paintSoon();
  }

  disconnectedCallback() {
    this.#leave?.();
    this.#leave = null;
    this.#stopTicking();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  /** The newest snapshot, null before the first. */
  get snapshot() {
    return this.#snapshot;
  }

  #take(snapshot) {
    this.#announce(wording.announcement(this.#snapshot, snapshot));
    this.#snapshot = snapshot;
    this.#takenAt = Date.now();
    if (FINAL.has(snapshot.state)) this.#stopTicking();
    this.#paintSoon();
    this.#dispatch("task-progress", snapshot);
  }

  #connect(connection) {
    this.#connection = connection;
    this.#paintSoon();
  }

  #stopTicking() {
    clearInterval(this.#ticker);
    this.#ticker = 0;
  }

  #dispatch(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  #announce(text) {
    const part = this.#part("announcement");
    if (part && text) part.textContent = text;
  }

  // Painting: at most once a frame, whatever arrives

  #paintSoon() {
    if (this.#frame || !this.isConnected) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #paint() {
    const { state } = this.#connection;
    this.dataset.connection = state;
    this.#write("connection", wording.connectionText(this.#connection, Date.now()));
    const snapshot = this.#snapshot;
    if (!snapshot) return;
    this.dataset.state = snapshot.state;
    this.#paintBar(snapshot);
    this.#write("state", wording.stateText(snapshot.state));
    this.#write("percent", wording.headline(snapshot));
    this.#write("message", snapshot.error?.text || snapshot.message || "");
    this.#write("stage", wording.stageText(snapshot));
    this.#write("count", snapshot.percent === null ? "" : wording.countText(snapshot));
    this.#write("elapsed", this.#elapsedText(snapshot));
    this.#paintForecast(snapshot);
    const [stages, template] = [this.#part("stages"), this.#part("stage-template")];
    if (stages && template) paintStages(stages, template, snapshot.stages ?? []);
  }

  #paintBar(snapshot) {
    const isKnown = snapshot.percent !== null && snapshot.percent !== undefined;
    this.toggleAttribute("data-indeterminate", !isKnown && COUNTING.has(snapshot.state));
    const bar = this.#part("bar");
    if (!bar) return;
    if (isKnown) bar.setAttribute("aria-valuenow", Math.floor(snapshot.percent));
    else bar.removeAttribute("aria-valuenow");
    bar.setAttribute("aria-valuetext", wording.valueText(snapshot));
    const width = isKnown ? snapshot.percent : Number(snapshot.state === "succeeded") * 100;
    this.#part("fill")?.setAttribute("width", `${width.toFixed(2)}%`);
  }

  #paintForecast(snapshot) {
    const isFinal = FINAL.has(snapshot.state);
    this.#write("rate", isFinal ? "" : wording.rateText(snapshot));
    this.#write("eta", isFinal ? "" : wording.etaText(snapshot.eta));
    this.#write("wait", isFinal ? "" : wording.waitText(snapshot));
  }

  /** The time counts on between snapshots, but only while we know that the task still runs. */
  #elapsedText({ state, elapsed }) {
    if (elapsed === null || elapsed === undefined) return "";
    const counts = COUNTING.has(state) && CERTAIN.has(this.#connection.state);
    const sinceS = counts ? (Date.now() - this.#takenAt) / 1000 : 0;
    return wording.elapsedText(elapsed + sinceS, FINAL.has(state));
  }

  #part(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }

  /** An empty part is hidden, so that no gap stands where it would be. */
  #write(name, text = "") {
    const part = this.#part(name);
    if (!part || part.textContent === text) return;
    part.textContent = text;
    part.hidden = text === "";
  }
}

function shownPosition(channel) {
  const shown = channel && document.querySelector(`[data-shows-log="${CSS.escape(channel)}"]`);
  return Number(shown?.dataset.logPosition) || 0;
}

if (!customElements.get("progress-bar")) customElements.define("progress-bar", ProgressBar);
