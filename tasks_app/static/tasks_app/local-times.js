/**
 * Moments in the reader's own zone: "21:20:43" for today, "24 Nov, 21:20:43" for another day, and with data-relative
 * "5 minutes ago". The exact moment, with its zone, stands behind each (title).
 *
 * The server sends ISO 8601 in `datetime`. Times that come later into the page are found by themselves.
 */
const AGAIN_MS = 30_000;
const language = document.documentElement.lang || undefined;
const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const ofToday = new Intl.DateTimeFormat(language, time);
const ofThisYear = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", ...time });
const ofAnyYear = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric", ...time });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });
const ago = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const STEPS = [
  ["second", 1, 60],
  ["minute", 60, 60],
  ["hour", 3_600, 24],
  ["day", 86_400, 30],
];

/** A moment as the pages show it. */
export function clockText(moment, now = new Date()) {
  if (moment.toDateString() === now.toDateString()) return ofToday.format(moment);
  return (moment.getFullYear() === now.getFullYear() ? ofThisYear : ofAnyYear).format(moment);
}

/** "5 minutes ago"; anything older than 30 days is a date. */
export function agoText(moment, now = new Date()) {
  const seconds = Math.max(0, (now - moment) / 1000);
  for (const [unit, length, most] of STEPS) {
    const count = Math.floor(seconds / length);
    if (count < most) return ago.format(-count, unit);
  }
  return clockText(moment, now);
}

/** Localise every <time datetime> below `root`. */
export function showLocalTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) show(element);
}

function show(element) {
  const moment = new Date(element.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  const text = "relative" in element.dataset ? agoText(moment) : clockText(moment);
  if (element.textContent === text) return;
  element.textContent = text;
  element.title = exact.format(moment);
}

showLocalTimes();
setInterval(() => document.hidden || showLocalTimes(), AGAIN_MS);
