// The controls of an edit: what they say, read into the edit and filled from it.

import { choices } from "/page/renew.js";

const byId = (id) => document.getElementById(id);
const value = (id) => byId(id).value;
const share = (id) => Number(value(id)) / 100;
const rows = () => [...byId("rows").children];

// The face that an edit starts from; null for a sample.
export const baseOf = ({ base }) => (base.kind === "latent" ? base.name : base.kind === "mix" ? base.parts[0].name : null);

export class Controls {
  // `map` has faces on it, and `walk` controls of its own.
  constructor(map, walk) {
    [this.map, this.walk, this.held] = [map, walk, null]; // a mix that the slider does not make
  }

  // Who and what there is to choose from.
  options(names, directions) {
    for (const id of ["towards", "neutral", "smiling", "style", "pin"]) choices(byId(id), names, "nobody");
    choices(byId("direction"), directions, "none");
    byId("direction").closest("label").hidden = !directions.length;
    this.map.keep(names);
  }

  read(edit) {
    const name = baseOf(edit), far = share("far"), towards = value("towards"), psi = share("psi");
    if (this.held) edit.base = this.held;
    else if (name && towards && towards !== name && far > 0) {
      edit.base = { kind: "mix", parts: [{ name, weight: 1 - far }, { name: towards, weight: far }] };
    } else if (name) edit.base = { kind: "latent", name };
    edit.walk = this.walk.read(edit);
    edit.expressions = this.expressions();
    const given = rows().map((one) => one.getAttribute("aria-pressed") === "true");
    edit.style = value("style") && given.includes(true) ? { name: value("style"), rows: given } : null;
    edit.truncation = psi < 1 ? psi : null;
  }

  expressions() {
    const strength = share("strength"), [from, to, direction] = ["neutral", "smiling", "direction"].map(value);
    if (!strength || !this.expressive()) return [];
    return [direction ? { kind: "direction", name: direction, strength } : { kind: "pair", from, to, strength }];
  }

  // Whether there is an expression that can be given any strength.
  expressive() { return Boolean(value("direction") || (value("neutral") && value("smiling") && value("neutral") !== value("smiling"))); }

  fill(edit, names) {
    const parts = edit.base.kind === "mix" ? edit.base.parts : [], name = baseOf(edit), [expression] = edit.expressions;
    const far = parts[1] ? Math.round((100 * parts[1].weight) / (parts[0].weight + parts[1].weight)) / 100 : 0;
    const made = parts.length < 2 || (parts.length === 2 && parts[1].weight === far && parts[0].weight === 1 - far);
    this.held = made ? null : edit.base;
    this.map.show(this.held ? parts : null);
    if (parts[1] && made) byId("towards").value = parts[1].name;
    if (value("towards") === name) byId("towards").value = names.find((one) => one !== name) || "";
    byId("far").value = made ? 100 * far : 0;
    byId("strength").value = expression ? Math.round(100 * expression.strength) : 0;
    if (expression?.kind === "pair") [byId("neutral").value, byId("smiling").value] = [expression.from, expression.to];
    byId("direction").value = expression?.kind === "direction" ? expression.name : "";
    if (edit.style) byId("style").value = edit.style.name;
    rows().forEach((one, index) => one.setAttribute("aria-pressed", String(Boolean(edit.style?.rows[index]))));
    this.walk.fill(edit);
    byId("psi").value = edit.truncation == null ? 100 : Math.round(100 * edit.truncation);
  }

  // Numbers beside the sliders, and what a slider that does nothing lacks.
  say(edit, latents) {
    const name = baseOf(edit), towards = value("towards");
    this.map.first = name;
    for (const option of byId("towards").options) option.disabled = Boolean(name) && option.value === name;
    const lacks = name == null ? "A sample can be morphed once it is put on the shelf."
      : latents.length < 2 ? "Nobody else is on the shelf yet: add a photograph." : towards ? "" : "Choose whom to morph towards.";
    if (this.held) byId("far").value = 0;
    byId("far").disabled = Boolean(lacks);
    byId("far-shown").textContent = this.held ? "mixed on the map" : lacks ? "" : `${value("far")} %`;
    [byId("unmixed").hidden, byId("unmixed").textContent] = [!lacks, lacks];
    byId("film").textContent = towards || "the morph's other end";
    document.querySelector("[data-export=morph]").disabled = !towards || towards === name;
    const expressive = this.expressive();
    byId("strength").disabled = !expressive;
    byId("strength-shown").textContent = expressive ? share("strength").toFixed(2) : "";
    byId("unexpressed").hidden = expressive;
    for (const id of ["neutral", "smiling"]) byId(id).disabled = Boolean(value("direction"));
    byId("psi-shown").textContent = edit.truncation == null ? "off" : edit.truncation.toFixed(2);
    this.walk.said();
  }
}
