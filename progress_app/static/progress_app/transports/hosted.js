/**
 * Events over a hosted service, by its own client library, which is loaded from our static files when it is chosen.
 *
 * 1. Each connection begins with a question to our server, POST tokenUrl { channels, transport }. Its answer has `via`,
 *    the transport to use now (not this one while the server cannot reach the service); `settings` of the connection;
 *    `auth_url`, where the library asks for leave; and `channels`, our names and the service's of those it carries.
 * 2. The libraries come back by themselves, but all at once and without telling how long it takes. So a connection that
 *    breaks is given up, and the common backoff makes the next one.
 * 3. A service may drop events without a sign. So the viewers ask for their snapshots too, seldom.
 */
import { askForToken, Refusal } from "./token.js";

const OPEN_WITHIN_MS = 10_000;

export class Hosted {
  isLossy = true;
  #config;
  #connect;

  /** `connect(config, leave, source)` makes the connection and returns the function that ends it. */
  constructor(name, config, connect) {
    this.name = name;
    this.#config = config;
    this.#connect = connect;
  }

  open(channels, _owed, owner) {
    const source = new HostedSource(owner);
    this.#begin(source, channels);
    return source;
  }

  async #begin(source, channels) {
    try {
      const leave = await askForToken(this.#config, channels, this.name);
      const isOffered = leave.via === this.name && Object.keys(leave.channels).length > 0;
      if (!isOffered) throw new Refusal("refused");
      await loadLibrary(this.#config.libraryUrl);
      source.begin(Object.keys(leave.channels), () => this.#connect(this.#config, leave, source));
    } catch (refusal) {
      source.fail(refusal);
    }
  }
}

/** A connection of a library, from its opening to its loss. */
class HostedSource {
  isClosed = false;
  #owner;
  #deadline;
  #carried = [];
  #end = null;

  constructor(owner) {
    this.#owner = owner;
    this.#deadline = setTimeout(() => this.lose("mute"), OPEN_WITHIN_MS);
  }

  /** Connect for these channels, by `connect()`, which returns the function that ends it. */
  begin(channels, connect) {
    if (this.isClosed) return;
    this.#carried = channels;
    this.#end = connect();
  }

  /** All channels are joined. */
  opened() {
    clearTimeout(this.#deadline);
    if (!this.isClosed) this.#owner.opened("", this.#carried);
  }

  /** An event; `data` is an object, or its JSON. */
  take(name, data) {
    const told = typeof data === "string" ? JSON.parse(data) : data;
    if (!this.isClosed) this.#owner.event(name, told, "");
  }

  fail({ reason = "cut", denied, afterS }) {
    this.lose(reason, afterS);
    if (denied !== undefined) this.#owner.denied(denied);
  }

  lose(reason, afterS) {
    if (this.isClosed) return;
    this.close();
    this.#owner.lost(reason, afterS);
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.#deadline);
    this.#end?.();
    this.#end = null;
  }

  /** The library watches its own connection. */
  check() {}

  heard() {}
}

const libraries = new Map();

/** Run the library's script, once; it leaves a global. The page's nonce goes with it, for a strict policy. */
function loadLibrary(url) {
  if (!libraries.has(url)) libraries.set(url, runScript(url));
  return libraries.get(url);
}

function runScript(url) {
  const script = document.createElement("script");
  script.src = url;
  script.nonce = document.querySelector("script[nonce]")?.nonce ?? "";
  document.head.append(script);
  return new Promise((resolve, reject) => {
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => {
      libraries.delete(url);
      script.remove();
      reject(new Refusal("refused"));
    });
  });
}
