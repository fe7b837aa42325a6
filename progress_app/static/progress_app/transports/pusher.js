/** Events over Pusher Channels, by pusher-js. */
import { Hosted } from "./hosted.js";

export function pusher(config) {
  return new Hosted("pusher", config, connect);
}

function connect({ csrfToken }, { settings, auth_url: endpoint, channels }, source) {
  const { key, cluster, host, port, tls } = settings;
  const place = host ? { wsHost: host, wsPort: port, wssPort: port, forceTLS: tls } : {};
  const client = new globalThis.Pusher(key, {
    cluster, // the library wants one, also beside a host
    ...place,
    enabledTransports: ["ws", "wss"],
    channelAuthorization: {
      endpoint,
      transport: "ajax",
      headersProvider: () => ({ "X-CSRFToken": csrfToken }),
    },
  });
  client.connection.bind("state_change", ({ previous, current }) => {
    const isRefused = current === "failed" || current === "disconnected"; // the library itself gives up
    if (isRefused) source.lose("refused");
    else if (previous === "connected" || current === "unavailable") source.lose("cut");
  });
  // A signature or a channel that the service does not take; one that concerns the connection ends that too.
  client.connection.bind("error", ({ data }) => data && source.lose("refused"));
  join(client, Object.entries(channels), source);
  return () => client.disconnect();
}

function join(client, channels, source) {
  const missing = new Set(channels.map(([, name]) => name));
  for (const [ours, name] of channels) {
    const channel = client.subscribe(name);
    channel.bind("pusher:subscription_succeeded", () => {
      if (missing.delete(name) && missing.size === 0) source.opened();
    });
    channel.bind("pusher:subscription_error", ({ status }) => {
      source.fail({ reason: "refused", denied: status === 403 ? [ours] : undefined });
    });
    channel.bind_global((event, data) => event.startsWith("pusher:") || source.take(event, data));
  }
}
