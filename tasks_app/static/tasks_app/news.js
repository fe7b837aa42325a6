/**
 * The bell in the page's head: what has ended and was not looked at yet, a link each, from page to page of this tab.
 *
 * A toast goes after some seconds; here its words can be reached at any time. Who has opened the list and closes it has
 * seen them, and who opens a task's page has seen that one.
 */
const MOST = 5;

const bell = document.getElementById("news");
const list = document.getElementById("news-list");
const key = `news ${document.getElementById("notices").dataset.channel}`;

/** Keep what a notice says until it has been seen. */
export function keep(news) {
  store([...kept(), news].slice(-MOST));
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "[]");
  } catch {
    return []; // a browser without storage tells the toast alone
  }
}

function store(news) {
  try {
    sessionStorage.setItem(key, JSON.stringify(news));
  } catch {
    // as above
  }
  draw(news);
}

function draw(news) {
  bell.toggleAttribute("data-none", news.length === 0);
  document.getElementById("news-count").textContent = news.length || "";
  list.replaceChildren(...news.map(line));
}

function line({ words, state, url }) {
  const item = document.getElementById("news-line").content.firstElementChild.cloneNode(true);
  const link = item.querySelector("a");
  item.dataset.state = state;
  link.href = url;
  link.textContent = words;
  return item;
}

bell.addEventListener("toggle", () => bell.open || store([]));
bell.addEventListener("keydown", ({ key: pressed }) => {
  if (pressed !== "Escape") return;
  bell.open = false;
  bell.querySelector("summary").focus();
});
const unseen = kept().filter(({ url }) => url !== location.pathname);
if (unseen.length > 0) store(unseen);
