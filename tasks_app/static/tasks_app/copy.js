/** Buttons that copy what their data-copy names: an input's value, else a text. Hidden where a browser has no clipboard. */
const AGAIN_MS = 2_000;

for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  const words = button.querySelector("span");
  const label = words.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.querySelector(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      words.textContent = button.dataset.copied;
    } catch {
      // Not allowed by the browser: then it is marked, so that two keys do it.
      if (source.select) source.select();
      else getSelection().selectAllChildren(source);
      words.textContent = button.dataset.marked;
    }
    setTimeout(() => (words.textContent = label), AGAIN_MS);
  });
}
