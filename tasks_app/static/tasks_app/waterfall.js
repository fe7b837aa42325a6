/**
 * The picture of a task over time grows while one looks: its frame widens, and with it what goes on.
 *
 * The server draws in seconds; so nothing is drawn anew here but the frame, the open bars and their figures. What else
 * changes comes with the server's next drawing of it.
 */
import { durationText } from "../progress_app/wording.js";

const TICK_MS = 1_000;
const OUTGROWN = 0.5; // of the time that it was drawn for
const IN_SIGHT = new Set(["live", "polling"]);
const drawnAt = new WeakMap(); // each drawing, and when it came, by a clock that nobody sets

/** Let the picture on the page, if there is one, show the present moment. */
export function growWaterfall() {
  const picture = document.querySelector(".waterfall[data-live]");
  if (!picture || document.hidden || !isInSight()) return;
  const passedS = sinceDrawnS(picture);
  const wholeS = Number(picture.dataset.wholeS) + passedS;
  for (const lane of picture.querySelectorAll(".lane-time")) lane.setAttribute("viewBox", `0 0 ${wholeS.toFixed(3)} 1`);
  for (const bar of picture.querySelectorAll("rect[data-open]")) {
    bar.setAttribute("width", Math.max(0, wholeS - Number(bar.getAttribute("x"))).toFixed(3));
  }
  for (const note of picture.querySelectorAll("[data-open-s]")) {
    note.textContent = durationText(Math.floor(Number(note.dataset.openS) + passedS));
  }
  for (const mark of picture.querySelectorAll("[data-at-s]")) {
    mark.setAttribute("x", `${((100 * Number(mark.dataset.atS)) / wholeS).toFixed(2)}%`);
  }
}

/** Whether the marks of the time below the picture are those of a much shorter one. */
export function isOutgrown() {
  const picture = document.querySelector(".waterfall[data-live]");
  return Boolean(picture) && isInSight() && sinceDrawnS(picture) > OUTGROWN * Number(picture.dataset.wholeS);
}

function sinceDrawnS(picture) {
  if (!drawnAt.has(picture)) drawnAt.set(picture, performance.now());
  return (performance.now() - drawnAt.get(picture)) / 1_000;
}

/** Whether we know that the task goes on: a picture that we have lost sight of stands still. */
function isInSight() {
  return IN_SIGHT.has(document.querySelector("#bar progress-bar").dataset.connection);
}

growWaterfall();
setInterval(growWaterfall, TICK_MS);
