// The studio's page: one edit, its controls, and what the server makes of it.

import { ask, Line } from "/page/talk.js";
import { baseOf, Controls } from "/page/controls.js";
import { caption, chance, onShelf as fitted, plain, sample } from "/page/edit.js";
import { bindExports } from "/page/exports.js";
import { History } from "/page/history.js";
import { Intake } from "/page/intake.js";
import { Live } from "/page/live.js";
import { FaceMap, MOST } from "/page/map.js";
import { complain, passed } from "/page/message.js";
import { fold, free } from "/page/names.js";
import { Photographs } from "/page/photographs.js";
import { Queue } from "/page/queue.js";
import { swap } from "/page/renew.js";
import { drawShelf, press } from "/page/shelf.js";
import { Walk } from "/page/walk.js";
import { progressed } from "/page/work.js";

const byId = (id) => document.getElementById(id);
let model, latents = [], edit = null, settling = null;
const walk = new Walk(() => edit, () => { live.leave(); walk.fill(edit); show(); }, () => { fill(); settle(); });
const map = new FaceMap(byId("map"), mix, (found) => { mix(found); settle("", "map"); });
map.draw();
const controls = new Controls(map, walk);
const live = new Live(async (name) => {
  await refresh();
  const one = latents.find((latent) => latent.name === name);
  if (one) choose(one);
});
const queue = new Queue(live);
const intake = new Intake((one) => queue.add(one), (name) => free(name, [...names(), ...queue.names()]), complain);
const photographs = new Photographs((photograph, name) => intake.again(photograph, name), complain);
const possible = (one) => JSON.stringify(onShelf(one)) === JSON.stringify(one);
const history = new History(revisit, possible, () => { walk.halt(); flush(); }, complain);
const line = new Line({
  connected,
  locked: (fault) => { byId("connection").textContent = "locked out"; complain(fault); },
  preview: (id, blob) => { swap(byId("after"), blob); byId("after").onload = () => drawn(id); },
  embedding: (id, blob) => queue.frame(id, blob),
  text: (said) => {
    if (said.type === "embedding") queue.show(said.embedding);
    if (said.type === "export") progressed(said);
    if (said.type === "shelf") refresh();
    if (["shelf", "photographs"].includes(said.type) && byId("kept").open) photographs.load();
    if (said.type === "error") refused(said);
  },
});

function revisit(shown) {
  walk.halt();
  live.leave();
  edit = structuredClone(shown);
  fill();
  show();
}

// What was said before of another model is no longer so, nor are its faces and rows there: the page begins anew.
async function sameModel() {
  if (model && (await ask("/api/model")).digest !== model.digest) location.reload();
}

function connected(up) {
  byId("connection").textContent = up ? "connected" : "no connection; trying again";
  byId("connection").toggleAttribute("data-down", !up);
  if (!up) return;
  passed();
  sameModel().catch(complain);
  refresh();
  queue.load().catch(complain);
}

// Says to who cannot see it, and to who waits, whether the picture is that of the latest edit.
function drawn(id) { if (line.isLatest(id)) byId("after").setAttribute("aria-busy", "false"); }
function draw() {
  byId("after").setAttribute("aria-busy", "true");
  byId("repeated").hidden = true; // it was of another edit
  byId("caption").textContent = caption(edit, latents);
  line.preview(edit);
}

const base = () => baseOf(edit);
const onShelf = (one) => fitted(one, names());

// Look at the shelf again; whether the edit could stay as it is.
async function look() {
  if (!model) return true; // the page has just begun, and will look by itself
  latents = (await ask("/api/shelf")).latents;
  shelve();
  options();
  history.draw();
  if (!edit || possible(edit)) return true;
  walk.halt();
  edit = onShelf(edit);
  fill();
  settle("without what was deleted");
  return false;
}

async function refresh() {
  try { if ((await look()) && edit) show(); } catch (error) { complain(error); }
}

// A picture cannot be drawn: no matter if another is asked for since, or if a face of it has just been deleted.
async function refused(said) {
  try {
    if (said.id != null && (!line.isLatest(said.id) || !(await look()))) return;
    complain({ message: said.error, hint: said.hint });
    drawn(said.id);
  } catch (error) { complain(error); }
}

const shelve = () => drawShelf(latents, edit && base(), choose, away);
function choose({ name }) { walk.halt(); edit = plain(name); fill(); settle(); }
async function away({ name }) {
  await photographs.load();
  const too = photographs.aloneOf(name) ? ", and its photograph" : "";
  if (!confirm(`Delete ${name}? Its latent file is deleted from the disk${too}.`)) return;
  try { await ask(`/api/shelf/${name}`, "DELETE"); refresh(); } catch (error) { complain(error); }
}

const names = () => latents.map((one) => one.name);
const options = () => controls.options(names(), model.directions);
const read = () => controls.read(edit);
const fill = () => controls.fill(edit, names());

function show() {
  draw();
  controls.say(edit, latents);
  const own = latents.find((one) => one.name === base());
  document.querySelector("[data-export=pasted]").disabled = !own?.target;
  byId("before").hidden = !own;
  byId("reset").disabled = !own;
  if (own && byId("before").getAttribute("src") !== (own.target || own.picture)) byId("before").src = own.target || own.picture;
  press(base());
}

