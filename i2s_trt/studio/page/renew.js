const CAN_HOLD = "button, [tabindex]";

// New children in place of the old ones; the focus stays at its place among them.
export function renew(parent, children) {
  const at = [...parent.querySelectorAll(CAN_HOLD)].indexOf(document.activeElement);
  parent.replaceChildren(...children);
  if (at < 0) return;
  const now = parent.querySelectorAll(CAN_HOLD);
  now[Math.min(at, now.length - 1)]?.focus();
}
