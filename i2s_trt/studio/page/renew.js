const CAN_HOLD = "button, [tabindex]";

// New children in place of the old ones. The focus stays on what has the same `data-key`, or, if that has gone, at its place.
export function renew(parent, children) {
  const held = document.activeElement, at = [...parent.querySelectorAll(CAN_HOLD)].indexOf(held);
  parent.replaceChildren(...children);
  if (at < 0) return;
  const now = [...parent.querySelectorAll(CAN_HOLD)];
  const same = held.dataset.key && now.find((one) => one.dataset.key === held.dataset.key);
  (same || now[Math.min(at, now.length - 1)])?.focus({ preventScroll: true });
}

// Other names to choose from, or nobody; what was chosen stays, if it is among them.
export function choices(select, names, none) {
  const kept = select.value;
  select.replaceChildren(new Option(none, ""), ...names.map((name) => new Option(name, name)));
  select.value = names.includes(kept) ? kept : "";
}

// Another picture in the place of one.
export function swap(image, blob) {
  const old = image.src;
  image.src = URL.createObjectURL(blob);
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
}
