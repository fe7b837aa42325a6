/** A shared task: its bar (data-shared-url) is asked for again and again, since a link opens no stream. */
import "./progress-bar.js";
import { Poller } from "./polling.js";
import { FINAL } from "./states.js";

export function follow(bar) {
  const poller = new Poller(bar.dataset.sharedUrl, {
    take(snapshot) {
      bar.show(snapshot, connectionOf(poller, snapshot));
      if (FINAL.has(snapshot.state)) poller.stop();
      return true;
    },
    told() {
      if (bar.snapshot && !FINAL.has(bar.snapshot.state)) bar.show(bar.snapshot, connectionOf(poller, bar.snapshot));
    },
  });
  if (FINAL.has(bar.dataset.state)) return;
  bar.dataset.watched = ""; // it keeps its height when it ends
  poller.start();
}

function connectionOf({ outcome, nextAt }, { state }) {
  if (FINAL.has(state)) return { state: "ended", retryAt: 0 };
  if (outcome === "denied") return { state: "denied", retryAt: 0 };
  return outcome === "failed" ? { state: "reconnecting", retryAt: nextAt } : { state: "polling", retryAt: 0 };
}
