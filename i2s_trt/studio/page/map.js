// A square with faces on it: where the cursor is, they are mixed, the nearer the more.

import { renew } from "/page/renew.js";
import { MOVES, pointAt, SPACE } from "/page/svg.js";

const AT = 1; // nearer to a face than this there is nothing but that face
export const MOST = 8;
const JITTER = 3; // pixels that a click may move

// Shares of faces at [x, y], which sum to 1: the inverse square of the distance.
export function shares(pins, [x, y]) {
  const far = pins.map((pin) => Math.hypot(pin.x - x, pin.y - y));
  const on = far.findIndex((one) => one < AT);
  if (on >= 0) return pins.map((_, index) => Number(index === on));
  const near = far.map((one) => 1 / one ** 2), sum = near.reduce((a, b) => a + b, 0);
  return near.map((one) => one / sum);
}

export class FaceMap {
  // `moved` is called with a mix while the cursor moves, `settled` once it stands.
  constructor(svg, moved, settled) {
    [this.svg, this.moved, this.settled, this.pins, this.cursor, this.dirty] = [svg, moved, settled, [], [50, 50], false];
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

  // Only faces that are still on the shelf.
  keep(names) {
    if (this.pins.every((pin) => names.includes(pin.name))) return;
    this.pins = this.pins.filter((pin) => names.includes(pin.name));
    this.draw();
  }

  base() {
    const found = shares(this.pins, this.cursor);
    const parts = this.pins.map((pin, index) => ({ name: pin.name, weight: Number(found[index].toFixed(4)) }));
    return { kind: "mix", parts: parts.filter((part) => part.weight > 0) };
  }

  // Where a mix that was made elsewhere lies, about.
  show(parts) {
    const sum = parts.reduce((all, part) => all + part.weight, 0);
    const own = parts.map((part) => [this.pins.find((pin) => pin.name === part.name), part.weight / sum]);
    if (own.some(([pin]) => !pin)) return;
    this.cursor = ["x", "y"].map((axis) => own.reduce((all, [pin, share]) => all + share * pin[axis], 0));
    this.draw();
  }

  move(pin, x, y) {
    const [across, down] = [x, y].map((one) => Math.min(100, Math.max(0, one)));
    if (pin) [pin.x, pin.y] = [across, down];
    else this.cursor = [across, down];
    this.dirty = true;
    this.place();
    if (this.pins.length > 1) this.moved(this.base());
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
      circle.setAttribute("r", 4);
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
      this.pins.splice(this.pins.indexOf(pin), 1);
      this.draw();
      this.mix();
    } else return;
    event.preventDefault();
  }

  // What lies at the cursor, whoever has come or gone.
  mix() {
    this.dirty = true;
    this.settle();
  }

  // Once something has moved: a mere click on a face mixes nothing.
  settle() {
    if (this.dirty && this.pins.length > 1) this.settled(this.base());
    this.dirty = false;
  }

  place() {
    const said = this.pins.length ? this.base().parts.map((part) => `${part.name} ${Math.round(100 * part.weight)} %`).join(", ") : "nobody yet";
    [...this.svg.children].forEach((group, index) => {
      const pin = this.pins[index], [x, y] = pin ? [pin.x, pin.y] : this.cursor;
      group.setAttribute("transform", `translate(${x} ${y})`);
      group.setAttribute("aria-label", pin ? `${pin.name}; arrow keys move it, Delete takes it away` : `Mixture of ${said}; arrow keys move it`);
    });
  }
}
