// The square that is cut out of a photograph: dragged as a whole or by its corners, which the arrow keys move as well.

import { FINGERS, MOVES, pointAt, SPACE } from "/page/svg.js";

const NAMES = ["top left", "bottom left", "bottom right", "top right"];
const SMALLEST = 8; // pixels of the diagonal

export class Quad {
  constructor(svg) { this.svg = svg; this.corners = []; }

  show(width, height, corners) {
    this.corners = corners.map((corner) => [...corner]);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.size = [width, height];
    this.svg.replaceChildren(this.outline());
    this.step = Math.max(1, Math.round(Math.max(width, height) / 200));
    this.corners.forEach((_, index) => this.svg.append(this.handle(index, Math.max(width, height) / (FINGERS ? 22 : 45))));
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
    return polygon;
  }

  handle(index, size) {
    const circle = document.createElementNS(SPACE, "circle");
    circle.setAttribute("r", size);
    circle.setAttribute("stroke-width", size / 4);
    circle.setAttribute("tabindex", "0");
    circle.setAttribute("role", "button");
    circle.setAttribute("aria-label", `Corner ${NAMES[index]}; arrow keys move it`);
    circle.addEventListener("pointerdown", (event) => circle.setPointerCapture(event.pointerId));
    circle.addEventListener("pointermove", (event) => {
      if (circle.hasPointerCapture(event.pointerId)) this.move(index, pointAt(this.svg, event));
    });
    circle.addEventListener("keydown", (event) => {
      const by = MOVES[event.key];
      if (!by) return;
      event.preventDefault();
      const far = this.step * (event.shiftKey ? 10 : 1), [x, y] = this.corners[index];
      this.move(index, [x + by[0] * far, y + by[1] * far]);
    });
    return circle;
  }

  // The opposite corner stays where it is, and the others follow: it is a square that is cut out.
  move(index, [x, y]) {
    const before = this.corners[index], opposite = this.corners[(index + 2) % 4];
    // not farther out than it is, nor than the photograph reaches
    const corner = [x, y].map((one, axis) => Math.min(Math.max(this.size[axis], before[axis]), Math.max(Math.min(0, before[axis]), one)));
    if (Math.hypot(corner[0] - opposite[0], corner[1] - opposite[1]) < SMALLEST) return;
    const middle = [0, 1].map((axis) => (corner[axis] + opposite[axis]) / 2), [dx, dy] = [corner[0] - middle[0], corner[1] - middle[1]];
    this.corners[index] = corner;
    this.corners[(index + 1) % 4] = [middle[0] + dy, middle[1] - dx];
    this.corners[(index + 3) % 4] = [middle[0] - dy, middle[1] + dx];
    this.draw();
  }

  // The whole square by so much, as long as its middle stays within the photograph.
  shift(dx, dy) {
    const moved = this.corners.map(([x, y]) => [x + dx, y + dy]), middle = [0, 1].map((axis) => (moved[0][axis] + moved[2][axis]) / 2);
    if (middle.some((one, axis) => one < 0 || one > this.size[axis])) return;
    this.corners = moved;
    this.draw();
  }

  draw() {
    const [outline, ...handles] = this.svg.children;
    outline.setAttribute("points", this.corners.map((corner) => corner.join(",")).join(" "));
    handles.forEach((handle, index) => {
      handle.setAttribute("cx", this.corners[index][0]);
      handle.setAttribute("cy", this.corners[index][1]);
    });
  }
}
