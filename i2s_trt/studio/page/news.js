// News for who cannot see them. Each is a line of its own, so that none takes another's place before it is read.

const log = document.getElementById("news");
const LINES = 20;

export function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  log.append(line);
  while (log.children.length > LINES) log.firstChild.remove();
}
