// A square with faces on it: where the cursor is, they are mixed, the nearer the more.

import { shared } from "/page/edit.js";
import { miss, nearest, shares } from "/page/mixing.js";
import { renew } from "/page/renew.js";
import { FINGERS, MOVES, pointAt, SPACE } from "/page/svg.js";

export const MOST = 8;
const SAME = 1e-4; // of what `miss` says: no share is off by more than a per cent
const JITTER = 3; // pixels that a click may move

export class FaceMap {
  // `moved` is called with a mix while the cursor moves, `settled` once it stands.
  constructor(svg, moved, settled) {
    [this.svg, this.moved, this.settled, this.pins, this.cursor, this.dirty] = [svg, moved, settled, [], [50, 50], false];
    [this.told, this.telling, this.first] = [null, false, null]; // the mix that is shown; whether somebody hears of the cursor just now
    svg.addEventListener("click", (event) => {
      if (event.target !== svg) return;
      this.move(null, ...pointAt(this.svg, event));
      this.settle();
    });
  }

  // The faces are shown in a circle; where they were stays.
  put(name, picture) {
    if (this.pins.some((pin) => pin.name === name)) return true;
    if (this.pins.length >= MOST) return false;
    const turn = (this.pins.length * 2.4) - Math.PI / 2; // the golden angle: a new one falls between the others
    this.pins.push({ name, picture, x: 50 + 40 * Math.cos(turn), y: 50 + 40 * Math.sin(turn) });
    this.draw();
    return true;
  }

  // Off the map, and whether it was there.
  take(name) {
    const at = this.pins.findIndex((pin) => pin.name === name);
    if (at < 0) return false;
    this.pins.splice(at, 1);
    this.draw();
    this.mix(1);
    return true;
  }

  // Only faces that are still on the shelf.
  keep(names) {
    if (this.pins.every((pin) => names.includes(pin.name))) return;
    this.pins = this.pins.filter((pin) => names.includes(pin.name));
    this.draw();
  }

  // The mix at the cursor. The face that the edit has started from stays the first, as long as anything of it is left.
  base() {
    const found = shares(this.pins, this.cursor);
    const all = this.pins.map((pin, index) => ({ name: pin.name, weight: Number(found[index].toFixed(4)) }));
    const parts = all.filter((part) => part.weight > 0), most = Math.max(...parts.map((part) => part.weight));
    const at = parts.findIndex((part) => part.name === this.first);
    parts.unshift(...parts.splice(at >= 0 ? at : parts.findIndex((part) => part.weight === most), 1));
    return { kind: "mix", parts };
  }

  // Where a mix lies that was made elsewhere, or of which a face has gone; null for what is none. The cursor stays if it
  // is there already. Not every mix has a place, but each has its label.
  show(parts) {
    if (this.telling) return; // it lies where it was just moved to
    this.told = parts;
    if (parts && parts.every((part) => this.pins.some((pin) => pin.name === part.name))) {
      const weight = (name) => parts.reduce((all, part) => all + (!name || part.name === name ? part.weight : 0), 0);
      const wanted = this.pins.map((pin) => weight(pin.name) / weight());
      if (miss(this.pins, wanted, this.cursor) > SAME) this.cursor = nearest(this.pins, wanted);
    }
    this.place();
  }

  move(pin, x, y) {
    const [across, down] = [x, y].map((one) => Math.min(100, Math.max(0, one)));
    if (pin) [pin.x, pin.y] = [across, down];
    else this.cursor = [across, down];
    [this.dirty, this.told] = [true, null];
    this.place();
    if (this.pins.length > 1) this.tell(this.moved);
  }

  tell(hearer) {
    this.telling = true;
    hearer(this.base());
    this.telling = false;
  }

  draw() {
    const handles = [...this.pins, null].map((pin) => this.handle(pin));
    renew(this.svg, handles);
    this.place();
  }

  handle(pin) {
    const group = document.createElementNS(SPACE, "g");
    if (pin) {
      const image = document.createElementNS(SPACE, "image");
      for (const [key, value] of Object.entries({ href: pin.picture, x: -8, y: -8, width: 16, height: 16 })) image.setAttribute(key, value);
      group.append(image);
    } else {
      const circle = document.createElementNS(SPACE, "circle");
      circle.setAttribute("r", FINGERS ? 6 : 4);
      group.append(circle);
    }
    group.dataset.key = pin ? pin.name : "";
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "button");
    let grab = null; // where, and how far from the middle of it
    group.addEventListener("pointerdown", (event) => {
      group.setPointerCapture(event.pointerId);
      const [x, y] = pointAt(this.svg, event), [ownX, ownY] = pin ? [pin.x, pin.y] : this.cursor;
      grab = { x: event.clientX, y: event.clientY, by: [ownX - x, ownY - y] };
    });
    group.addEventListener("pointermove", (event) => {
      if (!group.hasPointerCapture(event.pointerId)) return;
      if (!this.dirty && Math.hypot(event.clientX - grab.x, event.clientY - grab.y) < JITTER) return;
      const [x, y] = pointAt(this.svg, event);
      this.move(pin, x + grab.by[0], y + grab.by[1]);
    });
    group.addEventListener("pointerup", () => this.settle());
    group.addEventListener("keydown", (event) => this.key(event, pin));
    group.addEventListener("keyup", (event) => { if (MOVES[event.key]) this.settle(); });
    return group;
  }

  key(event, pin) {
    const by = MOVES[event.key], far = event.shiftKey ? 10 : 2;
    if (by) {
      const [x, y] = pin ? [pin.x, pin.y] : this.cursor;
      this.move(pin, x + far * by[0], y + far * by[1]);
    } else if (pin && ["Delete", "Backspace"].includes(event.key)) {
      this.take(pin.name);
    } else return;
    event.preventDefault();
  }

  // What lies at the cursor, whoever has come or gone.
  mix(least = 2) {
    [this.dirty, this.told] = [true, null];
    this.place();
    this.settle(least);
  }

  // Once something has moved: a mere click on a face mixes nothing, and a single face only where others have gone.
  settle(least = 2) {
    if (this.dirty && this.pins.length >= least) this.tell(this.settled);
    this.dirty = false;
  }

  place() {
    const said = shared(this.told || (this.pins.length ? this.base().parts : [])) || "nobody yet";
    [...this.svg.children].forEach((group, index) => {
      const pin = this.pins[index], [x, y] = pin ? [pin.x, pin.y] : this.cursor;
      group.setAttribute("transform", `translate(${x} ${y})`);
      group.setAttribute("aria-label", pin ? `${pin.name}; arrow keys move it, Delete takes it away` : `Mixture of ${said}; arrow keys move it`);
    });
  }
}
