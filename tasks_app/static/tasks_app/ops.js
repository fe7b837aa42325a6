/**
 * The page of operations, live over the page's one stream: its event `ops` carries queues, workers and web processes,
 * which fill the rows here. Sums, charts and matrices are drawn by the server alone; while events come, these parts
 * (data-refresh) are taken anew now and then.
 */
import { subscribe } from "../progress_app/event-stream.js";
import { connectionText, durationText, percentText } from "../progress_app/wording.js";
import { freshPage } from "./fresh-page.js";
import { showLocalTimes } from "./local-times.js";

const REFRESH_EVERY_MS = 10_000;
const SECOND_MS = 1_000;
const ANY_TASK = "00000000-0000-0000-0000-000000000000";

const sign = document.getElementById("ops");
const [queues, workers, processes] = ["queues", "workers", "processes"].map((id) => document.getElementById(id));
const titles = JSON.parse(document.getElementById("job-titles").textContent);
let connection = { state: "connecting", retryAt: 0 };
let refreshAt = Date.now() + REFRESH_EVERY_MS;

const { eventsUrl, session, transport, tokenUrl, csrfToken } = sign.dataset;
subscribe(
  { eventsUrl, session, transport, tokenUrl, csrfToken },
  {
    channel: "ops",
    snapshotUrl: sign.dataset.nowUrl,
    snapshot: show,
    reset() {},
    status(told) {
      connection = told;
      showConnection();
    },
  },
);
setInterval(showConnection, SECOND_MS);

function showConnection() {
  sign.dataset.connection = connection.state;
  const text = connectionText(connection, Date.now());
  if (sign.textContent !== text) sign.textContent = text;
}

function show(overview) {
  fill(queues, "queue-row", overview.queues, (row, queue) => {
    const isLate = queue.oldest_s > Number(queues.dataset.longWaitS);
    write(row, isLate, { name: queue.name, depth: queue.depth, oldest: durationText(queue.oldest_s) });
  });
  fill(workers, "worker-row", overview.workers.flatMap(runs), drawRun);
  fill(processes, "process-row", overview.processes ?? [], (row, { name, streams, channels, lag_ms: lagMs }) => {
    write(row, lagMs > Number(processes.dataset.longLagMs), { name, streams, channels, lag: lagText(lagMs) });
  });
  refreshSoon();
}

/** What a worker runs, each with its name; a worker that waits runs nothing. */
function runs({ name, tasks }) {
  return tasks.length > 0 ? tasks.map((task) => ({ ...task, name })) : [{ name }];
}

function drawRun(row, { name, task, job, percent, running_s: runningS }) {
  const link = row.querySelector("a");
  if (task) {
    write(row, false, { name, job: titles[job] ?? job, percent: percentText(percent), running: durationText(runningS) });
    link.href = workers.dataset.taskUrl.replace(ANY_TASK, task);
  } else {
    write(row, false, { name, job: workers.dataset.idle, percent: "", running: "" });
    link.removeAttribute("href");
  }
}

/** As many rows as there are things: those that stay are written anew, so that a link keeps its focus. */
function fill(body, template, things, draw) {
  while (body.rows.length > things.length) body.rows[body.rows.length - 1].remove();
  while (body.rows.length < things.length) {
    body.append(document.getElementById(template).content.firstElementChild.cloneNode(true));
  }
  things.forEach((thing, index) => draw(body.rows[index], thing));
  document.getElementById(`${body.id}-none`).hidden = things.length > 0;
}

function write(row, isTrouble, texts) {
  if (isTrouble) row.dataset.state = "failed";
  else delete row.dataset.state;
  for (const [part, text] of Object.entries(texts)) row.querySelector(`[data-part="${part}"]`).textContent = text;
}

function lagText(lagMs) {
  if (lagMs === null) return "";
  return lagMs < SECOND_MS ? `${Math.round(lagMs)} ms` : durationText(lagMs / SECOND_MS);
}

async function refreshSoon() {
  if (Date.now() < refreshAt || document.hidden) return;
  refreshAt = Date.now() + REFRESH_EVERY_MS;
  try {
    const fresh = await freshPage();
    if (fresh) swapParts(fresh);
  } catch {
    // The server is away; the connection's own sign says so, and a later event tries again.
  }
}

function swapParts(fresh) {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const isInUse = part.contains(document.activeElement); // somebody is about to follow a link in it
    const next = fresh.getElementById(part.id);
    if (next && !isInUse) part.replaceWith(document.adoptNode(next));
  }
  showLocalTimes(document);
}
