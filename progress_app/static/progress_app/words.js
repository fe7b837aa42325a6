/**
 * Words in the page's language. The English text is the key; where the page is in another language, the server puts the
 * others into <script type="application/json" id="headway-words">. Values stand in braces: say("{count} s", { count }).
 */
const holder = document.getElementById("headway-words");
const words = holder ? JSON.parse(holder.textContent) : {};

export function say(text, values = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
