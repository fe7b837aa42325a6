/**
 * The page of jobs, live: what has begun joins what is under way, what has ended says so, and the cards tell their last
 * runs, all as the server draws it.
 *
 * Nothing moves under somebody's eyes: the tasks stand in one row, which grows at its end, and one that has ended keeps
 * its place until they look away. Where no row is yet, a sign tells that there would be one.
 */
import { subscribe } from "../progress_app/event-stream.js";
import { FINAL } from "../progress_app/states.js";
import { freshPage } from "./fresh-page.js";
import { showLocalTimes } from "./local-times.js";

const FIRST_AFTER_MS = 300; // tasks end in flocks
const AGAIN_AFTER_MS = 2_000;
const OTHERS_EVERY_MS = 60_000; // the runs of other people, which the stream does not tell here
const SETTLES_MS = 1_000; // who has just come back has read nothing yet

const title = document.getElementById("now-title");
const underWay = title.textContent;
const known = new Map(idsIn(document).map((task) => [task, false])); // each task, and whether it has ended
let visibleSince = 0; // since somebody came back to it
let isOwed = false;
let timer = 0;
let askedAt = 0;

const { channel, ...config } = document.getElementById("now").dataset;
subscribe(config, { channel, rows: take, snapshot() {}, reset() {}, status() {} });
document.addEventListener("task-progress", entitle);
document.addEventListener("visibilitychange", () => {
  visibleSince = Date.now();
  isOwed = true; // what has ended may go now
  plan();
});
setInterval(() => {
  isOwed = true;
  plan();
}, OTHERS_EVERY_MS);

function take(rows) {
  for (const { task, state } of rows) {
    const hasEnded = FINAL.has(state);
    if (known.get(task) !== hasEnded) isOwed = true;
    known.set(task, hasEnded);
  }
  plan();
}

/** Ask soon, if that is owed and somebody looks. */
function plan() {
  if (!isOwed || document.hidden) return;
  timer ||= setTimeout(ask, Math.max(FIRST_AFTER_MS, askedAt + AGAIN_AFTER_MS - Date.now()));
}

async function ask() {
  timer = 0;
  isOwed = false;
  askedAt = Date.now();
  try {
    const fresh = await freshPage();
    if (fresh) show(fresh);
  } catch {
    isOwed = true; // the server is away
  }
  plan();
}

function show(fresh) {
  for (const card of document.querySelectorAll("[data-refresh]")) {
    const next = fresh.getElementById(card.id);
    if (next) card.replaceWith(document.adoptNode(next));
  }
  if (document.getElementById("now").hidden) begin(fresh);
  else if (isRead()) append(fresh);
  else replace(fresh);
  isOwed ||= idsIn(fresh).some((task) => known.get(task)); // the row is written a moment after the stream tells it
  entitle();
  showLocalTimes();
}

function isRead() {
  return !document.hidden && Date.now() - visibleSince > SETTLES_MS;
}

function begin(fresh) {
  if (idsIn(fresh).length === 0 || isRead()) document.getElementById("now-sign").hidden = idsIn(fresh).length === 0;
  else replace(fresh);
}

function replace(fresh) {
  document.getElementById("now-sign").hidden = true;
  const [now, next] = [document, fresh].map((page) => page.getElementById("now"));
  now.hidden = next.hidden;
  document.getElementById("now-list").replaceWith(document.adoptNode(fresh.getElementById("now-list")));
}

function append(fresh) {
  const [list, next] = [document, fresh].map((page) => page.getElementById("now-list"));
  const shown = idsIn(document);
  const strangers = [...next.children].filter(({ dataset }) => !shown.includes(dataset.task));
  list.append(...strangers.map((item) => document.adoptNode(item)));
}

/** The title tells the truth of all that stands below it. */
function entitle() {
  const bars = [...document.querySelectorAll("#now-list progress-bar")];
  const ended = bars.filter(({ dataset, snapshot }) => FINAL.has(snapshot?.state ?? dataset.state)).length;
  const text = ended === 0 ? underWay : ended < bars.length ? title.dataset.some : title.dataset.all;
  if (title.textContent !== text) title.textContent = text;
}

function idsIn(page) {
  return [...page.querySelectorAll("#now-list > [data-task]")].map(({ dataset }) => dataset.task);
}
