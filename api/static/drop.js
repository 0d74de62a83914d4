// Drag and drop on top of a form that also works without this file.
const form = document.getElementById("form");
const zone = document.getElementById("zone");
const input = document.getElementById("file");
const preview = document.getElementById("preview");
const status = document.getElementById("status");

function choose(files) {
  if (!files.length) return;
  input.files = files;
  show();
}

function show() {
  const file = input.files[0];
  if (!file) return;
  status.textContent = `Chosen: ${file.name}`;
  preview.hidden = !file.type.startsWith("image/");
  if (!preview.hidden) preview.src = URL.createObjectURL(file);
}

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
form.addEventListener("submit", () => {
  status.textContent = "Examining…";
  form.querySelector("button").disabled = true;
});
window.addEventListener("pageshow", () => {
  form.querySelector("button").disabled = false;
});
