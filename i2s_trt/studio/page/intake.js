// Photographs on their way into the queue: taken in and cut.

import { ask, Fault, upload } from "/page/talk.js";
import { open } from "/page/message.js";
import { fold } from "/page/names.js";
import { Quad } from "/page/quad.js";
import { work } from "/page/work.js";

const byId = (id) => document.getElementById(id);
const AT_ONCE = 20; // as many as wait in the queue
// What says that it is something else is not sent; the server looks at the rest, as at a file without a type.
const isPicture = ({ type }) => !type || type.startsWith("image/");
const clean = (file) => fold(file.replace(/\.[^.]*$/, "")) || "photograph";

export class Intake {
  // `queued` is called with an embedding that was asked for, and `free` gives a name like one that nobody has.
  constructor(queued, free, complain) {
    [this.queued, this.free, this.complain] = [queued, free, complain];
    this.quad = new Quad(byId("quad"));
    [this.arrived, this.shown] = [[], null];
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
    byId("name").value = this.free(clean(name));
    byId("cut-title").textContent = faces.length ? "Is this the face?" : "No face was found: what is to be embedded?";
    byId("photo").parentNode.style.setProperty("--aspect", width / height);
    byId("cut").returnValue = "";
    open(byId("cut"));
    this.quad.show(width, height, faces.length ? faces[0].quad : middle);
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
      this.queued(await ask("/api/embeddings", "POST", wanted));
    } catch (error) { this.complain(error, wanted.name); }
  }
}
