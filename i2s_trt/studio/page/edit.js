// An edit as the server takes it.

const untouched = (base) => ({ base, walk: null, style: null, expressions: [], truncation: null });

export const plain = (name) => untouched({ kind: "latent", name });

// A seed by chance, short enough to be read out.
export const chance = () => Math.floor(Math.random() * 1e6);

export const sample = (seed) => untouched({ kind: "random", seed, truncation: null });

// Who is in a mix, and how much of each.
export function shared(parts) {
  const sum = parts.reduce((all, part) => all + part.weight, 0);
  return parts.filter((part) => part.weight > 0).map((part) => `${part.name} ${Math.round((100 * part.weight) / sum)} %`).join(", ");
}

// Where a walk leads.
export const walked = ({ to }) => (to == null ? "the mean face" : `sample ${to}`);

// What an edit is of.
export function caption({ base, walk }, latents) {
  const from = base.kind === "mix" ? shared(base.parts) : base.kind === "random" ? `sample ${base.seed}` : base.name;
  if (walk) return `${from}, ${Math.round(100 * walk.position)} % of a walk to ${walked(walk)}`;
  if (base.kind !== "latent") return from;
  const loss = latents.find((one) => one.name === base.name)?.loss;
  return `${base.name}${loss ? `, loss ${Math.round(loss).toLocaleString("en")}` : ""}`;
}

// The edit as far as its faces are among these names; another face where none of its own is.
export function onShelf(one, names) {
  const there = (name) => names.includes(name);
  const left = { latent: () => [one.base].filter((of) => there(of.name)), mix: () => one.base.parts.filter((of) => there(of.name)) }[one.base.kind]?.();
  if (left && !left.length) return names.length ? plain(names[0]) : sample(0);
  const base = one.base.kind !== "mix" ? one.base : left.length > 1 ? { ...one.base, parts: left } : { kind: "latent", name: left[0].name };
  const style = one.style && there(one.style.name) ? one.style : null;
  const same = one.base.kind !== "mix" || left.length === one.base.parts.length;
  return structuredClone({ ...one, base: same ? one.base : base, style, expressions: one.expressions.filter((of) => of.kind !== "pair" || (there(of.from) && there(of.to))) });
}

// 6, 7, 8 and 11 as "6-8, 11".
function ranges(numbers) {
  const found = [];
  for (const one of numbers) {
    const last = found.at(-1);
    if (last && last[1] === one - 1) last[1] = one; else found.push([one, one]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}\u2013${last}`)).join(", ");
}

const WORDS = {
  base: ({ base }) => (base.kind === "mix" ? shared(base.parts) : base.kind === "random" ? `sample ${base.seed}` : base.name),
  walk: ({ walk }) => (walk?.position ? `walk ${Math.round(100 * walk.position)} % to ${walked(walk)}` : "no walk"),
  style: ({ style }) => (style ? `rows ${ranges(style.rows.flatMap((given, row) => (given ? [row] : [])))} of ${style.name}` : "no style"),
  expressions: ({ expressions: [one] }) => {
    if (!one) return "no expression";
    return `${one.kind === "pair" ? `${one.from} to ${one.to}` : one.name} ${one.strength.toFixed(2)}`;
  },
  truncation: ({ truncation }) => (truncation == null ? "no truncation" : `psi ${truncation.toFixed(2)}`),
};

// What an edit has that the one before it had not, and how much of it.
export function changed(before, edit) {
  const parts = Object.values(WORDS).filter((words) => words(edit) !== words(before)).map((words) => words(edit));
  return parts.join("; ") || "nothing";
}
