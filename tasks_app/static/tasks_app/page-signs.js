/** How a task stands, told outside the page: the title and the tab's icon show the percentage, a toast and, if asked for,
 * a notification of the browser tell the end. */
const SIZE = 32;
const FULL_TURN = 2 * Math.PI;
const title = document.title;
const icon = document.querySelector("link[rel=icon]");
const plainIcon = icon.href;
const canvas = document.createElement("canvas");
canvas.width = canvas.height = SIZE;
let drawn = "";

/** Show the percentage of a running task; null takes the signs away. */
export function showPercent(percent) {
  const text = percent === null ? "" : `${Math.floor(percent)}%`;
  if (text === drawn) return;
  drawn = text;
  document.title = text ? `${text} · ${title}` : title;
  icon.href = text ? ring(percent / 100) : plainIcon;
}

/** Show words over the page for a while, as a link with `href`; they stay until they are read by whoever points at them. */
export function toast(words, { tone = "", stayMs = 8_000, href = "" } = {}) {
  const list = document.querySelector(".toasts") ?? document.body.appendChild(newList());
  const item = document.createElement("div");
  item.className = "toast";
  item.dataset.state = tone;
  const text = document.createElement("p");
  const place = href ? text.appendChild(document.createElement("a")) : text;
  if (href) place.href = href;
  place.textContent = words;
  item.append(text);
  list.append(item);
  let timer = setTimeout(() => item.remove(), stayMs);
  item.addEventListener("pointerenter", () => clearTimeout(timer));
  item.addEventListener("pointerleave", () => (timer = setTimeout(() => item.remove(), stayMs / 4)));
}

function newList() {
  const list = document.createElement("div");
  list.className = "toasts";
  list.setAttribute("role", "status");
  return list;
}

function ring(share) {
  const pen = canvas.getContext("2d");
  const middle = SIZE / 2;
  pen.clearRect(0, 0, SIZE, SIZE);
  pen.lineWidth = 7;
  for (const [colour, end] of [["#b8c9cf", 1], ["#0a8ba3", share]]) {
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.arc(middle, middle, middle - 4, -FULL_TURN / 4, FULL_TURN * (end - 0.25));
    pen.stroke();
  }
  return canvas.toDataURL();
}
