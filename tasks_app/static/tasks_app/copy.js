/** Buttons that copy what their data-copy names: an input's value, else a text. Hidden where a browser has no clipboard. */
const AGAIN_MS = 2_000;

for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  const words = button.querySelector("span");
  const label = words.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    words.textContent = button.dataset.copied;
    setTimeout(() => (words.textContent = label), AGAIN_MS);
  });
}
