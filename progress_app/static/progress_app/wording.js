/** What the widget says about a snapshot, in words and figures for people. Pure; all its text is in this file. */
import { FINAL } from "./states.js";

const STATES = {
  queued: "Queued",
  running: "Running",
  cancelling: "Cancelling",
  retrying: "Retrying",
  succeeded: "Succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
  lost: "Lost",
};

const CONNECTIONS = {
  connecting: "connecting",
  live: "live",
  polling: "polling",
  offline: "offline",
  denied: "no access: log in again",
  ended: "",
};

const figures = new Intl.NumberFormat(document.documentElement.lang || undefined, { maximumFractionDigits: 1 });

export function stateText(state) {
  return STATES[state] ?? state;
}

/** "42%": rounded down, since 100% is for the end. Empty while the total is unknown. */
export function percentText(percent) {
  return isKnown(percent) ? `${Math.floor(percent)}%` : "";
}

/** "4,210 of 10,000 rows", "4,210 rows"; empty before the first step. */
export function countText({ current, total, unit }) {
  if (!current && !total) return "";
  const done = figures.format(current ?? 0);
  const counted = isKnown(total) ? `${done} of ${figures.format(total)}` : done;
  return unit ? `${counted} ${unit}` : counted;
}

/** The one figure that stands out: the percentage, or how much was done where nobody knows how much there is. */
export function headline(snapshot) {
  return isKnown(snapshot.percent) ? percentText(snapshot.percent) : countText(snapshot);
}

/** "Load, 2 of 3"; empty outside of stages. */
export function stageText({ stage, stages }) {
  if (!stage) return "";
  return stages.length > 1 ? `${stage.name}, ${stage.index + 1} of ${stages.length}` : stage.name;
}

/** "0 s", "0.4 s", "12 s", "3 min 05 s", "2 h 07 min". */
export function durationText(seconds) {
  if (!isKnown(seconds)) return "";
  if (seconds < 0.05) return "0 s";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${twoDigits(whole % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** "for 12 s" while it runs, in whole seconds since the figure counts on; "took 12 s" at the end. */
export function elapsedText(seconds, isFinal) {
  if (!isKnown(seconds)) return "";
  if (isFinal) return `took ${durationText(seconds)}`;
  return `for ${seconds < 9.95 ? `${Math.floor(Math.max(0, seconds))} s` : durationText(seconds)}`;
}

/** "812 rows/s", "12 rows/min" where a second shows too little. */
export function rateText({ rate, unit }) {
  if (!rate) return "";
  const things = unit ? ` ${unit}` : "";
  if (rate >= 1) return `${figures.format(rate >= 10 ? Math.round(rate) : rate)}${things}/s`;
  return `${figures.format(rate * 60)}${things}/min`;
}

/** "6–8 s left", "about 4 min left". */
export function etaText(eta) {
  if (!eta) return "";
  const inMinutes = eta.high >= 90;
  const [low, high] = [eta.low, eta.high].map((seconds) => Math.ceil(inMinutes ? seconds / 60 : seconds));
  const unit = inMinutes ? "min" : "s";
  return low === high ? `about ${high} ${unit} left` : `${low}–${high} ${unit} left`;
}

/** What a task that does not move says instead: its place in line, or how long no step was seen. */
export function waitText({ queue, stalled_s: stalledS }) {
  if (stalledS) return `no step for ${durationText(stalledS)}`;
  if (!queue) return "";
  const place = queue.position === 1 ? "next in line" : `number ${queue.position} in line`;
  return queue.starts_in_s ? `${place}, starts in about ${durationText(queue.starts_in_s)}` : place;
}

/** "live", "reconnecting in 4 s"; `retryAt` and `now` are ms since 1970. */
export function connectionText({ state, retryAt }, now) {
  if (state !== "reconnecting") return CONNECTIONS[state] ?? state;
  const seconds = Math.ceil((retryAt - now) / 1000);
  return retryAt && seconds > 0 ? `reconnecting in ${seconds} s` : "reconnecting";
}

/** What a screen reader says when it comes to the bar. */
export function valueText(snapshot) {
  const said = [
    FINAL.has(snapshot.state) ? stateText(snapshot.state) : percentText(snapshot.percent) || stateText(snapshot.state),
    stageText(snapshot),
    snapshot.message || countText(snapshot),
  ];
  return said.filter(Boolean).join(", ");
}

/** What is said aloud between two snapshots: an end, a new state, a new stage, a passed quarter; else nothing. */
export function announcement(before, after) {
  if (FINAL.has(after.state)) return [stateText(after.state), after.error?.text].filter(Boolean).join(": ");
  if (!before) return "";
  if (before.state !== after.state) return stateText(after.state);
  if (after.stage && before.stage?.index !== after.stage.index) return stageText(after);
  const quarter = Math.floor((after.percent ?? 0) / 25);
  return quarter > Math.floor((before.percent ?? 0) / 25) && quarter < 4 ? `${quarter * 25}%` : "";
}

function isKnown(figure) {
  return figure !== null && figure !== undefined;
}

function twoDigits(number) {
  return String(number).padStart(2, "0");
}
