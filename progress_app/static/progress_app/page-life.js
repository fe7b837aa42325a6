/** What happens to the page and the network, for who holds a connection: `connect` and `disconnect` are a pair. */
export class PageLife {
  #owner;
  #listening = null;

  /**
   * `owner` has `wake()` (somebody looks again, or the network is back), `offline()`, and `sleep()` and `awaken()` around
   * a stay in the back-forward cache, which takes no page with an open request.
   */
  constructor(owner) {
    this.#owner = owner;
  }

  connect() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const wakeIfSeen = () => {
      if (!document.hidden) this.#owner.wake();
    };
    document.addEventListener("visibilitychange", wakeIfSeen, { signal });
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
