/** The page that a shared link opens: its bar, and where the link shows the result, that at the end. */
import { follow } from "../progress_app/shared.js";
import { FINAL } from "../progress_app/states.js";
import { freshPage } from "./fresh-page.js";

const AGAIN_MS = [0, 250, 1_000, 3_000]; // the row may be written a moment after the end is told
const result = document.getElementById("shared-result");
let isAsking = false;

if (result && !FINAL.has(result.dataset.state)) {
  document.addEventListener("task-progress", ({ detail }) => FINAL.has(detail.state) && showResult());
}
follow(document.querySelector("[data-shared-url]"));

async function showResult() {
  if (isAsking) return;
  isAsking = true;
  for (const pauseMs of AGAIN_MS) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const fresh = await freshPage().catch(() => null); // the server is away: the next turn tries again
    const next = fresh?.getElementById("shared-result");
    if (next && FINAL.has(next.dataset.state)) return result.replaceWith(document.adoptNode(next));
  }
  isAsking = false;
}
