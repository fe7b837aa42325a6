/**
 * The bell in the page's head: which tasks have ended lately, the newest first, and how many of them are news.
 *
 * The server keeps both for the account, so that every tab and device tells the same. Who opens the list has seen all of
 * it; who has a task's own page in sight has seen that one. A toast goes after some seconds; here its words stay.
 */
import { say } from "../progress_app/words.js";
import { showLocalTimes } from "./local-times.js";

const MOST_SHOWN = 8;
const MOST_COUNTED = 9; // more than that is many

const bell = document.getElementById("news");
const list = document.getElementById("news-list");
const about = document.getElementById("notices").dataset;
const csrfToken = document.querySelector("[name=csrfmiddlewaretoken]").value;
let told = []; // the oldest first
let until = 0; // in seconds since 1970: what was told until then is seen
let apart = new Set(); // tasks that were seen by their pages

/** What the account knows by now. While the server is away, what is known stays. */
export async function load() {
  try {
    const response = await fetch(about.noticesUrl, { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const { notices, seen } = await response.json();
    const ours = notices.filter(isOfTask);
    const known = new Set(ours.map(({ task }) => task));
    told = [...ours, ...told.filter(({ task }) => !known.has(task))].sort((one, other) => one.ts - other.ts);
    until = Math.max(until, seen.until);
    apart = new Set([...apart, ...seen.tasks]);
  } catch {
    return;
  }
  lookAround();
}

/** Take what the stream told. */
export function add(notice) {
  if (!told.some(({ task }) => task === notice.task)) told.push(notice);
  lookAround();
}

/** Whether a notice is one of ours; those that other code sends have words alone. */
export function isOfTask({ task, ts }) {
  return Boolean(task && ts);
}

export function isNews({ task, ts }) {
  return ts > until && !apart.has(task);
}

/** One line about an end: "Profile a CSV file: Failed". */
export function wordsOf({ title, state }) {
  return `${say(title)}: ${about[state] ?? state}`;
}

/** The page in sight is a notice's own: that one is no news any more. */
function lookAround() {
  const own = told.find(({ url }) => url === location.pathname);
  if (own && isNews(own) && !document.hidden) {
    apart.add(own.task);
    tell({ task: own.task });
  }
  draw();
}

function draw() {
  bell.toggleAttribute("data-none", told.length === 0);
  const count = told.filter(isNews).length;
  document.getElementById("news-count").textContent = count > MOST_COUNTED ? `${MOST_COUNTED}+` : count || "";
  if (bell.open) return; // somebody reads it
  list.replaceChildren(...told.slice(-MOST_SHOWN).reverse().map(line));
  showLocalTimes(list);
}

function line(notice) {
  const item = document.getElementById("news-line").content.firstElementChild.cloneNode(true);
  const [link, files, time] = item.querySelectorAll("a, [data-part=files], time");
  item.dataset.state = notice.state;
  item.toggleAttribute("data-new", isNews(notice));
  link.href = notice.url;
  link.textContent = wordsOf(notice);
  files.textContent = notice.files?.length ? `${notice.files.join(", ")} ·` : "";
  time.dateTime = new Date(1_000 * notice.ts).toISOString();
  return item;
}

function tell(seen) {
  const body = new URLSearchParams(seen);
  fetch(about.seenUrl, { method: "POST", headers: { "X-CSRFToken": csrfToken }, body, keepalive: true }).catch(() => {}); // it is news once more then
}

bell.addEventListener("toggle", () => {
  if (bell.open && told.some(isNews)) {
    until = told.at(-1).ts;
    tell({ until });
  }
  draw();
});
bell.addEventListener("keydown", ({ key: pressed }) => {
  if (pressed !== "Escape") return;
  bell.open = false;
  bell.querySelector("summary").focus();
});
load();
