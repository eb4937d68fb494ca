// A random walk: from what the edit starts from it strays to a sample of the model, from there to the next, and so on; or to the
// mean face and back. Each place on it is an edit that a recipe repeats.

import { chance } from "/page/edit.js";

const byId = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");
const WAY = 6000; // milliseconds from one sample to the next
const PACE = 60, STEPS = 1000; // milliseconds between places; the latter where no motion is wanted

export class Walk {
  // `current` gives the edit, `shown` shows it, `ended` keeps it.
  constructor(current, shown, ended) {
    [this.current, this.shown, this.ended, this.going] = [current, shown, ended, 0];
    byId("walk").addEventListener("click", () => { if (this.going) this.halt(); else this.start(); });
  }

  // The controls as the edit has them.
  fill({ walk }) {
    byId("along").value = walk ? Math.round(100 * walk.position) : 0;
    if (!walk) return;
    byId("wander").value = Math.round(100 * walk.wander);
    byId("walk-to").value = walk.to == null ? "mean" : "";
  }

  // The walk as the controls have it; null where it has not begun. One that leads elsewhere is another.
  read({ walk }) {
    const position = Number(byId("along").value) / 100, wander = Number(byId("wander").value) / 100, mean = byId("walk-to").value === "mean";
    if (!position) return null;
    if (!walk || mean !== (walk.to == null)) return { ...this.way(), position };
    return { ...walk, position: Math.round(100 * walk.position) === Number(byId("along").value) ? walk.position : position, wander };
  }

  // A new way, from its beginning.
  way() {
    return { to: byId("walk-to").value === "mean" ? null : chance(), position: 0, wander: Number(byId("wander").value) / 100, seed: chance() };
  }

  said() {
    byId("along-shown").textContent = `${byId("along").value} %`;
    byId("wander-shown").textContent = `${byId("wander").value} %`;
  }

  start() {
    const own = this.going = performance.now(), pace = still.matches ? STEPS : PACE;
    byId("walk").setAttribute("aria-pressed", "true");
    let last = own, back = false;
    const step = () => {
      if (this.going !== own) return;
      const edit = this.current(), now = performance.now(), walk = edit.walk || this.way();
      let position = walk.position + ((back ? -1 : 1) * (now - last)) / WAY;
      last = now;
      if (position >= 1 && walk.to != null) {
        edit.base = { kind: "random", seed: walk.to, truncation: null };
        edit.walk = { ...this.way(), position: position - 1 };
      } else {
        if (position >= 1 || position <= 0) {
          [back, walk.seed] = [position >= 1, chance()]; // where it turns all ways meet
          position = Math.min(1, Math.max(0, position));
        }
        edit.walk = { ...walk, position };
      }
      this.shown();
      setTimeout(step, pace);
    };
    step();
  }

  // It ends where anything else is done, and where it is then is an edit of its own.
  halt() {
    if (!this.going) return;
    this.going = 0;
    byId("walk").setAttribute("aria-pressed", "false");
    this.ended();
  }
}
