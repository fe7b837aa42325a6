/**
 * This page as the server draws it now; null when it gives another answer.
 *
 * Throws when the server is away.
 */
export async function freshPage() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
}
