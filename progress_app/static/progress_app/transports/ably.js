/** Events over Ably, by ably-js. */
import { Hosted } from "./hosted.js";

const BROKEN = new Set(["disconnected", "suspended", "closed", "failed"]);

export function ably(config) {
  return new Hosted("ably", config, connect);
}

function connect(_config, { settings, auth_url: address, channels }, source) {
  const { host, port, tls } = settings;
  const place = host ? { endpoint: host, port, tlsPort: port, tls } : {};
  const client = new globalThis.Ably.Realtime({
    ...place,
    authCallback: (_params, answer) => allow(address, Object.keys(channels), answer),
    echoMessages: false,
  });
  client.connection.on(({ current }) => {
    if (BROKEN.has(current)) source.lose(current === "failed" ? "refused" : "cut");
  });
  join(client, channels, source);
  return () => client.close();
}

/** Give the library a signed request for a token. (Its own way to ask keeps one of several parameters of a name.) */
async function allow(address, channels, answer) {
  const asked = new URLSearchParams(channels.map((channel) => ["channel", channel]));
  try {
    const response = await fetch(`${address}?${asked}`, { cache: "no-store", redirect: "manual" });
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    answer(null, await response.json());
  } catch (error) {
    answer(error.message, null);
  }
}

/** The newest message of each channel comes first, so that who comes late sees the present state. */
async function join(client, channels, source) {
  const attached = Object.values(channels).map((name) => {
    const channel = client.channels.get(name, { params: { rewind: "1" } });
    return channel.subscribe(({ name: event, data }) => source.take(event, data));
  });
  try {
    await Promise.all(attached);
    source.opened();
  } catch {
    source.lose("refused");
  }
}
