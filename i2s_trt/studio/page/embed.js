// Photographs on their way into the latent space: taken in, cut, queued, and watched.

import { ask, Fault, upload } from "/page/talk.js";
import { open } from "/page/message.js";
import { Quad } from "/page/quad.js";
import { swap } from "/page/renew.js";
import { work } from "/page/work.js";

const byId = (id) => document.getElementById(id);
const AT_ONCE = 20; // as many as wait in the queue
// What says that it is something else is not sent; the server looks at the rest, as at a file without a type.
const isPicture = ({ type }) => !type || type.startsWith("image/");
const clean = (text) => (text.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "") || "photograph").slice(0, 60);

export class Embeddings {
  constructor(complain) {
    this.complain = complain;
    this.quad = new Quad(byId("quad"));
    [this.items, this.arrived, this.shown] = [new Map(), [], null];
    this.bindDrop();
    this.bindCamera();
    byId("cut").addEventListener("close", () => this.closed());
  }

  bindDrop() {
    const drop = byId("drop"), file = byId("file");
    file.addEventListener("change", () => { this.takeAll(file.files); file.value = ""; });
    for (const kind of ["dragenter", "dragover"]) {
      document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
    }
    for (const kind of ["dragleave", "drop"]) document.addEventListener(kind, () => drop.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) this.takeAll(event.dataTransfer.files);
      else this.complain(new Fault("what was dropped is no file", "save the picture, and drop the file"));
    });
    document.addEventListener("paste", (event) => this.takeAll(event.clipboardData.files, () => "pasted"));
  }

  bindCamera() {
    const shot = byId("shot"), video = byId("video"), button = byId("camera");
    video.addEventListener("resize", () => { byId("take").disabled = !video.videoWidth; });
    button.hidden = !navigator.mediaDevices?.getUserMedia;
    button.addEventListener("click", async () => {
      try {
        video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
        [shot.returnValue, byId("take").disabled] = ["", !video.videoWidth];
        open(shot);
      } catch (error) { this.complain(new Error("there is no camera to be had")); }
    });
    shot.addEventListener("close", () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      if (shot.returnValue === "take") {
        canvas.getContext("2d").drawImage(video, 0, 0);
        canvas.toBlob((blob) => this.take(blob, "camera"), "image/jpeg", 0.95);
      }
      video.srcObject?.getTracks().forEach((track) => track.stop());
      video.srcObject = null;
    });
  }

  // Each goes its own way: one that is refused holds up no other. Those that are left out are named.
  takeAll(files, named = (file) => file.name) {
    const pictures = [...files].filter(isPicture), others = [...files].filter((file) => !isPicture(file));
    const names = (left) => left.map((file) => file.name).join(", ");
    if (others.length) this.complain(new Fault("left out: no picture", "give JPEG, PNG, WebP, BMP, TIFF or GIF"), names(others));
    const late = pictures.splice(AT_ONCE);
    if (late.length) this.complain(new Fault(`left out: more than ${AT_ONCE} at once`, "give these once the others are cut"), names(late));
    for (const file of pictures) this.take(file, named(file));
  }

  async take(file, name) {
    try {
      const photograph = await work(`Sending ${name}`, (own) => upload(file, name, own));
      if (photograph) this.arrived.push({ photograph, name });
    } catch (error) { this.complain(error, name); }
    this.next();
  }

  // One that the studio has already.
  again(photograph, name) {
    this.arrived.push({ photograph, name });
    this.next();
  }

  // The next photograph is asked about, once nothing is asked of another.
  next() {
    if (byId("cut").open || !this.arrived.length) return;
    const { photograph, name } = this.arrived.shift();
    this.shown = photograph;
    const { width, height, picture, faces } = photograph;
    const side = Math.min(width, height), left = (width - side) / 2, top = (height - side) / 2;
    const middle = [[left, top], [left, top + side], [left + side, top + side], [left + side, top]];
    byId("photo").src = picture;
    byId("name").value = clean(name);
    byId("cut-title").textContent = faces.length ? "Is this the face?" : "No face was found: what is to be embedded?";
    this.quad.show(width, height, faces.length ? faces[0].quad : middle);
    byId("cut").returnValue = "";
    open(byId("cut"));
  }

  async closed() {
    const photograph = this.shown;
    queueMicrotask(() => this.next());
    if (byId("cut").returnValue !== "embed") return;
    const wanted = {
      photograph: photograph.id, name: byId("name").value, quad: this.quad.corners,
      steps: Number(byId("steps").value), schedule: byId("schedule").value, tune: Number(byId("tune").value),
    };
    try {
      const one = await ask("/api/embeddings", "POST", wanted);
      if (!this.items.has(one.id)) this.show(one); // otherwise later news of it has come before
    } catch (error) { this.complain(error, wanted.name); }
  }

  // Anew: what has been dismissed since is no longer there.
  async load() {
    const told = (await ask("/api/embeddings")).embeddings;
    this.items.forEach((item) => item.remove());
    this.items.clear();
    byId("queue").hidden = true;
    told.forEach((one) => this.show(one));
  }

  frame(id, blob) {
    const image = this.items.get(id)?.querySelector("img");
    if (!image) return;
    swap(image, blob);
    image.hidden = false;
  }

  show(one) {
    if (one.state === "dismissed") { this.gone(one.id); return; }
    byId("queue").hidden = false;
    const item = this.items.get(one.id) || this.make(one);
    const running = ["running", "queued"].includes(one.state);
    const left = one.seconds_left == null || !running ? "" : `, ${Math.ceil(one.seconds_left)} s left`;
    const pace = one.ms_a_step == null ? "" : `, ${one.ms_a_step.toFixed(0)} ms a step`;
    const loss = one.loss == null ? "" : `, loss ${Math.round(one.loss).toLocaleString("en")}`;
    const tuning = one.state === "running" && one.step > one.of - one.tune ? "tuning" : one.state;
    const state = one.state === "queued" ? `waiting, ${one.position} before it` : tuning;
    item.querySelector(".said").textContent = one.error
      ? `${one.name}: ${[one.error, one.hint].filter(Boolean).join("; ")}` : `${one.name}: ${state}, step ${one.step} of ${one.of}${loss}${pace}${left}${one.note ? `; ${one.note}` : ""}`;
    const bar = item.querySelector("progress");
    [bar.max, bar.value] = [Math.max(1, one.of), one.step];
    this.curve(item.querySelector("polyline"), one.curve);
    const held = item.contains(document.activeElement) && document.activeElement;
    item.querySelector(".stop").hidden = one.state !== "running";
    item.querySelector(".cancel").hidden = !running;
    item.querySelector(".more").hidden = running || one.onward === "never";
    item.querySelector(".more").textContent = one.state === "finished" ? "100 steps more" : one.onward === "resume" ? "Go on" : "Start again";
    item.querySelector(".dismiss").hidden = running;
    for (const button of item.querySelectorAll("button")) button.setAttribute("aria-label", `${button.textContent}: ${one.name}`);
    item.toggleAttribute("data-ended", !running);
    if (item.dataset.state !== one.state && one.state !== "queued") {
      byId("news").textContent = `${one.name}: ${one.state === "running" ? "being embedded" : one.state}`;
    }
    item.dataset.state = one.state;
    if (held && held.hidden) item.querySelector("button:not([hidden])")?.focus({ preventScroll: true });
  }

  // One that is taken off the list, here or on another page: the focus goes to the next, or to the picture after the last.
  gone(id) {
    const item = this.items.get(id);
    if (!item) return;
    const held = item.contains(document.activeElement), near = item.nextElementSibling || item.previousElementSibling;
    item.remove();
    this.items.delete(id);
    byId("queue").hidden = !this.items.size;
    if (!held) return;
    const next = near?.querySelector(".dismiss:not([hidden])") || near?.querySelector("button:not([hidden])") || byId("picture");
    next.focus({ preventScroll: true });
  }

  make(one) {
    const item = document.createElement("li");
    item.innerHTML = `<img alt="" hidden><p class="said"></p><div class="bar"><progress aria-label="Progress"></progress>
      <svg viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label="Loss"><polyline fill="none" stroke="currentColor"
      stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg></div><div class="row"><button type="button" class="stop">Stop</button>
      <button type="button" class="more"></button><button type="button" class="cancel">Cancel</button>
      <button type="button" class="dismiss">Dismiss</button></div>`;
    const act = (kind, path, method, body) => item.querySelector(kind).addEventListener("click", async () => {
      try { await ask(`/api/embeddings/${one.id}${path}`, method, body?.()); } catch (error) { this.complain(error); }
    });
    act(".stop", "/stop", "POST");
    act(".more", "/more", "POST", () => ({ steps: item.dataset.state === "finished" ? 100 : 0 }));
    act(".cancel", "", "DELETE");
    act(".dismiss", "/dismiss", "POST");
    byId("embeddings").prepend(item);
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
