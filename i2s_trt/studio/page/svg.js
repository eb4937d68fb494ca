// What drawings that are dragged have in common.

export const SPACE = "http://www.w3.org/2000/svg";
export const FINGERS = matchMedia("(pointer: coarse)").matches; // which need more room than a mouse
export const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Where in a drawing's own units a pointer is.
export function pointAt(svg, event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  return [point.x, point.y];
}
