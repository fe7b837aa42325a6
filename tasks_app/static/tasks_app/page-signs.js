/** How a task stands, told outside the page: the title and the tab's icon show the percentage, a toast and, if asked for,
 * a notification of the browser tell the end. */
const SIZE = 32;
const FULL_TURN = 2 * Math.PI;
const STAY_MS = 7_000;
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

/**
 * Show words over the page's end for a few seconds, as a link with `href`; a screen reader is told them.
 *
 * The page grows by as much at its end, so that nothing lies under them for good. They stay while somebody points at them
 * or has the focus in them, and go at once by their button or Escape.
 */
export function toast(words, { tone = "", href = "" } = {}) {
  const list = document.getElementById("toasts");
  list.append(document.getElementById("toast").content.cloneNode(true));
  const item = list.lastElementChild;
  item.dataset.state = tone;
  const [text, link] = item.querySelectorAll("p, a");
  if (href) link.href = href;
  (href ? link : text).textContent = words;
  document.getElementById("told").textContent = words;
  stay(item);
}

function stay(item) {
  let timer = 0;
  const go = () => item.remove();
  const wait = () => (timer = setTimeout(go, STAY_MS));
  for (const kind of ["pointerenter", "focusin"]) item.addEventListener(kind, () => clearTimeout(timer));
  for (const kind of ["pointerleave", "focusout"]) item.addEventListener(kind, wait);
  item.addEventListener("keydown", ({ key }) => key === "Escape" && go());
  item.querySelector("button").addEventListener("click", go);
  wait();
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
