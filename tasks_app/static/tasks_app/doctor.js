/** The doctor's page: opens a real stream, has ticks sent behind it, and shows the finding that their arrival means. */
const OPENS_WITHIN_MS = 5_000;
const ARRIVE_WITHIN_MS = 5_000;
const HEAPED_BELOW = 0.5; // of the time over which the ticks were sent

/** Which finding the moments of sending and of arrival mean; they may be fewer than the ticks. */
export function finding(sentMs, arrivedMs) {
  if (arrivedMs.length < sentMs.length) return "held";
  const isHeap = arrivedMs.at(-1) - arrivedMs[0] < HEAPED_BELOW * (sentMs.at(-1) - sentMs[0]);
  return isHeap ? "heap" : "flowing";
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function show(panel, name) {
  panel.querySelector("[data-finding=trying]").hidden = true;
  panel.querySelector(`[data-finding=${name}]`).hidden = false;
}

function opened(source) {
  return new Promise((done) => {
    source.addEventListener("stream-open", () => done(true), { once: true });
    source.addEventListener("error", () => done(false), { once: true });
    setTimeout(() => done(false), OPENS_WITHIN_MS);
  });
}

async function send(panel, sentMs) {
  const headers = { "X-CSRFToken": panel.querySelector("[name=csrfmiddlewaretoken]").value };
  for (let number = 0; number < Number(panel.dataset.ticks); number += 1) {
    sentMs.push(performance.now());
    const body = new URLSearchParams({ number });
    fetch(panel.dataset.tick, { method: "POST", headers, body }).catch(() => {}); // it is missing then, which is told
    await pause(Number(panel.dataset.everyMs));
  }
}

async function examine(panel) {
  const source = new EventSource(panel.dataset.events);
  const [sentMs, arrivedMs] = [[], []];
  try {
    source.addEventListener("doctor", () => arrivedMs.push(performance.now()));
    if (!(await opened(source))) return show(panel, "closed");
    await send(panel, sentMs);
    const endMs = performance.now() + ARRIVE_WITHIN_MS;
    while (arrivedMs.length < sentMs.length && performance.now() < endMs) await pause(100);
    show(panel, finding(sentMs, arrivedMs));
    const page = performance.getEntriesByType("navigation")[0];
    if (page?.nextHopProtocol === "http/1.1") show(panel, "limit");
  } finally {
    source.close();
  }
}

const panel = document.querySelector("[data-doctor]");
if (panel) examine(panel);
