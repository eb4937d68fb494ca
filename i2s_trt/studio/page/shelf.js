// The faces on the shelf, each with a button that shows it and one that takes it away.

import { renew } from "/page/renew.js";

const list = document.getElementById("shelf");

// `shown` names the face that the edit starts from; `choose` and `away` are called with a latent.
export function drawShelf(latents, shown, choose, away) {
  renew(list, latents.map((one) => {
    const item = document.createElement("li");
    item.append(tile(one, choose), cross(one, away));
    return item;
  }));
  press(shown);
}

export function press(shown) {
  for (const face of list.querySelectorAll(".face")) face.setAttribute("aria-pressed", String(face.dataset.name === shown));
}

function tile(one, choose) {
  const face = document.createElement("button"), image = document.createElement("img");
  [face.type, face.className, image.src, image.alt, image.draggable] = ["button", "face", one.picture, "", false];
  [face.dataset.key, face.dataset.name] = [`show ${one.name}`, one.name];
  face.append(image, one.name);
  if (one.tuned) {
    const mark = document.createElement("small");
    mark.textContent = "tuned";
    face.append(" ", mark);
  }
  face.addEventListener("click", () => choose(one));
  return face;
}

function cross(one, away) {
  const button = document.createElement("button");
  [button.type, button.className, button.textContent] = ["button", "away", "\u00d7"];
  button.dataset.key = `delete ${one.name}`;
  button.setAttribute("aria-label", `Take ${one.name} off the shelf`);
  button.addEventListener("click", () => away(one));
  return button;
}
