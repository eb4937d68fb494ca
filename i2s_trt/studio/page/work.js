// What takes its time: a line with its progress, and a button that cancels it.

const waiting = new Map(); // by ticket
const list = document.getElementById("work");

// What `run` makes; undefined if it was cancelled. It is given a ticket, a signal of cancellation, and `progressed`,
// to be called with a share of 1, or with null while nobody knows.
export async function work(label, run) {
  const item = document.createElement("li"), said = document.createElement("span"), bar = document.createElement("progress");
  const cancel = document.createElement("button"), control = new AbortController();
  const ticket = crypto.getRandomValues(new Uint32Array(1))[0];
  const progressed = (share) => { if (share == null) bar.removeAttribute("value"); else bar.value = share; };
  [said.textContent, cancel.type, cancel.textContent] = [label, "button", "Cancel"];
  bar.setAttribute("aria-label", label);
  cancel.setAttribute("aria-label", `Cancel: ${label}`);
  cancel.addEventListener("click", () => control.abort());
  item.append(said, bar, cancel);
  list.append(item);
  list.hidden = false;
  waiting.set(ticket, progressed);
  try {
    return await run({ ticket, signal: control.signal, progressed });
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    return undefined;
  } finally {
    waiting.delete(ticket);
    if (item.contains(document.activeElement)) document.getElementById("picture").focus({ preventScroll: true });
    item.remove();
    list.hidden = !list.children.length;
  }
}

// What the server tells of work under a ticket; that of other pages is theirs.
export function progressed({ ticket, done, of }) { waiting.get(ticket)?.(done / of); }
