// The corners of what is cut out of a photograph: dragged, or moved by the arrow keys.

const NAMES = ["top left", "bottom left", "bottom right", "top right"];
const SPACE = "http://www.w3.org/2000/svg";

export class Quad {
  constructor(svg) { this.svg = svg; this.corners = []; }

  show(width, height, corners) {
    this.corners = corners.map((corner) => [...corner]);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(document.createElementNS(SPACE, "polygon"));
    this.step = Math.max(1, Math.round(Math.max(width, height) / 200));
    this.corners.forEach((_, index) => this.svg.append(this.handle(index, Math.max(width, height) / 45)));
    this.draw();
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
      if (circle.hasPointerCapture(event.pointerId)) this.move(index, this.place(event));
    });
    circle.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const by = moves[event.key];
      if (!by) return;
      event.preventDefault();
      const far = this.step * (event.shiftKey ? 10 : 1), [x, y] = this.corners[index];
      this.move(index, [x + by[0] * far, y + by[1] * far]);
    });
    return circle;
  }

  place(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [point.x, point.y];
  }

  move(index, corner) { this.corners[index] = corner; this.draw(); }

  draw() {
    const [outline, ...handles] = this.svg.children;
    outline.setAttribute("points", this.corners.map((corner) => corner.join(",")).join(" "));
    handles.forEach((handle, index) => {
      handle.setAttribute("cx", this.corners[index][0]);
      handle.setAttribute("cy", this.corners[index][1]);
    });
  }
}
