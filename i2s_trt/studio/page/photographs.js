// The photographs that the studio keeps: taken once more, or deleted.

import { renew } from "/page/renew.js";
import { ask } from "/page/talk.js";

const byId = (id) => document.getElementById(id);

export class Photographs {
  // `take` is called with a photograph that is to be embedded once more, and its name.
  constructor(take, complain) {
    [this.take, this.complain, this.known] = [take, complain, []];
    byId("kept").addEventListener("toggle", () => this.load());
  }

  // What is kept now; the list is drawn while it is open.
  async load() {
    try {
      this.known = (await ask("/api/photographs")).photographs;
      if (byId("kept").open) this.draw();
    } catch (error) { this.complain(error); }
  }

  // Those that nothing else on the shelf was made from are deleted with the latent.
  aloneOf(name) { return this.known.some(({ latents }) => latents.length === 1 && latents[0] === name); }

  draw() {
    renew(byId("photographs"), this.known.map((one) => {
      const item = document.createElement("li"), again = document.createElement("button"), away = document.createElement("button");
      const image = document.createElement("img"), of = one.latents.join(", ") || "not on the shelf";
      [again.type, again.className, image.src, image.alt, image.draggable] = ["button", "face", one.picture, "", false];
      [again.dataset.key, away.dataset.key] = [`again ${one.id}`, `delete ${one.id}`];
      again.append(image, of);
      again.setAttribute("aria-label", `Embed the photograph of ${of} once more`);
      again.addEventListener("click", () => this.again(one));
      [away.type, away.className, away.textContent] = ["button", "away", "\u00d7"];
      away.setAttribute("aria-label", `Delete the photograph of ${of}`);
      away.addEventListener("click", () => this.away(one, of));
      item.append(again, away);
      return item;
    }));
  }

  async again(one) {
    try { this.take(await ask(`/api/photographs/${one.id}`), one.latents[0] || "photograph"); } catch (error) { this.complain(error); }
  }

  async away(one, of) {
    const kept = one.latents.length ? ` ${of} stays on the shelf, but can no longer be pasted into it.` : "";
    if (!confirm(`Delete this photograph from the disk?${kept}`)) return;
    try { await ask(`/api/photographs/${one.id}`, "DELETE"); } catch (error) { this.complain(error); }
  }
}
