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
    const most = Number(form.dataset.most);
    const large = files.find((file) => file.size > most);
    if (large) {
      event.preventDefault();
      status.textContent = `${large.name} is over the limit of ${Math.round(most / 1e6)} MB.`;
      return;
    }
    button.disabled = true;
    status.textContent = "Sending…";
    if (files.length < 2) return;
    event.preventDefault();
    for (const [index, file] of files.entries()) {
      status.textContent = `Sending ${index + 1} of ${files.length}: ${file.name}`;
      const body = new FormData(form);
      body.set(input.name, file);
      const answer = await fetch(form.action, { method: "POST", body });
      if (!answer.ok) list.children[index].append(" — not accepted");
    }
    location.assign(form.dataset.drop);
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
