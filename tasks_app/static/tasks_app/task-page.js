/**
 * The task page: log lines as they come, and the parts that depend on the task's state taken anew from the server.
 *
 * Each part marked with data-refresh (controls, outcome, particulars, …) is drawn by the server alone; when the state or
 * the stage changes the page is fetched again and these parts are swapped, so there is no second truth about buttons
 * here. While the task waits its place in line is asked for, since nothing reports for it yet.
 */
import { FINAL } from "../progress_app/states.js";
import { stateText } from "../progress_app/wording.js";
import { showLocalTimes } from "./local-times.js";
import { Log } from "./log.js";
import { showPercent, toast } from "./page-signs.js";

const REFRESH_AGAIN_MS = 2_000;
const TRIES = 3;
const LINE_EVERY_MS = 5_000;

const log = new Log(document.getElementById("log"), {
  template: document.getElementById("log-line"),
  followButton: document.getElementById("log-follow"),
  least: document.getElementById("log-least"),
  search: document.getElementById("log-search"),
});
const name = document.querySelector("h1").textContent;
const bar = document.querySelector("#bar progress-bar");
let shownState = document.getElementById("outcome").dataset.state;
let wantedState = shownState;
let shownStage = null;
let refreshing = null;
let tellsInBrowser = false;

document.addEventListener("task-log", ({ detail }) => log.add(detail));
document.addEventListener("task-log-reset", () => log.addGap());
document.addEventListener("task-progress", ({ detail }) => follow(detail));
if (!FINAL.has(shownState)) setInterval(() => askForLine(), LINE_EVERY_MS);
offerNotification();

function follow(snapshot) {
  const stage = snapshot.stage?.index ?? null;
  const isNews = snapshot.state !== wantedState || stage !== shownStage;
  const ends = FINAL.has(snapshot.state) && !FINAL.has(wantedState);
  wantedState = snapshot.state;
  document.getElementById("bar").dataset.state = wantedState;
  showPercent(FINAL.has(wantedState) ? null : snapshot.percent);
  if (ends) tellEnd(snapshot);
  if (isNews) refreshing ??= refresh(stage).finally(() => (refreshing = null));
}

function tellEnd({ state, error }) {
  const words = [`${name}: ${stateText(state)}`, error?.text].filter(Boolean).join(". ");
  toast(words, { tone: state });
  if (tellsInBrowser && document.hidden) new Notification(words, { tag: location.pathname });
}

/** Swap the parts until they show the state that the stream told: the row may be written a moment after it. */
async function refresh(stage) {
  for (let turn = 0; turn < TRIES && (shownState !== wantedState || shownStage !== stage); turn += 1) {
    if (turn) await new Promise((resolve) => setTimeout(resolve, REFRESH_AGAIN_MS));
    try {
      if (await swapParts()) shownStage = stage;
    } catch {
      // The server is away; the connection's own sign says so. The next turn, or the next state, tries again.
    }
  }
}

async function swapParts() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok) return false;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-refresh]")) swap(part, fresh.getElementById(part.id));
  shownState = document.getElementById("outcome").dataset.state;
  showLocalTimes(document);
  offerNotification();
  return true;
}

/** Put the fresh part in place; whoever had the focus in it keeps it. */
function swap(part, fresh) {
  if (!fresh) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : null;
  part.replaceWith(document.adoptNode(fresh));
  if (focused !== null) (document.getElementById(focused) ?? document.getElementById("main")).focus();
}

async function askForLine() {
  if (wantedState !== "queued" || document.hidden) return;
  try {
    const response = await fetch(bar.dataset.snapshotUrl, { headers: { Accept: "application/json" } });
    const snapshot = response.ok ? await response.json() : null;
    if (snapshot?.state === "queued" && wantedState === "queued") bar.show(snapshot);
  } catch {
    // As above.
  }
}

/** The button for a notification of the browser, where it has them; its choice holds as long as the page is open. */
function offerNotification() {
  const button = document.getElementById("tell-browser");
  if (!button || !("Notification" in window)) return;
  button.hidden = false;
  button.setAttribute("aria-pressed", tellsInBrowser);
  button.addEventListener("click", async () => {
    const allowed = tellsInBrowser || (await Notification.requestPermission()) === "granted";
    tellsInBrowser = allowed && !tellsInBrowser;
    button.setAttribute("aria-pressed", tellsInBrowser);
    const note = document.getElementById("tell-note");
    note.hidden = allowed;
    note.textContent = allowed ? "" : button.dataset.refused;
  });
}
