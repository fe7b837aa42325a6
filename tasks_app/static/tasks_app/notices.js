/**
 * Tells whoever looks at any page that a task of theirs has ended, by a toast that leads to it and by the bell.
 *
 * A page that nobody looks at keeps its notices until somebody does, and forgets those that they have seen elsewhere. What
 * ended before the page was drawn is no news to it, and the task's own page shows the end itself.
 */
import { subscribe } from "../progress_app/event-stream.js";
import { add, isNews, isOfTask, load, wordsOf } from "./news.js";
import { toast } from "./page-signs.js";

const MOST_KEPT = 5;

class Notices {
  #config;
  #kept = [];
  #leave = null;
  #listening = null;

  constructor(config) {
    this.#config = config;
  }

  connect() {
    const { channel, noticesUrl: snapshotUrl, position } = this.#config;
    this.#leave = subscribe(this.#config, {
      channel,
      snapshotUrl,
      position: position === undefined ? undefined : Number(position), // the stream tells what came after the drawing
      notice: (told) => this.#take(told),
      snapshot() {},
      reset() {},
      status() {},
    });
    this.#listening = new AbortController();
    document.addEventListener("visibilitychange", () => this.#lookAgain(), { signal: this.#listening.signal });
  }

  disconnect() {
    this.#leave?.();
    this.#listening?.abort();
    this.#leave = this.#listening = null;
  }

  #take(notice) {
    if (notice.ts < Number(this.#config.drawnAt)) return;
    this.#kept = [...this.#kept, notice].slice(-MOST_KEPT);
    this.#show();
  }

  async #lookAgain() {
    if (document.hidden) return;
    await load();
    this.#show();
  }

  #show() {
    if (document.hidden) return;
    for (const notice of this.#kept.splice(0)) {
      if (!isOfTask(notice)) {
        toast(String(notice.text ?? ""));
        continue;
      }
      add(notice);
      if (isNews(notice)) toast(textOf(notice), { tone: notice.state, href: notice.url });
    }
  }
}

function textOf(notice) {
  return [notice.files?.join(", "), wordsOf(notice)].filter(Boolean).join(" – ");
}

new Notices({ ...document.getElementById("notices").dataset }).connect();
