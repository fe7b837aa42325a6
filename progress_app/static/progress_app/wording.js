/** What the widget says about a snapshot, in words and figures for people. Pure; all its text is in this file. */
import { FINAL } from "./states.js";
import { say } from "./words.js";

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
  reconnecting: "reconnecting",
  offline: "offline",
  denied: "no access: log in again",
  ended: "",
};

/** As the server tells the size of a file. */
const SIZES = [
  [2 ** 30, "GB"],
  [2 ** 20, "MB"],
  [2 ** 10, "KB"],
];

const LOST_SIGHT = new Set(["reconnecting", "offline"]);

const language = document.documentElement.lang || undefined;
const figures = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export function stateText(state) {
  return say(STATES[state] ?? state);
}

/** "42%": rounded down, since 100% is for the end. Empty while the total is unknown. */
export function percentText(percent) {
  return isKnown(percent) ? `${Math.floor(percent)}%` : "";
}

/** "4,210 of 10,000 rows", "4,210 rows", "6.1 of 17 MB"; empty before the first step. */
export function countText({ current, total, unit }) {
  if (!current && !total) return "";
  const [size, name] = scaleOf(unit, Math.max(current ?? 0, total ?? 0));
  const done = figures.format((current ?? 0) / size);
  const counted = isKnown(total) ? say("{done} of {total}", { done, total: figures.format(total / size) }) : done;
  return name ? `${counted} ${say(name)}` : counted;
}

/** By what figures are divided, and the unit that they then have; only bytes are divided. */
function scaleOf(unit, largest) {
  return (unit === "bytes" && SIZES.find(([size]) => largest >= size)) || [1, unit];
}

/** The one figure that stands out: the percentage, or how much was done where nobody knows how much there is. */
export function headline(snapshot) {
  if (snapshot.state === "queued") return percentText(0);
  return isKnown(snapshot.percent) ? percentText(snapshot.percent) : countText(snapshot);
}

/** "Load, 2 of 3"; empty outside of stages. */
export function stageText({ stage, stages }) {
  if (!stage) return "";
  return stages.length > 1
    ? say("{name}, {number} of {total}", { name: say(stage.name), number: stage.index + 1, total: stages.length })
    : say(stage.name);
}

/** "0 s", "0.4 s", "12 s", "3 min 05 s", "2 h 07 min". */
export function durationText(seconds) {
  if (!isKnown(seconds)) return "";
  if (seconds < 0.05) return say("{count} s", { count: 0 });
  if (seconds < 9.95) return say("{count} s", { count: tenths.format(seconds) });
  const whole = Math.floor(seconds);
  if (whole < 60) return say("{count} s", { count: whole });
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return say("{minutes} min {seconds} s", { minutes, seconds: twoDigits(whole % 60) });
  return say("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: twoDigits(minutes % 60) });
}

/** "for 12 s" while it runs, in whole seconds since the figure counts on; "took 12 s" at the end. */
export function elapsedText(seconds, isFinal) {
  if (!isKnown(seconds)) return "";
  if (isFinal) return say("took {time}", { time: durationText(seconds) });
  const time = seconds < 9.95 ? say("{count} s", { count: Math.floor(Math.max(0, seconds)) }) : durationText(seconds);
  return say("for {time}", { time });
}

/** "812 rows/s", "6.1 MB/s"; "12 rows/min" where a second shows too little. */
export function rateText({ rate, unit }) {
  if (!rate) return "";
  const [size, name] = scaleOf(unit, rate);
  const things = name ? ` ${say(name)}` : "";
  if (size > 1) return `${figures.format(rate / size)}${things}/s`;
  if (rate >= 1) return `${figures.format(rate >= 10 ? Math.round(rate) : rate)}${things}/s`;
  return `${figures.format(rate * 60)}${things}/min`;
}

/** "6–8 s left", "about 4 min left". */
export function etaText(eta) {
  if (!eta) return "";
  const inMinutes = eta.high >= 90;
  const [low, high] = [eta.low, eta.high].map((seconds) => Math.ceil(inMinutes ? seconds / 60 : seconds));
  const unit = inMinutes ? "min" : "s";
  return low === high ? say("about {high} {unit} left", { high, unit }) : say("{low}–{high} {unit} left", { low, high, unit });
}

/** What a task that does not move says instead: how long no step was seen, or its place in line `sinceS` after the look. */
export function waitText({ queue, stalled_s: stalledS }, sinceS = 0) {
  if (stalledS) return say("no step for {time}", { time: durationText(stalledS) });
  if (!queue) return "";
  const place = queue.position === 1 ? say("next in line") : say("number {place} in line", { place: queue.position });
  if (!isKnown(queue.starts_in_s)) return place;
  const leftS = queue.starts_in_s - sinceS;
  if (leftS < 1) return say("{place}, starts soon", { place });
  const time = leftS < 60 ? say("{count} s", { count: Math.ceil(leftS) }) : durationText(leftS);
  return say("{place}, starts in about {time}", { place, time });
}

/** "live", "reconnecting in 4 s, as of 12:03": `retryAt`, `now` and `seenAt`, the newest sign, are ms since 1970. */
export function connectionText({ state, retryAt }, now, seenAt = 0) {
  if (!LOST_SIGHT.has(state)) return say(CONNECTIONS[state] ?? state);
  const seconds = Math.ceil((retryAt - now) / 1000);
  const waits = state === "reconnecting" && retryAt && seconds > 0;
  const text = waits ? say("reconnecting in {seconds} s", { seconds }) : say(CONNECTIONS[state]);
  return seenAt ? say("{text}, as of {time}", { text, time: clock.format(seenAt) }) : text;
}

/** What a screen reader says when it comes to the bar. */
export function valueText(snapshot) {
  const said = [
    FINAL.has(snapshot.state) ? stateText(snapshot.state) : percentText(snapshot.percent) || stateText(snapshot.state),
    stageText(snapshot),
    say(snapshot.message ?? "") || countText(snapshot),
  ];
  return said.filter(Boolean).join(", ");
}

/** What is said aloud between two snapshots: an end, a new state, a new stage, a passed quarter; else nothing. */
export function announcement(before, after) {
  if (FINAL.has(after.state)) return [stateText(after.state), say(after.error?.text ?? "")].filter(Boolean).join(": ");
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
