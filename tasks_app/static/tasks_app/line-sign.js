/** One sign for all bars of a page: "live", "polling", "reconnecting in 4 s, as of 12:03"; none where nothing goes on. */
import { FINAL } from "../progress_app/states.js";
import { connectionText } from "../progress_app/wording.js";

const TICK_MS = 1_000;
const sign = document.getElementById("line-sign");
const early = document.querySelector("progress-bar[data-connection]:not([data-connection=ended])"); // it spoke before we came
let connection = { state: early?.dataset.connection ?? "connecting", retryAt: 0 };
let seenAt = 0; // the newest sign of life, in ms since 1970

document.addEventListener("task-connection", ({ detail }) => {
  if (detail.state === "live" || detail.state === "polling") seenAt = Date.now();
  if (detail.state !== "ended") connection = detail;
  show();
});
document.addEventListener("task-progress", () => (seenAt = Date.now()));
show();
setInterval(show, TICK_MS);

function show() {
  const bars = [...document.querySelectorAll("progress-bar")];
  const goesOn = bars.some((bar) => !FINAL.has(bar.dataset.state));
  sign.dataset.connection = goesOn ? connection.state : "";
  const text = goesOn ? connectionText(connection, Date.now(), seenAt) : "";
  if (sign.textContent !== text) sign.textContent = text;
}
