"use strict";
// The axes' own controls, for the keyboard too: range, order, hiding, and every other measure to add.
function axisButton(id, name, text, click, disabled) {
  const button = element("button", { type: "button", "aria-label": name, title: name, "data-axis": id, click }, text);
  button.disabled = disabled;
  return button;
}
function moveAxis(a, step) {
  const moved = state.axes.splice(a, 1)[0];
  state.axes.splice(a + step, 0, moved);
  axesChanged();
}
function axesChanged() {
  for (const k of state.brushes.keys()) if (!state.axes.includes(k)) state.brushes.delete(k);
  changed();
}
function rangeInput(m, end) {
  const value = state.brushes.get(m.place)?.[end], scale = m.percent ? 100 : 1;
  return element("input", { type: "number", step: "any", "aria-label": `${m.title}, ${end ? "at most" : "at least"}`, "data-axis": `${m.place}:${end}`, disabled: !m.some,
    value: value === undefined || !Number.isFinite(value) ? "" : Number((value * scale).toPrecision(6)), placeholder: digits(m, end ? m.high : m.low),
    change: (e) => {
      const ends = [...(state.brushes.get(m.place) ?? [-Infinity, Infinity])];
      ends[end] = e.target.value === "" ? (end ? Infinity : -Infinity) : Number(e.target.value) / scale;
      if (ends.every((x) => !Number.isFinite(x))) state.brushes.delete(m.place);
      else state.brushes.set(m.place, [Math.min(...ends), Math.max(...ends)]);
      changed();
    } });
}
let listed = ""; // what the list shows, so that it is made anew only where that changed
function drawAxisList() {
  const now = JSON.stringify([state.axes, [...state.brushes].map(String)]);
  if (now === listed) return;
  listed = now;
  const list = byId("axis-list"), held = document.activeElement?.dataset?.axis, place = [...list.children].indexOf(document.activeElement?.closest(".axis"));
  list.replaceChildren(...state.axes.map((k, a) => {
    const m = M[k];
    return element("div", { class: "axis" }, element("span", { class: "axis-name" }, titled(m)),
      element("span", { class: "range" }, rangeInput(m, 0), " to ", rangeInput(m, 1), m.percent ? " %" : ""),
      element("span", { class: "moves" }, axisButton(`${k}:left`, `Move ${m.title} to the left`, "‹", () => moveAxis(a, -1), a === 0),
        axisButton(`${k}:right`, `Move ${m.title} to the right`, "›", () => moveAxis(a, 1), a === state.axes.length - 1),
        axisButton(`${k}:hide`, `Hide ${m.title}`, "×", () => { state.axes.splice(a, 1); axesChanged(); }, state.axes.length === 1)));
  }));
  const others = byId("axis-add");
  measureMenu(others);
  for (const option of others.querySelectorAll("option")) option.disabled = state.axes.includes(Number(option.value));
  others.prepend(element("option", { value: "", selected: true }, "add a measure …"));
  others.value = "";
  if (held) holdAxis(held, place);
  byId("axes-count").textContent = `${state.axes.length} of ${M.length}`;
}
// The focus stays on the control that had it; where that is shut on another of its axis, where the axis is gone on the
// same control of the axis that took its place.
function holdAxis(held, place) {
  const rows = byId("axis-list").children, own = document.querySelector(`[data-axis="${held}"]`)?.closest(".axis") ?? rows[Math.min(place, rows.length - 1)];
  const control = (which) => own.querySelector(`${which}:not(:disabled)`);
  (control(`[data-axis$=":${held.split(":")[1]}"]`) ?? control(".moves button") ?? byId("axis-add")).focus();
}
byId("axis-add").addEventListener("change", (e) => { if (e.target.value !== "") { state.axes.push(Number(e.target.value)); changed(); } });
byId("axis-reset").addEventListener("click", () => { state.axes = [...D.axes]; axesChanged(); });
