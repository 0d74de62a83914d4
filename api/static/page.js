// What a form cannot do by itself. Every page also works without this file.
const form = document.querySelector("form[data-drop]");
if (form) dropping(form);
addEventListener("htmx:after:swap", settle);
settle();

// Dropping, pasting and previewing files; several are sent one after the other.
function dropping(form) {
  const zone = form.querySelector(".zone");
  const input = form.querySelector("input[type=file]");
  const list = form.querySelector(".chosen");
  const status = form.querySelector("[role=status]");
  const button = form.querySelector("button");
  const most = Number(form.dataset.most);
  const limit = `${Math.round(most / 1e6)} MB`;
  const isLarge = (file) => file.size > most;

  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    choose(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => choose(event.clipboardData.files));
  input.addEventListener("change", show);
  form.addEventListener("submit", send);
  addEventListener("pageshow", () => (button.disabled = false));

  function choose(files) {
    if (!files.length) return;
    input.files = files;
    show();
  }

  function show() {
    list.replaceChildren(...[...input.files].map(line));
    const count = input.files.length;
    status.textContent =
      count === 1 ? `Chosen: ${input.files[0].name}` : `${count} files chosen`;
  }

  function line(file) {
    const item = document.createElement("li");
    if (file.type.startsWith("image/")) {
      const picture = document.createElement("img");
      picture.alt = "";
      picture.src = URL.createObjectURL(file);
      picture.onload = () => URL.revokeObjectURL(picture.src);
      item.append(picture);
    }
    const name = document.createElement("span");
    name.textContent = file.name;
    item.append(name);
    return item;
  }

  async function send(event) {
    const files = [...input.files];
    const large = files.find(isLarge);
    if (large && files.length === 1) {
      event.preventDefault();
      status.textContent = `${large.name} is over the limit of ${limit}.`;
      return;
    }
    button.disabled = true;
    status.textContent = "Sending…";
    if (files.length < 2 || form.elements.url?.value) return; // the service tells the rest
    event.preventDefault();
    show();
    const refused = [];
    let accepted = 0;
    for (const [index, file] of files.entries()) {
      status.textContent = `Sending ${index + 1} of ${files.length}: ${file.name}`;
      const why = await refusal(file);
      if (why) refused.push(file);
      else accepted += 1;
      const told = document.createElement("span");
      told.className = "told";
      told.textContent = why ? `— not examined: ${why}` : "— accepted";
      list.children[index].append(" ", told);
    }
    if (!refused.length) return location.assign(form.dataset.drop);
    button.disabled = false;
    const again = new DataTransfer(); // the next press sends what was not accepted, only that
    refused.forEach((file) => again.items.add(file));
    input.files = again.files;
    status.textContent = `${refused.length} of ${files.length} not examined: `;
    status.append(refused.map((file) => file.name).join(", "), ".");
    if (!accepted) return;
    const link = document.createElement("a");
    link.href = form.dataset.drop;
    link.textContent = `See the ${accepted} accepted`;
    status.append(" ", link);
  }

  // Why a file was not accepted, in words; nothing when it was.
  async function refusal(file) {
    if (isLarge(file)) return `It is over the limit of ${limit}.`;
    const body = new FormData(form);
    body.set(input.name, file);
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      const path = new URL(answer.url).pathname;
      if (answer.ok && path.startsWith(`${form.dataset.drop}/`)) return "";
      if (answer.redirected) return "You are no longer signed in.";
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const told = page.querySelector("[role=alert]");
      told?.querySelector("strong")?.remove();
      told?.querySelectorAll("br").forEach((line) => line.replaceWith(". "));
      const words = told?.textContent.trim().replace(`${file.name}: `, "");
      return words || `The service answered with status ${answer.status}.`;
    } catch {
      return "The service does not answer.";
    }
  }
}

// After a result has arrived or a page was loaded for it: the reader goes on at its heading.
function settle() {
  const heading = document.querySelector("h1[data-focus]");
  if (heading) {
    heading.removeAttribute("data-focus");
    heading.focus();
  }
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.onclick = async () => {
      const field = document.getElementById(button.dataset.copy);
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    };
  }
}
