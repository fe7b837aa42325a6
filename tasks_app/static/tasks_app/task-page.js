/**
 * The task page: log lines as they come, and the parts that depend on the task's state taken anew from the server.
 *
 * Each part marked with data-refresh (controls, outcome, particulars) is drawn by the server alone; when the state
 * changes the page is fetched again and these parts are swapped, so there is no second truth about buttons here.
 */
import { Log } from "./log.js";

const REFRESH_AGAIN_MS = 2_000;
const TRIES = 3;

const log = new Log(document.getElementById("log"), {
  template: document.getElementById("log-line"),
  followButton: document.getElementById("log-follow"),
});
let shownState = document.getElementById("outcome").dataset.state;
let wantedState = shownState;
let refreshing = null;

document.addEventListener("task-log", ({ detail }) => log.add(detail));
document.addEventListener("task-log-reset", () => log.addGap());
document.addEventListener("task-progress", ({ detail }) => {
  wantedState = detail.state;
  if (wantedState !== shownState) refreshing ??= refresh().finally(() => (refreshing = null));
});
showLocalTimes(document);

/** Swap the parts until they show the state that the stream told: the row may be written a moment after it. */
async function refresh() {
  for (let turn = 0; turn < TRIES && shownState !== wantedState; turn += 1) {
    if (turn) await new Promise((resolve) => setTimeout(resolve, REFRESH_AGAIN_MS));
    try {
      await swapParts();
    } catch {
      // The server is away; the connection's own sign says so. The next turn, or the next state, tries again.
    }
  }
}

async function swapParts() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-refresh]")) swap(part, fresh.getElementById(part.id));
  shownState = document.getElementById("outcome").dataset.state;
  showLocalTimes(document);
}

/** Put the fresh part in place; whoever had the focus in it keeps it. */
function swap(part, fresh) {
  if (!fresh) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : null;
  part.replaceWith(document.adoptNode(fresh));
  if (focused !== null) (document.getElementById(focused) ?? document.getElementById("main")).focus();
}

/** Times in the reader's own zone, today's without the date; the exact one is shown on hover. */
function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(time.dateTime);
    const isToday = moment.toDateString() === new Date().toDateString();
    time.title = time.dateTime;
    time.textContent = isToday ? moment.toLocaleTimeString() : moment.toLocaleString();
  }
}
