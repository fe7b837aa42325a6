/**
 * The page of a job's form: the command line follows the values, and a form that sends a file shows
 * how much of it has gone. Without this module the form is sent as any other.
 */
const PART = /^[\w./:@%+-]+$/;

const form = document.getElementById("job-form");
const command = document.getElementById("command");

const usual = document.getElementById("usual");
const files = [...form.querySelectorAll("input[type=file]")];

form.addEventListener("input", ({ target }) => {
  if (target.type === "file") target.toggleAttribute("data-chosen", target.files.length > 0);
  command.textContent = commandLine();
  if (usual && files.includes(target)) askWhatIsUsual();
});
if (files.length > 0) form.addEventListener("submit", (event) => send(event));

/** How long the job takes for files as large as the chosen ones; the server knows. */
async function askWhatIsUsual() {
  const bytes = files.flatMap((input) => [...input.files]).reduce((sum, file) => sum + file.size, 0);
  try {
    const response = await fetch(`${usual.dataset.url}?bytes=${bytes}`);
    const fresh = new DOMParser().parseFromString(response.ok ? await response.text() : "", "text/html");
    if (fresh.body.childElementCount) usual.replaceChildren(...fresh.body.childNodes);
  } catch {
    // The server is away: what is usual for all stays.
  }
}

/** As `inputs.command_line` writes it. */
function commandLine() {
  const names = [...new Set([...form.elements].map(({ name }) => name))];
  const given = names.filter((name) => name && !isOurs(name) && valueOf(name));
  const parts = given.map((name) => `${name}=${quoted(valueOf(name))}`);
  return ["manage.py run_job", form.dataset.job, ...parts].join(" ");
}

function isOurs(name) {
  return name === "csrfmiddlewaretoken" || name === "idempotency_key";
}

function valueOf(name) {
  const values = new FormData(form).getAll(name);
  return values.map((value) => (value instanceof File ? value.name || pathOf(name) : value)).join(" ");
}

/** What stands for a file while none is chosen: the name of the one that is kept, if one is. */
function pathOf(name) {
  return form.elements[name].dataset.kept ?? "path/to/file";
}

/** As a POSIX shell reads it back. */
function quoted(text) {
  return PART.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** Send the form with a bar for its files; the answer, be it the task's page or the form with its faults, is shown. */
function send(event) {
  event.preventDefault();
  if (refuseLarge()) return;
  const bar = form.querySelector("[data-upload]");
  const label = bar.querySelector("label");
  const button = form.querySelector("button[type=submit]");
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const percent = total ? Math.floor((100 * loaded) / total) : 0;
    bar.querySelector("progress").value = percent;
    label.textContent = percent < 100 ? `${label.dataset.sending} ${percent}%` : label.dataset.sent;
  });
  request.addEventListener("load", () => show(request));
  request.addEventListener("error", () => {
    bar.hidden = true;
    button.disabled = false;
    form.submit(); // the browser's own page says what is wrong with the network
  });
  request.open("POST", location.href);
  request.send(new FormData(form));
  button.disabled = true;
  bar.hidden = false;
}

/** Say of each file that is too large that it is, before it is sent for nothing; true if one is. */
function refuseLarge() {
  const { mostBytes, tooLarge } = form.dataset;
  const large = [...form.querySelectorAll("input[type=file]")].filter((input) => input.files[0]?.size > mostBytes);
  for (const input of large) {
    const field = input.closest(".field");
    const faults = Object.assign(document.createElement("ul"), { className: "errorlist", id: `${input.id}_error` });
    const size = `${(input.files[0].size / 2 ** 20).toFixed(1)} MB`;
    faults.append(Object.assign(document.createElement("li"), { textContent: tooLarge.replace("{size}", size) }));
    field.querySelector(".errorlist")?.remove();
    field.classList.add("has-errors");
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", faults.id);
    field.insertBefore(faults, field.querySelector(".help"));
    input.focus();
  }
  return large.length > 0;
}

function show({ responseURL, status, responseText }) {
  if (status < 400 && responseURL !== location.href) {
    location.assign(responseURL);
    return;
  }
  const fresh = new DOMParser().parseFromString(responseText, "text/html");
  const [now, then] = [form.querySelectorAll(".field"), fresh.querySelectorAll("#job-form .field")];
  if (now.length === 0 || now.length !== then.length) {
    form.submit();
    return;
  }
  now.forEach((field, index) => takeFaults(field, then[index]));
  form.querySelector("[data-upload]").hidden = true;
  form.querySelector("button[type=submit]").disabled = false;
  form.querySelector(".has-errors :is(input, select, textarea)")?.focus();
}

/** Show a field's faults and keep what stands in it: a chosen file cannot be put back by a page. */
function takeFaults(field, fresh) {
  field.className = fresh.className;
  field.querySelector(".errorlist")?.remove();
  const faults = fresh.querySelector(".errorlist");
  const input = field.querySelector("input, select, textarea");
  const freshInput = fresh.querySelector("input, select, textarea");
  for (const name of ["aria-invalid", "aria-describedby"]) {
    if (freshInput.hasAttribute(name)) input.setAttribute(name, freshInput.getAttribute(name));
    else input.removeAttribute(name);
  }
  if (faults) field.insertBefore(document.adoptNode(faults), field.querySelector(".help"));
}
