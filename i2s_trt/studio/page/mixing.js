// Faces on a square of 100 by 100, and what a point between them mixes.

const AT = 1; // nearer to a face than this there is nothing but that face
const COARSE = 2.5, FINE = 0.01; // steps of the search for a point

// Shares of faces at [x, y], which sum to 1: the inverse square of the distance.
export function shares(pins, [x, y]) {
  const far = pins.map((pin) => Math.hypot(pin.x - x, pin.y - y));
  const on = far.findIndex((one) => one < AT);
  if (on >= 0) return pins.map((_, index) => Number(index === on));
  const near = far.map((one) => 1 / one ** 2), sum = near.reduce((a, b) => a + b, 0);
  return near.map((one) => one / sum);
}

// How far what a point mixes is from the shares that are wanted.
export const miss = (pins, wanted, point) => shares(pins, point).reduce((all, share, index) => all + (share - wanted[index]) ** 2, 0);

// The point whose shares come nearest to those that are wanted.
export function nearest(pins, wanted) {
  const cost = (point) => miss(pins, wanted, point), better = (one, other) => (cost(other) < cost(one) ? other : one);
  const steps = Array.from({ length: 100 / COARSE + 1 }, (_, step) => step * COARSE);
  let best = [...pins.map((pin) => [pin.x, pin.y]), ...steps.flatMap((x) => steps.map((y) => [x, y]))].reduce(better);
  for (let step = COARSE; step > FINE; step /= 2) {
    for (let before = null; before !== best;) {
      before = best;
      const around = [-step, 0, step].flatMap((dx) => [-step, 0, step].map((dy) => [before[0] + dx, before[1] + dy]));
      best = around.map((point) => point.map((one) => Math.min(100, Math.max(0, one)))).reduce(better, best);
    }
  }
  return best;
}
