"use strict";
// The filters: families and hyper-parameters as chips with counts, a search, and what is left.
const chips = []; // each a button, with what it counts and whether it is chosen
function chip(text, { id, f, chosen, count, press }) {
  const number = element("b"), button = element("button", { type: "button", class: "chip", "data-chip": id, click: press });
  if (f !== undefined) button.append(swatch(f));
  button.append(element("span", {}, text), number);
  chips.push({ button, number, chosen, count });
  return button;
}
const nameOf = (parameter) => parameter.name.replace(/\./g, ": ").replace(/_/g, " ");
const filters = { draw: drawFilters, section: "filters" };
views.push(filters);
function drawFilters() {
  if (filters.made !== INK.palette) makeFilters(); // made once a theme, then brought up to date
  for (const { button, number, chosen, count } of chips) {
    const n = count(), on = chosen();
    button.setAttribute("aria-pressed", String(on));
    number.textContent = n.toLocaleString("en");
    button.disabled = n === 0 && !on;
  }
  for (const { inputs, ends } of ranges) ends().forEach((end, place) => { inputs[place].value = end; });
  if (byId("find").value !== state.query) byId("find").value = state.query;
  drawCount();
}
const ranges = [];
function makeFilters() {
  filters.made = INK.palette;
  chips.length = ranges.length = 0;
  byId("families").replaceChildren(...D.families.map((name, f) => {
    const press = () => { if (!state.families.delete(f)) state.families.add(f); changed(); };
    const button = chip(name, { id: "f" + f, f, press, chosen: () => state.families.has(f), count: () => countOf("family", (r) => D.family[r] === f) });
    for (const [event, value] of [["pointerenter", f], ["focus", f], ["pointerleave", null], ["blur", null]])
      button.addEventListener(event, () => { if (pointed.family !== value) { pointed.family = value; highlightAll(); } });
    return button;
  }));
  byId("parameters").replaceChildren(...D.parameters.map((parameter, k) => {
    const values = [...new Set(parameter.own)].sort((a, b) => (a === null) - (b === null) || a - b);
    const box = element("div", { class: "chips", role: "group", "aria-label": nameOf(parameter) });
    if (inRange[k]) box.append(...rangeOf(parameter, k, values.filter((value) => value !== null)));
    else box.append(...values.map((value, place) => chip(value === null ? "without" : String(value), {
      id: `p${k}:${place}`, press: () => choose(k, value), chosen: () => state.parameters.get(k)?.has(value) ?? false,
      count: () => countOf("parameter" + k, (r) => parameter.own[r] === value),
    })));
    return element("div", { class: "parameter" }, element("h3", {}, nameOf(parameter)), box);
  }));
}
function choose(k, value) {
  const chosen = state.parameters.get(k) ?? new Set();
  if (!chosen.delete(value)) chosen.add(value);
  if (chosen.size) state.parameters.set(k, chosen);
  else state.parameters.delete(k);
  changed();
}
// Many values: those from one number to another, as typed, even where no value lies between.
function rangeOf(parameter, k, values) {
  const ends = () => { const { low, high } = state.parameters.get(k) ?? {}; return [low, high].map((end) => (Number.isFinite(end) ? end : "")); };
  const read = () => {
    const [low, high] = inputs.map((input, place) => (input.value === "" ? (place ? Infinity : -Infinity) : Number(input.value)));
    if (inputs.every((input) => input.value === "")) state.parameters.delete(k);
    else state.parameters.set(k, rangeBetween(low, high));
    changed();
  };
  const inputs = ["from", "to"].map((word, place) => element("input", { type: "number", step: "any", placeholder: place ? values.at(-1) : values[0], "aria-label": `${nameOf(parameter)}, ${word}`, change: read }));
  ranges.push({ inputs, ends });
  return [inputs[0], " to ", inputs[1]];
}
const filtered = () => state.families.size || state.parameters.size || state.query || state.brushes.size;
function drawCount() {
  const n = state.selected.size;
  byId("count").textContent = `${shown.length.toLocaleString("en")} of ${amount(R, "model")} shown` + (n ? `, ${n.toLocaleString("en")} selected` : "");
  byId("clear").disabled = !filtered();
  byId("unselect").disabled = !n;
  byId("empty").hidden = shown.length > 0;
}
byId("find").addEventListener("input", (e) => { state.query = e.target.value; changedSoon(); });
byId("clear").addEventListener("click", () => { state.families.clear(); state.parameters.clear(); state.brushes.clear(); state.query = ""; changed(); });
byId("unselect").addEventListener("click", () => select([], false));
