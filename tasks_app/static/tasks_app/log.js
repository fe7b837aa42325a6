/** A list of log lines that grows at its end and follows it unless the reader has scrolled up; by level and words. */
import { say } from "../progress_app/words.js";
import { clockText } from "./local-times.js";

const MOST_LINES = 2_000;
const NEAR_END_PX = 24;

export class Log {
  #list;
  #template;
  #followButton;
  #known = new Set();
  #pending = [];
  #frame = 0;
  #wanted = "";

  constructor(list, { template, followButton, least, search }) {
    this.#list = list;
    this.#template = template;
    this.#followButton = followButton;
    for (const line of list.querySelectorAll(".log-line")) this.#adopt(line);
    this.#scrollToEnd();
    followButton.addEventListener("click", () => this.#scrollToEnd());
    list.addEventListener("scroll", () => this.#isAtEnd && this.#hideButton());
    for (const tool of [least, least.labels[0], search, search.labels[0]]) delete tool.dataset.later; // of use now
    least.addEventListener("change", () => (list.dataset.least = least.value));
    search.addEventListener("input", () => this.#search(search.value));
  }

  /** Add a line, unless it is there already: the page may have been drawn with it. */
  add(entry) {
    const key = keyOf(entry.ts, entry.level, entry.text);
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.#append(this.#draw(entry));
  }

  /** Say that lines may be missing from here on. */
  addGap() {
    const line = document.createElement("li");
    line.className = "log-gap";
    line.textContent = this.#list.dataset.gap;
    this.#append(line);
  }

  #append(line) {
    this.#pending.push(line);
    this.#frame ||= requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    this.#frame = 0;
    const follows = this.#isAtEnd;
    for (const line of this.#pending) this.#sift(line);
    this.#list.append(...this.#pending.splice(0));
    while (this.#list.children.length > MOST_LINES) this.#list.firstElementChild.remove();
    if (follows) this.#scrollToEnd();
    else this.#followButton.hidden = false;
  }

  #search(words) {
    this.#wanted = words.trim().toLowerCase();
    for (const line of this.#list.children) this.#sift(line);
    this.#scrollToEnd();
  }

  #sift(line) {
    const misses = this.#wanted !== "" && !line.textContent.toLowerCase().includes(this.#wanted);
    line.toggleAttribute("data-missed", misses);
  }

  #draw({ level, text, ts }) {
    const line = this.#template.content.firstElementChild.cloneNode(true);
    line.dataset.level = level;
    line.querySelector(".log-level").textContent = say(level);
    line.querySelector(".log-text").textContent = text;
    showTime(line, ts);
    return line;
  }

  #adopt(line) {
    const ts = Number(line.dataset.ts);
    this.#known.add(keyOf(ts, line.dataset.level, line.querySelector(".log-text").textContent));
  }

  get #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight <= NEAR_END_PX;
  }

  #scrollToEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#hideButton();
  }

  #hideButton() {
    this.#followButton.hidden = true;
  }
}

function keyOf(ts, level, text) {
  return `${Number(ts).toFixed(3)} ${level} ${text}`;
}

function showTime(line, ts) {
  const time = line.querySelector(".log-time");
  const moment = new Date(ts * 1000);
  time.dateTime = moment.toISOString();
  time.textContent = clockText(moment);
}
