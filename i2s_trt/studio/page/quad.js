// The square that is cut out of a photograph: dragged as a whole or by its corners, with the arrow keys too.

import { FINGERS, MOVES, pointAt, SPACE } from "/page/svg.js";

const NAMES = ["top left", "bottom left", "bottom right", "top right"];
const SMALLEST = 8; // pixels of the diagonal
const RADIUS = FINGERS ? 18 : 12; // of a corner, in pixels of the screen

export class Quad {
  constructor(svg) {
    [this.svg, this.corners, this.size] = [svg, [], [1, 1]];
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  show(width, height, corners) {
    this.corners = corners.map((corner) => [...corner]);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.size = [width, height];
    this.step = Math.max(1, Math.round(Math.max(width, height) / 200));
    this.svg.replaceChildren(this.outline(), ...this.corners.map((_, index) => this.handle(index)));
    this.draw();
  }

  outline() {
    const polygon = document.createElementNS(SPACE, "polygon");
    let last = null;
    polygon.addEventListener("pointerdown", (event) => { polygon.setPointerCapture(event.pointerId); last = pointAt(this.svg, event); });
    polygon.addEventListener("pointermove", (event) => {
      if (!polygon.hasPointerCapture(event.pointerId)) return;
      const now = pointAt(this.svg, event);
      this.shift(now[0] - last[0], now[1] - last[1]);
      last = now;
    });
    return this.steered(polygon, "The whole square", (dx, dy) => this.shift(dx, dy));
  }

  handle(index) {
    const circle = document.createElementNS(SPACE, "circle");
    circle.addEventListener("pointerdown", (event) => circle.setPointerCapture(event.pointerId));
    circle.addEventListener("pointermove", (event) => {
      if (circle.hasPointerCapture(event.pointerId)) this.move(index, pointAt(this.svg, event));
    });
    return this.steered(circle, `Corner ${NAMES[index]}`, (dx, dy) => this.move(index, [this.corners[index][0] + dx, this.corners[index][1] + dy]));
  }

  // Something that the arrow keys move, farther with Shift. It says where it is; screen readers hand the keys to sliders alone.
  steered(shape, label, by) {
    const told = { tabindex: 0, role: "slider", "aria-label": label, "aria-roledescription": "handle, moved by the arrow keys", "aria-valuemin": 0 };
    for (const [key, value] of Object.entries(told)) shape.setAttribute(key, value);
    shape.addEventListener("keydown", (event) => {
      const way = MOVES[event.key], far = this.step * (event.shiftKey ? 10 : 1);
      if (!way) return;
      event.preventDefault();
      by(way[0] * far, way[1] * far);
    });
    return shape;
  }

  // The opposite corner stays where it is, and the others follow: it is a square that is cut out.
  move(index, [x, y]) {
    const before = this.corners[index], opposite = this.corners[(index + 2) % 4];
    // not farther out than it is, nor than the photograph reaches
    const corner = [x, y].map((one, axis) => Math.min(Math.max(this.size[axis], before[axis]), Math.max(Math.min(0, before[axis]), one)));
    if (Math.hypot(corner[0] - opposite[0], corner[1] - opposite[1]) < SMALLEST) return;
    const middle = this.middle(corner, opposite), [dx, dy] = [corner[0] - middle[0], corner[1] - middle[1]];
    this.corners[index] = corner;
    this.corners[(index + 1) % 4] = [middle[0] + dy, middle[1] - dx];
    this.corners[(index + 3) % 4] = [middle[0] - dy, middle[1] + dx];
    this.draw();
  }

  // The whole square by so much, as long as its middle stays within the photograph.
  shift(dx, dy) {
    const moved = this.corners.map(([x, y]) => [x + dx, y + dy]), middle = this.middle(moved[0], moved[2]);
    if (middle.some((one, axis) => one < 0 || one > this.size[axis])) return;
    this.corners = moved;
    this.draw();
  }

  middle(one, other) { return [0, 1].map((axis) => (one[axis] + other[axis]) / 2); }

  draw() {
    const [outline, ...handles] = this.svg.children;
    if (!outline) return;
    const zoom = this.svg.clientWidth / this.size[0] || 1; // pixels of the screen for one of the photograph
    const [top, low] = [this.corners[0], this.corners[1]], side = Math.round(Math.hypot(top[0] - low[0], top[1] - low[1]));
    outline.setAttribute("points", this.corners.map((corner) => corner.join(",")).join(" "));
    this.say(outline, this.middle(this.corners[0], this.corners[2]), `middle at %, ${side} pixels a side`);
    handles.forEach((handle, index) => {
      const [x, y] = this.corners[index];
      for (const [key, value] of Object.entries({ cx: x, cy: y, r: RADIUS / zoom, "stroke-width": RADIUS / zoom / 4 })) handle.setAttribute(key, value);
      this.say(handle, [x, y], "at %");
    });
  }

  say(shape, [x, y], text) {
    const [across, down] = [Math.round(x), Math.round(y)], [width, height] = this.size;
    shape.setAttribute("aria-valuemin", Math.min(0, across));
    shape.setAttribute("aria-valuemax", Math.max(width, across));
    shape.setAttribute("aria-valuenow", across);
    shape.setAttribute("aria-valuetext", text.replace("%", `${across} across and ${down} down of ${width} by ${height}`));
  }
}
