// The picture of an embedding that runs, as large as the edited one and in its place, until something else is wanted.

import { swap } from "/page/renew.js";

const box = document.getElementById("live"), image = box.querySelector("img"), text = box.querySelector("p");

export class Live {
  // `ended` is called with the name of one that was watched to its end.
  constructor(ended) { [this.ended, this.watched] = [ended, new Set()]; }

  watch(id) { this.watched.add(id); }

  // Something else is wanted.
  leave() {
    this.watched.clear();
    box.hidden = true;
  }

  // One of those that are watched runs: it is shown from its first picture on.
  frame(id, blob) {
    if (!this.watched.has(id)) return;
    swap(image, blob);
    box.hidden = false;
  }

  tell({ id, name, state, step, of }) {
    if (!this.watched.has(id)) return;
    if (["running", "queued"].includes(state)) {
      if (state === "running") [image.alt, text.textContent] = [`${name} while it is embedded`, `${name}: step ${step} of ${of}`];
      return;
    }
    const shown = !box.hidden;
    this.watched.delete(id);
    box.hidden = true;
    const others = new Set(this.watched); // which are watched on, though another face is shown
    if (shown && ["finished", "stopped"].includes(state)) this.ended(name).then(() => { this.watched = others; });
  }
}
