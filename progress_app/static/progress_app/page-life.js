/** What happens to the page and the network, for who holds a connection: `connect` and `disconnect` are a pair. */
export class PageLife {
  #owner;
  #listening = null;

  /**
   * `owner` has `wake()` (somebody looks again, or the network is back), `hide()`, `offline()`, and `sleep()` and
   * `awaken()` around a stay in the back-forward cache, which takes no page with an open request or a lock, and around a
   * time in which the browser stops the page's script.
   */
  constructor(owner) {
    this.#owner = owner;
  }

  connect() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const wakeIfSeen = () => document.hidden || this.#owner.wake();
    const changed = () => (document.hidden ? this.#owner.hide() : this.#owner.wake());
    document.addEventListener("visibilitychange", changed, { signal });
    document.addEventListener("freeze", () => this.#owner.sleep(), { signal });
    document.addEventListener("resume", () => this.#owner.awaken(), { signal });
    window.addEventListener("online", wakeIfSeen, { signal });
    window.addEventListener("offline", () => this.#owner.offline(), { signal });
    window.addEventListener("pagehide", () => this.#owner.sleep(), { signal });
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.#owner.awaken(), { signal });
  }

  disconnect() {
    this.#listening?.abort();
    this.#listening = null;
  }
}
