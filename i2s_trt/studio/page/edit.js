// An edit as the server takes it.

export const plain = (name) => ({ base: { kind: "latent", name }, style: null, expressions: [], truncation: null });

export const sample = (seed) => ({ base: { kind: "random", seed, truncation: null }, style: null, expressions: [], truncation: null });

// The edit as far as its faces are among these names; another face where its own is not.
export function onShelf(one, names) {
  const there = (name) => names.includes(name);
  const own = { latent: () => [one.base.name], mix: () => one.base.parts.map((part) => part.name) }[one.base.kind]?.() || [];
  if (!own.every(there)) return names.length ? plain(names[0]) : sample(0);
  const style = one.style && there(one.style.name) ? one.style : null;
  return structuredClone({ ...one, style, expressions: one.expressions.filter((of) => of.kind !== "pair" || (there(of.from) && there(of.to))) });
}
