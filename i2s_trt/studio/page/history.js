// The tree of edits: every settled edit is a node, undo goes to its parent, redo to its latest child. Those whose faces have
// been deleted are stepped over.

import { changed } from "/page/edit.js";
import { renew } from "/page/renew.js";
import { ask } from "/page/talk.js";

const MOST = 500; // as the server keeps; of more the oldest go
const SHOWN = 60;

export class History {
  // `shown` is called with an edit that is gone to, and `possible` says whether one can be shown.
  // `settled` leaves nothing waiting to be added.
  constructor(shown, possible, settled, complain) {
    [this.shown, this.possible, this.settled, this.complain] = [shown, possible, settled, complain];
    [this.nodes, this.current] = [[], null];
    [this.list, this.latest, this.waiting] = [document.getElementById("history"), Promise.resolve(), 0];
    this.list.closest("details").addEventListener("toggle", () => this.reveal());
    document.getElementById("undo").addEventListener("click", () => this.undo());
    document.getElementById("redo").addEventListener("click", () => this.redo());
    document.addEventListener("keydown", (event) => {
      if (document.querySelector("dialog[open]") || !(event.ctrlKey || event.metaKey) || event.target.matches("input:not([type=range])")) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) this.redo(); else this.undo();
    });
  }

  async load() {
    const told = await ask("/api/history");
    [this.nodes, this.current] = [told.nodes, told.current];
    this.draw();
    return this.node(this.current)?.edit;
  }

  node(id) { return this.nodes.find((one) => one.id === id); }

  // One after the other: a node must know its parent, and an undo what it undoes.
  enqueue(step) {
    this.busy(1);
    this.latest = this.latest.then(step).then(() => this.busy(-1));
  }

  // So many more steps are waited for.
  busy(by) {
    this.waiting += by;
    this.list.setAttribute("aria-busy", String(this.waiting > 0));
  }

  // Without a label it says what has changed.
  add(edit, label) { this.enqueue(() => this.append(edit, label)); }

  go(id) { this.settled(); this.enqueue(() => this.move(id)); }

  async append(edit, label) {
    const here = this.node(this.current);
    if (here && JSON.stringify(here.edit) === JSON.stringify(edit)) return;
    try {
      const node = await this.send(edit, (label || (here ? changed(here.edit, edit) : "start")).slice(0, 200));
      this.nodes.push(node);
      this.current = node.id;
      if (this.nodes.length > MOST) this.nodes = (await ask("/api/history")).nodes;
      this.draw();
    } catch (error) { this.complain(error); }
  }

  // After where this page is; or, where other pages have pushed that out, after where they are.
  async send(edit, label) {
    try { return await ask("/api/history", "POST", { parent: this.current, edit, label }); } catch (error) {
      const told = await ask("/api/history");
      if (told.nodes.some((one) => one.id === this.current)) throw error;
      [this.nodes, this.current] = [told.nodes, told.current];
      return ask("/api/history", "POST", { parent: this.current, edit, label });
    }
  }

  undo() { this.settled(); this.enqueue(() => this.move(this.before()?.id)); }

  redo() { this.settled(); this.enqueue(() => this.move(this.after()?.id)); }

  before() {
    let one = this.node(this.node(this.current)?.parent);
    while (one && !this.possible(one.edit)) one = this.node(one.parent);
    return one;
  }

  after(id = this.current) {
    const children = this.nodes.filter((one) => one.parent === id).reverse();
    return children.map((one) => (this.possible(one.edit) ? one : this.after(one.id))).find(Boolean);
  }

  async move(id) {
    if (id == null) return;
    try { await ask("/api/history/current", "PUT", { id }); } catch (error) { this.complain(error); return; }
    this.current = id;
    this.draw();
    this.shown(this.node(id).edit);
  }

  draw() {
    document.getElementById("undo").disabled = !this.before();
    document.getElementById("redo").disabled = !this.after();
    const rows = this.ordered().map(({ one, depth }) => {
      const row = document.createElement("li"), button = document.createElement("button"), branch = document.createElement("span");
      [button.type, button.dataset.key, button.disabled] = ["button", one.id, !this.possible(one.edit)];
      branch.textContent = "\u2514 ".repeat(depth);
      branch.setAttribute("aria-hidden", "true");
      row.setAttribute("aria-level", String(depth + 1));
      button.append(branch, one.label || "edit");
      button.setAttribute("aria-current", String(one.id === this.current));
      button.setAttribute("aria-pressed", String(one.id === this.current));
      button.addEventListener("click", () => this.go(one.id));
      row.append(button);
      return row;
    });
    renew(this.list, rows);
    this.reveal();
  }

  // Where the page is now stands in sight; nothing but the list is scrolled.
  reveal() {
    const here = this.list.querySelector("[aria-current=true]")?.getBoundingClientRect(), all = this.list.getBoundingClientRect();
    if (here && (here.top < all.top || here.bottom > all.bottom)) this.list.scrollTop += here.top - all.top - all.height / 2;
  }

  // The latest edits, a parent before its children: what branches off stands indented right after it, and then goes on what
  // was done first. So what stands straight below an edit was made of it, and so was what is indented one further.
  ordered() {
    const shown = this.nodes.slice(-SHOWN), known = new Set(shown.map((one) => one.id)), rows = [];
    const open = shown.filter((one) => !known.has(one.parent)).map((one) => ({ one, depth: 0 })).reverse();
    while (open.length) {
      const row = open.pop();
      rows.push(row);
      const [first, ...others] = shown.filter((one) => one.parent === row.one.id);
      if (first) open.push({ one: first, depth: row.depth });
      open.push(...others.map((one) => ({ one, depth: row.depth + 1 })).reverse());
    }
    return rows;
  }
}
