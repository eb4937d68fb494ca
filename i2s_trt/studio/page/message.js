// What goes wrong, said where it can be read and closed: in the dialog that is open, or at the head of the page. What is being
// done lies there too, for behind a dialog it could not be cancelled.

const byId = (id) => document.getElementById(id);
const box = byId("message"), texts = box.querySelector("div");
const said = new Map();
const GENERAL = ""; // what is about no file: the latest counts
let from = null; // where the focus was when the first of them came

// Of what is about files each has a line of its own, until it is closed.
export function complain(error, file = GENERAL) {
  const text = [error.message, error.hint].filter(Boolean).join("\n");
  if (file === GENERAL) said.set(GENERAL, text); else said.set(Symbol(file), `${file}: ${text}`);
  if (box.hidden) from = document.activeElement;
  place();
  draw();
}

// What was said of no file has passed.
export function passed() {
  said.delete(GENERAL);
  draw();
}

// A dialog, with the message if there is one: behind it nothing can be closed.
export function open(dialog) {
  dialog.showModal();
  place();
}

function place() {
  const room = document.querySelector("dialog[open]") || byId("notices");
  if (box.parentNode !== room) room.prepend(box, byId("work"));
}

function draw() {
  texts.replaceChildren(...(said.size ? [...said.values()] : [""]).map((text) => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  }));
  const held = box.contains(document.activeElement);
  box.hidden = !said.size;
  if (held && box.hidden) back();
  // the keys reach what has to be scrolled
  if (texts.scrollHeight > texts.clientHeight) texts.tabIndex = 0; else texts.removeAttribute("tabindex");
}

// The focus goes back, or as near as it can: nothing outside of an open dialog takes it.
function back() {
  const dialog = document.querySelector("dialog[open]");
  const usable = (one) => one && one !== document.body && !one.disabled && one.checkVisibility() && (!dialog || dialog.contains(one));
  const first = dialog && [...dialog.querySelectorAll("input, button")].find((one) => usable(one) && !box.contains(one));
  [from, first, byId("picture")].find(usable)?.focus({ preventScroll: true });
  from = null;
}

box.querySelector("button").addEventListener("click", () => { said.clear(); draw(); });
for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", place);
