// The queue of embeddings, watched while they converge.

import { complain } from "/page/message.js";
import { announce } from "/page/news.js";
import { swap } from "/page/renew.js";
import { ask, Fault } from "/page/talk.js";

const byId = (id) => document.getElementById(id);
const LAST = 1e9; // a rank behind all that wait

const waiting = ({ position }) => `waiting, ${position} before it`;

function said(one) {
  if (one.error) return [one.error, one.hint].filter(Boolean).join("; ");
  const running = ["running", "queued"].includes(one.state);
  const left = one.seconds_left == null || !running ? "" : `, ${Math.ceil(one.seconds_left)} s left`;
  const pace = one.ms_a_step == null ? "" : `, ${one.ms_a_step.toFixed(0)} ms a step`;
  const loss = one.loss == null ? "" : `, loss ${Math.round(one.loss).toLocaleString("en")}`;
  const tuning = one.state === "running" && one.step > one.of - one.tune ? "tuning" : one.state;
  const state = one.state === "queued" ? waiting(one) : tuning;
  return `${state}, step ${one.step} of ${one.of}${loss}${pace}${left}${one.note ? `; ${one.note}` : ""}`;
}

export class Queue {
  // `live` shows one that is watched.
  constructor(live) { [this.items, this.live] = [new Map(), live]; }

  // One that was asked for here is watched. It is in the list already where later news of it has come before.
  add(one) {
    this.live.watch(one.id);
    if (!this.items.has(one.id)) this.show(one);
  }

  // Those that are going to be on the shelf.
  names() {
    const coming = [...this.items.values()].filter((item) => ["queued", "running"].includes(item.dataset.state));
    return coming.map((item) => item.dataset.name);
  }

  // Anew: what has been dismissed since is no longer there, and what has failed is no news.
  async load() {
    const told = (await ask("/api/embeddings")).embeddings;
    this.items.forEach((item) => item.remove());
    this.items.clear();
    told.forEach((one) => this.show(one, false));
    this.count();
  }

  frame(id, blob) {
    const image = this.items.get(id)?.querySelector("img");
    if (!image) return;
    swap(image, blob);
    image.parentNode.hidden = false;
    this.live.frame(id, blob);
  }

  // `fresh` is what nobody has been told of yet.
  show(one, fresh = true) {
    if (one.state === "dismissed") { this.gone(one.id); return; }
    const item = this.items.get(one.id) || this.make(one);
    const running = ["running", "queued"].includes(one.state);
    item.querySelector(".said").textContent = `${one.name}: ${said(one)}`;
    const bar = item.querySelector("progress");
    [bar.max, bar.value] = [Math.max(1, one.of), one.step];
    this.curve(item.querySelector("polyline"), one.curve);
    const held = item.contains(document.activeElement) && document.activeElement;
    item.querySelector(".stop").hidden = one.state !== "running";
    item.querySelector(".cancel").hidden = !running;
    item.querySelector(".more").hidden = running || one.onward === "never";
    const onward = one.onward === "resume" ? "Go on" : "Start again";
    item.querySelector(".more").textContent = one.state === "finished" ? "100 steps more" : onward;
    item.querySelector(".dismiss").hidden = running;
    item.querySelector(".watch").disabled = one.state !== "running";
    for (const button of item.querySelectorAll("button")) button.setAttribute("aria-label", `${button.textContent || "Watch"}: ${one.name}`);
    item.toggleAttribute("data-ended", !running);
    if (fresh && item.dataset.state !== one.state) this.tell(one);
    [item.dataset.state, item.dataset.name] = [one.state, one.name];
    item.dataset.rank = one.state === "running" ? 0 : one.state === "queued" ? one.position : LAST - one.id;
    this.live.tell(one);
    this.place(item);
    this.count();
    if (held && held.hidden) item.querySelector(".row button:not([hidden])")?.focus({ preventScroll: true });
  }

  // A failure stays until it is closed.
  tell(one) {
    const words = { running: "being embedded", queued: waiting(one) };
    if (one.state === "failed") complain(new Fault(one.error || "it could not be embedded", one.hint), one.name);
    else announce(`${one.name}: ${words[one.state] || one.state}`);
  }

  // What runs stands first, then what waits in its order, then what has ended, the latest first.
  place(item) {
    const others = [...byId("embeddings").children].filter((one) => one !== item);
    const next = others.find((one) => Number(one.dataset.rank) > Number(item.dataset.rank)) || null;
    if (item.isConnected && item.nextElementSibling === next) return;
    const held = item.contains(document.activeElement) && document.activeElement;
    byId("embeddings").insertBefore(item, next);
    if (held) held.focus({ preventScroll: true });
  }

  // How many there are of which kind, in sight whichever of them are.
  count() {
    const kinds = { running: "running", queued: "waiting", failed: "failed", stopped: "stopped" };
    const of = (state) => [...this.items.values()].filter((item) => item.dataset.state === state).length;
    const counted = Object.keys(kinds).filter(of).map((state) => `${of(state)} ${kinds[state]}`);
    byId("queue").hidden = !this.items.size;
    byId("counted").textContent = this.items.size > 1 ? counted.join(", ") : "";
  }

  // One that is taken off the list, here or on another page: the focus goes to the next, or to the picture after the last.
  gone(id) {
    const item = this.items.get(id);
    if (!item) return;
    const held = item.contains(document.activeElement), near = item.nextElementSibling || item.previousElementSibling;
    item.remove();
    this.items.delete(id);
    this.count();
    if (!held) return;
    const next = near?.querySelector(".dismiss:not([hidden])") || near?.querySelector(".row button:not([hidden])") || byId("picture");
    next.focus({ preventScroll: true });
  }

  make(one) {
    const item = document.createElement("li");
    item.innerHTML = `<button type="button" class="watch" hidden><img alt="Watch"></button><p class="said"></p><div class="bar"><progress aria-label="Progress"></progress>
      <svg viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label="Loss"><polyline fill="none" stroke="currentColor"
      stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg></div><div class="row"><button type="button" class="stop">Stop</button>
      <button type="button" class="more"></button><button type="button" class="cancel">Cancel</button>
      <button type="button" class="dismiss">Dismiss</button></div>`;
    const act = (kind, path, method, body) => item.querySelector(kind).addEventListener("click", async () => {
      try { await ask(`/api/embeddings/${one.id}${path}`, method, body?.()); } catch (error) { complain(error); }
    });
    for (const kind of [".watch", ".more"]) item.querySelector(kind).addEventListener("click", () => this.live.watch(one.id));
    act(".stop", "/stop", "POST");
    act(".more", "/more", "POST", () => ({ steps: item.dataset.state === "finished" ? 100 : 0 }));
    act(".cancel", "", "DELETE");
    act(".dismiss", "/dismiss", "POST");
    this.items.set(one.id, item);
    return item;
  }

  curve(line, curve) {
    if (curve.length < 2) { line.setAttribute("points", ""); return; }
    const logs = curve.map(([step, loss]) => [step, Math.log(Math.max(loss, 1e-9))]);
    const steps = logs.map(([step]) => step), values = logs.map(([, value]) => value);
    const [low, high, first, last] = [Math.min(...values), Math.max(...values), Math.min(...steps), Math.max(...steps)];
    const x = (step) => (100 * (step - first)) / Math.max(1, last - first);
    const y = (value) => 29 - (28 * (value - low)) / Math.max(1e-9, high - low);
    line.setAttribute("points", logs.map(([step, value]) => `${x(step).toFixed(2)},${y(value).toFixed(2)}`).join(" "));
  }
}
