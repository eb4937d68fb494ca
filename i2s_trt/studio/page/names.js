// Names of latents, which are those of their files: letters a to z, digits, - and _, whatever their case.

const MOST = 60;

// The text as such a name; empty where nothing of it is left.
export function fold(text) {
  const plain = text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  return plain.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, MOST);
}

// The name, or the first of NAME-2, NAME-3 and so on that nobody has.
export function free(name, names) {
  const taken = new Set(names.map((one) => one.toLowerCase()));
  let found = name;
  for (let number = 2; taken.has(found.toLowerCase()); number += 1) found = `${name.slice(0, MOST - 6)}-${number}`;
  return found;
}
