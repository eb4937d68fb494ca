// Files of the edit that is shown, and what repeats it.

import { ask, download } from "/page/talk.js";
import { work } from "/page/work.js";

const byId = (id) => document.getElementById(id);

function keep(blob, name) {
  const link = document.createElement("a");
  [link.href, link.download] = [URL.createObjectURL(blob), name];
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Where a film begins: that of the slider's own morph goes all its way, wherever the slider stands.
function begun(edit, to) {
  const { kind, parts } = edit.base;
  const own = kind === "mix" && parts.length === 2 && parts[1].name === to;
  return own ? { ...edit, base: { kind: "latent", name: parts[0].name } } : edit;
}

// `current` gives the edit.
export function bindExports(current, complain) {
  for (const button of document.querySelectorAll("[data-export]")) {
    button.addEventListener("click", async () => {
      try {
        const kind = button.dataset.export, to = byId("towards").value || null;
        const asked = { edit: kind === "morph" ? begun(current(), to) : current(), kind, to };
        const made = await work(button.textContent, ({ ticket, signal }) => download({ ...asked, ticket }, signal));
        if (!made) return;
        keep(made.blob, made.name);
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
      byId("copy").textContent = "Copy";
    } catch (error) { complain(error); }
  });
  byId("copy").addEventListener("click", async () => {
    getSelection().selectAllChildren(byId("command")); // for the keys, where a page may not copy: over HTTP from elsewhere
    try {
      await navigator.clipboard.writeText(byId("command").textContent);
      byId("copy").textContent = "Copied";
    } catch { byId("copy").textContent = "Copy with Ctrl+C"; }
  });
  byId("keep").addEventListener("click", () => keep(new Blob([byId("recipe").textContent], { type: "text/plain" }), "edit.toml"));
}
