/**
 * The task page: log lines as they come, and the parts that depend on the task's state taken anew from the server.
 *
 * Each part marked with data-refresh (controls, outcome, particulars, …) is drawn by the server alone; when the state or
 * the stage changes the page is fetched again and these parts are swapped, so there is no second truth about buttons
 * here. While the task waits its place in line is asked for, since nothing reports for it yet.
 */
import { FINAL } from "../progress_app/states.js";
import { stateText } from "../progress_app/wording.js";
import { say } from "../progress_app/words.js";
import { freshPage } from "./fresh-page.js";
import { holdPlace, isOutOfSight, placeOf } from "./held-place.js";
import { showLocalTimes } from "./local-times.js";
import { Log } from "./log.js";
import { showPercent, toast } from "./page-signs.js";
import { notify, offerNotification } from "./tell-me.js";
import { growWaterfall, isOutgrown } from "./waterfall.js";

const REFRESH_AGAIN_MS = [250, 1_000, 3_000];
const REFRESH_END_MS = 10_000; // of an end that the server has told, but does not show yet
const LINE_EVERY_MS = 5_000;
const FRONT_EVERY_MS = 1_000; // who is next is told sooner
const FRONT_OF_LINE = 5;
const MOVING_EVERY_MS = 10_000;
const CHILDREN_EVERY_MS = 3_000;
const OUTGROWN_EVERY_MS = 1_000;
const TWO_COLUMNS = "(min-width: 56.01rem)";
const MOVING = ["waterfall", "pieces"]; // what changes while the state and the stage stay

const log = new Log(document.getElementById("log"), {
  template: document.getElementById("log-line"),
  followButton: document.getElementById("log-follow"),
  least: document.getElementById("log-least"),
  search: document.getElementById("log-search"),
});
const name = document.querySelector("h1").textContent.trim().replace(/\s+/g, " ");
const bar = document.querySelector("#bar progress-bar");
let shownState = document.getElementById("outcome").dataset.state;
let wantedState = FINAL.has(bar.dataset.state) ? bar.dataset.state : shownState; // the row may lag behind the bar
let shownStage = null;
let refreshing = null;
let refreshedAt = Date.now();

document.addEventListener("task-log", ({ detail }) => log.add(detail));
document.addEventListener("task-log-reset", () => log.addGap());
document.addEventListener("task-progress", ({ detail }) => follow(detail));
if (wantedState !== shownState) begin(() => refresh(null));
else if (bar.snapshot) follow(bar.snapshot); // it came before this module
if (!FINAL.has(shownState)) askForLine();
setInterval(() => isOutgrown() && isDue({ state: wantedState }) && begin(takeAnew), OUTGROWN_EVERY_MS);
offerNotification();

function follow(snapshot) {
  const stage = snapshot.stage?.index ?? null;
  const isNews = snapshot.state !== wantedState || stage !== shownStage;
  const ends = FINAL.has(snapshot.state) && !FINAL.has(wantedState);
  wantedState = snapshot.state;
  document.getElementById("bar").dataset.state = wantedState;
  showPercent(FINAL.has(wantedState) ? null : snapshot.percent);
  if (ends) tellEnd(snapshot);
  if (isNews) begin(() => refresh(stage));
  else if (isDue(snapshot)) begin(() => takeAnew());
}

function begin(work) {
  refreshing ??= work().finally(() => {
    refreshing = null;
    refreshedAt = Date.now();
  });
}

function isDue({ children, state }) {
  if (FINAL.has(state) || document.hidden) return false;
  const everyMs = isOutgrown() ? OUTGROWN_EVERY_MS : children?.total ? CHILDREN_EVERY_MS : MOVING_EVERY_MS;
  return Date.now() - refreshedAt > everyMs;
}

/** Swap what moves within a stage, unless somebody is about to follow a link in it. */
async function takeAnew() {
  try {
    const fresh = await freshPage();
    for (const part of MOVING.map((id) => document.getElementById(id))) {
      if (fresh && part && !part.contains(document.activeElement)) swap(part, fresh.getElementById(part.id));
    }
    growWaterfall();
  } catch {
    // The server is away; the connection's own sign says so, and a later snapshot tries again.
  }
}

function tellEnd({ state, error }) {
  const words = [`${name}: ${stateText(state)}`, say(error?.text ?? "")].filter(Boolean).join(". ");
  if (isOutOfSight(bar)) toast(words, { tone: state }); // else the bar says it
  notify(words);
}

/** Swap the parts until they show the state that the stream told: the row may be written a moment after it. */
async function refresh(stage) {
  for (const pauseMs of [0, ...REFRESH_AGAIN_MS]) {
    if (shownState === wantedState && shownStage === stage) return;
    if (pauseMs) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    try {
      if (await swapParts()) shownStage = stage;
    } catch {
      // The server is away; the connection's own sign says so. The next turn, or the next state, tries again.
    }
  }
  if (FINAL.has(wantedState) && shownState !== wantedState) setTimeout(() => begin(() => refresh(stage)), REFRESH_END_MS);
}

async function swapParts() {
  const fresh = await freshPage();
  if (!fresh) return false;
  const place = placeOf(document.getElementById("outcome"));
  for (const part of document.querySelectorAll("[data-refresh]")) swap(part, fresh.getElementById(part.id));
  const outcome = document.getElementById("outcome");
  const hasEnded = FINAL.has(outcome.dataset.state) && !FINAL.has(shownState);
  shownState = outcome.dataset.state;
  if (hasEnded && place.isInSight) holdPlace(outcome, place);
  tidyLog();
  showLocalTimes(document);
  growWaterfall();
  offerNotification();
  return true;
}

/** A log that gets no more lines is as long as they are, unless parts below it would move under somebody's eyes. */
function tidyLog() {
  const lines = document.getElementById("log");
  const isLast = matchMedia(TWO_COLUMNS).matches;
  if (isLast || document.hidden || isOutOfSight(lines)) lines.classList.toggle("log-ended", FINAL.has(shownState));
}

/** Put the fresh part in place; whoever had the focus in it keeps it. */
function swap(part, fresh) {
  if (!fresh) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : null;
  part.replaceWith(document.adoptNode(fresh));
  if (focused !== null) (document.getElementById(focused) ?? document.getElementById("main")).focus();
}

/** Ask for the place in line as long as the task waits, more often near its front. */
async function askForLine() {
  if (FINAL.has(wantedState)) return;
  const place = wantedState === "queued" && !document.hidden ? await showPlace() : null;
  const isNear = place && (place.position <= FRONT_OF_LINE || place.starts_in_s < FRONT_EVERY_MS / 100);
  setTimeout(askForLine, isNear ? FRONT_EVERY_MS : LINE_EVERY_MS);
}

async function showPlace() {
  try {
    const response = await fetch(bar.dataset.snapshotUrl, { headers: { Accept: "application/json" } });
    const snapshot = response.ok ? await response.json() : null;
    if (snapshot?.state === "queued" && wantedState === "queued") bar.show(snapshot);
    return snapshot?.queue;
  } catch {
    return null; // as above
  }
}