// One node for what is done to one control in one go, however many keys it takes.
function settle(label = "", control = "") {
  byId("done").textContent = "";
  live.leave();
  show();
  if (settling && settling.control !== control) flush();
  if (settling) clearTimeout(settling.timer); else history.busy(1);
  settling = { control, label, edit: structuredClone(edit), timer: setTimeout(flush, control ? 600 : 0) };
}

function flush() {
  if (!settling) return;
  clearTimeout(settling.timer);
  const { edit: settled, label } = settling;
  settling = null;
  history.add(settled, label);
  history.busy(-1);
}

const STEERING = ["far", "towards", "strength", "neutral", "smiling", "direction", "style", "psi", "along", "wander", "walk-to"];
for (const id of STEERING) {
  byId(id).addEventListener("input", () => {
    const { value } = byId(id);
    walk.halt();
    live.leave();
    byId(id).value = value;
    if (["far", "towards"].includes(id)) controls.held = null;
    read();
    show();
  });
  byId(id).addEventListener("change", () => { read(); settle("", id); });
}
function mix(found) {
  walk.halt();
  live.leave();
  controls.held = found;
  if (edit.base.kind === "random") edit = plain(found.parts[0].name);
  read();
  show();
}
byId("pin-it").addEventListener("click", () => {
  const one = latents.find((latent) => latent.name === byId("pin").value);
  if (one && map.put(one.name, one.picture)) map.mix();
  else complain(new Error(one ? `${MOST} faces at most lie on the map: take one off` : "choose a face first"));
});
byId("unpin").addEventListener("click", () => { if (!map.take(byId("pin").value)) complain(new Error("choose a face that lies on the map")); });

byId("wipe").addEventListener("input", () => byId("before").style.setProperty("--cut", `${byId("wipe").value}%`));
byId("reset").addEventListener("click", () => { walk.halt(); const name = base(); if (name) { edit = plain(name); fill(); settle(`reset ${name}`); } });

function rowsOf(test) {
  walk.halt();
  const pressed = [...byId("rows").children].map((_, index) => test(index));
  if (pressed.includes(true) && !byId("style").value) { complain(new Error("nobody gives the style yet: choose whose it is")); return; }
  [...byId("rows").children].forEach((one, index) => one.setAttribute("aria-pressed", String(pressed[index])));
  read();
  settle();
}
byId("half").addEventListener("click", () => rowsOf((row) => row >= model.crossover));
byId("colours").addEventListener("click", () => rowsOf((row) => row >= model.layers - 2));
byId("none").addEventListener("click", () => rowsOf(() => false));

byId("random").addEventListener("click", () => {
  walk.halt();
  edit = sample(chance());
  fill();
  settle();
});

byId("save").addEventListener("click", async () => {
  const given = prompt("A name for it: letters, digits, - and _", free(`${base() || "sample"}-edited`, names()))?.trim();
  if (!given) return;
  const folded = fold(given), name = free(folded, names());
  if (!folded) { complain(new Error(`${given} cannot name a latent: use letters a to z, digits, - and _`)); return; }
  try {
    await ask("/api/save", "POST", { edit, name });
    const why = name !== folded ? `, for ${folded} is taken` : name !== given ? `, as ${given} is written in the name of a file` : "";
    byId("done").textContent = `On the shelf as ${name}${why}.`;
  } catch (error) { complain(error); }
});

// On the map lie at first those in the picture, the one before all that it starts from, and some more.
function layOut(inOrder) {
  const mixed = edit.base.kind === "mix" ? edit.base.parts.map((part) => part.name) : [base()];
  const others = inOrder.filter((one) => !mixed.includes(one.name));
  const shown = mixed.map((name) => latents.find((one) => one.name === name)).filter(Boolean);
  [...shown, ...others].slice(0, Math.max(4, shown.length)).forEach((one) => map.put(one.name, one.picture));
}

bindExports(() => { walk.halt(); return edit; }, complain);
async function start() {
  if (location.search) window.history.replaceState(null, "", "/");
  model = await ask("/api/model");
  byId("model").textContent = `${model.name}, ${model.width}x${model.height}, ${model.layers} layers, rendered by ${model.engine} on ${model.device}`;
  byId("rows").replaceChildren(...Array.from({ length: model.layers }, (_, row) => {
    const button = document.createElement("button");
    [button.type, button.textContent] = ["button", String(row)];
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", `row ${row}`);
    button.addEventListener("click", () => rowsOf((other) => (byId("rows").children[other].getAttribute("aria-pressed") === "true") !== (other === row)));
    return button;
  }));
  latents = (await ask("/api/shelf")).latents;
  options();
  const inOrder = latents.toSorted((one, other) => one.made - other.made), [first, second] = inOrder; // photographs first
  const named = (name, other) => (latents.some((one) => one.name === name) ? name : other?.name || "");
  if (second) [byId("towards").value, byId("neutral").value, byId("smiling").value] = [second.name, named("calm", first), named("glad", second)];
  const before = await history.load();
  // a copy, for the history's own must stay as it was; and somebody may have chosen a face meanwhile
  edit ??= before ? onShelf(before) : first ? plain(first.name) : sample(0);
  layOut(inOrder);
  fill();
  read();
  shelve();
  settle("start");
}
start().catch(complain);
