/** What a bar shows of a snapshot and its connection, in the elements that the server drew; only what changed is touched. */
import { paintStages } from "./stage-list.js";
import { FINAL } from "./states.js";
import * as wording from "./wording.js";
import { say } from "./words.js";

const COUNTING = new Set(["running", "cancelling"]);
const CERTAIN = new Set(["live", "polling"]);

export class BarView {
  #bar;
  #parts = new Map();

  constructor(bar) {
    this.#bar = bar;
    for (const part of bar.querySelectorAll("[data-part]")) {
      if (!this.#parts.has(part.dataset.part)) this.#parts.set(part.dataset.part, part);
    }
  }

  /**
   * `takenAt`: when the snapshot came, in ms since 1970; the snapshot is null before the first. A brisk bar does not
   * glide: the browser would draw every frame of it.
   */
  paint(snapshot, takenAt, connection, isBrisk = false) {
    set(this.#bar, "data-connection", connection.state);
    this.#write("connection", wording.connectionText(connection, Date.now(), takenAt));
    if (!snapshot) return;
    set(this.#bar, "data-state", snapshot.state);
    this.#bar.toggleAttribute("data-brisk", isBrisk);
    this.#paintTrack(snapshot);
    this.#write("state", wording.stateText(snapshot.state));
    this.#write("percent", wording.headline(snapshot));
    const line = this.#lineText(snapshot, takenAt);
    this.#write("message", say(snapshot.error?.text || snapshot.message || line));
    this.#write("stage", wording.stageText(snapshot));
    this.#write("count", snapshot.percent === null ? "" : wording.countText(snapshot));
    this.#write("elapsed", elapsedText(snapshot, takenAt, connection));
    this.#paintForecast(snapshot, line ? "" : wording.waitText(snapshot, sinceS(takenAt)));
    this.#paintGhost(snapshot, takenAt, connection);
    const [stages, template] = [this.#parts.get("stages"), this.#parts.get("stage-template")];
    if (stages && template) paintStages(stages, template, snapshot);
  }

  /** Have a screen reader say this. */
  announce(text) {
    const part = this.#parts.get("announcement");
    if (part && text) part.textContent = text;
  }

  #paintTrack(snapshot) {
    const isKnown = snapshot.percent !== null && snapshot.percent !== undefined;
    this.#bar.toggleAttribute("data-indeterminate", !isKnown && COUNTING.has(snapshot.state));
    const track = this.#parts.get("bar");
    if (!track) return;
    if (isKnown) set(track, "aria-valuenow", String(Math.floor(snapshot.percent)));
    else track.removeAttribute("aria-valuenow");
    set(track, "aria-valuetext", wording.valueText(snapshot));
    const width = isKnown ? snapshot.percent : Number(snapshot.state === "succeeded") * 100;
    const fill = this.#parts.get("fill");
    if (fill) set(fill, "width", `${width.toFixed(2)}%`);
    const ring = this.#parts.get("ring");
    if (ring) set(ring, "stroke-dasharray", `${width.toFixed(2)} 100`);
  }

  #paintForecast(snapshot, wait) {
    const isFinal = FINAL.has(snapshot.state);
    this.#write("rate", isFinal ? "" : wording.rateText(snapshot));
    this.#write("eta", isFinal ? "" : wording.etaText(snapshot.eta));
    this.#write("wait", isFinal ? "" : wait);
  }

  /** A full bar tells the place in line where the message will stand; a small one has no room there. */
  #lineText(snapshot, takenAt) {
    const isShownHere = this.#bar.dataset.size === "bar" && snapshot.state === "queued";
    return isShownHere ? wording.waitText(snapshot, sinceS(takenAt)) : "";
  }

  /** Where the usual run of this job would be by now: data-usual-s are the seconds that one takes. */
  #paintGhost(snapshot, takenAt, connection) {
    const ghost = this.#parts.get("ghost");
    const usualS = Number(this.#bar.dataset.usualS);
    if (!ghost || !usualS) return;
    const percent = (100 * elapsedS(snapshot, takenAt, connection)) / usualS;
    ghost.toggleAttribute("data-hidden", FINAL.has(snapshot.state) || percent === 0 || percent > 100);
    set(ghost, "x", `${Math.min(100, percent).toFixed(2)}%`);
  }

  /** An empty part is hidden, so that no gap stands where it would be. */
  #write(name, text = "") {
    const part = this.#parts.get(name);
    if (!part || part.textContent === text) return;
    part.textContent = text;
    part.hidden = text === "";
  }
}

function sinceS(takenAt) {
  return (Date.now() - takenAt) / 1000;
}

function elapsedText(snapshot, takenAt, connection) {
  if (snapshot.elapsed === null || snapshot.elapsed === undefined) return "";
  return wording.elapsedText(elapsedS(snapshot, takenAt, connection), FINAL.has(snapshot.state));
}

/** The time counts on between snapshots, but only while we know that the task still runs. */
function elapsedS({ state, elapsed }, takenAt, connection) {
  const counts = COUNTING.has(state) && CERTAIN.has(connection.state);
  return (elapsed ?? 0) + (counts ? sinceS(takenAt) : 0);
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
