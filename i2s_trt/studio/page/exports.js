// Files of the edit that is shown, and what repeats it.

import { ask, download } from "/page/talk.js";
import { work } from "/page/work.js";

const byId = (id) => document.getElementById(id);

// `current` gives the edit.
export function bindExports(current, complain) {
  for (const button of document.querySelectorAll("[data-export]")) {
    button.addEventListener("click", async () => {
      try {
        const asked = { edit: current(), kind: button.dataset.export, to: byId("towards").value || null };
        const made = await work(button.textContent, ({ ticket, signal }) => download({ ...asked, ticket }, signal));
        if (!made) return;
        const { blob, name } = made, link = document.createElement("a");
        [link.href, link.download] = [URL.createObjectURL(blob), name];
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      } catch (error) { complain(error); }
    });
  }

  byId("repeat").addEventListener("click", async () => {
    try {
      const asked = JSON.stringify(current());
      const { command, recipe } = await ask("/api/repeat", "POST", { edit: current() });
      if (JSON.stringify(current()) !== asked) return;
      byId("repeated").hidden = false;
      byId("command").textContent = command;
      byId("recipe").textContent = recipe;
    } catch (error) { complain(error); }
  });
}
