"use strict";
// What is shown: filters, brushes and choices; and the views that draw it.
// Of what is measured the measures that stand for the axes, then the others.
const filled = [...new Set([...D.primary, ...D.axes, ...M.keys()])].filter((k) => M[k].some);
const first = (k) => filled[k] ?? filled.at(-1) ?? 0;
const fresh = () => ({
  families: new Set(), parameters: new Map(), query: "", brushes: new Map(), axes: [...D.axes], x: first(1), y: first(2), measure: first(1),
  sort: { by: -1, down: false }, heat: { by: -1, mode: "value", rows: "readable" }, selected: new Set(), only: false,
});
const state = fresh();
const pointed = { recipe: null, family: null }; // what the pointer or the focus is on
let shown = all;
const isShown = new Uint8Array(R).fill(1);
const views = []; // each with its section, draw(), and highlight() for what is pointed at or selected

// A hyper-parameter is filtered by a set of its values or, of many values, by a range; both have has().
const MANY = 12;
const inRange = D.parameters.map((parameter) => new Set(parameter.own).size > MANY);
const rangeBetween = (low, high) => ({ low, high, has: (value) => value !== null && value >= low && value <= high });
// A filter is a group of conditions; a model is shown if it passes every group.
function groups() {
  const found = [];
  const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) found.push({ key: "query", pass: (r) => words.every((word) => D.recipes[r].toLowerCase().includes(word)) });
  if (state.families.size) found.push({ key: "family", pass: (r) => state.families.has(D.family[r]) });
  for (const [k, chosen] of state.parameters) found.push({ key: "parameter" + k, pass: (r) => chosen.has(D.parameters[k].own[r]) });
  for (const [k, [low, high]] of state.brushes) found.push({ key: "brush" + k, pass: (r) => M[k].v[r] >= low && M[k].v[r] <= high });
  return found;
}
// For each model how many groups turn it away, and which one where it is one alone: enough for every chip's count.
const turned = new Uint8Array(R), alone = new Array(R).fill("");
function filter() {
  turned.fill(0);
  for (const { key, pass } of groups()) for (let r = 0; r < R; r++) if (!pass(r)) { turned[r]++; alone[r] = key; }
  shown = all.filter((r) => !turned[r]);
  for (let r = 0; r < R; r++) isShown[r] = turned[r] ? 0 : 1;
}
// How many models a chip would show beside the other groups' conditions.
const countOf = (key, test) => all.reduce((sum, r) => sum + (test(r) && (!turned[r] || (turned[r] === 1 && alone[r] === key)) ? 1 : 0), 0);

// What is in sight, or nearly, is drawn at once; the rest one by one in the frames after, or when printed.
const later = new Set();
const near = (view) => { const box = byId(view.section).getBoundingClientRect(); return box.top < innerHeight * 1.3 && box.bottom > -innerHeight * 0.3; };
function drawAll(whole = false) {
  for (const view of views) later.add(view);
  for (const view of views) if (whole || near(view)) drawNow(view);
  highlightAll();
  if (later.size) requestAnimationFrame(() => setTimeout(drawLater));
}
function drawNow(view) {
  later.delete(view);
  view.draw();
}
function drawLater() {
  const view = [...later].find(near) ?? [...later][0];
  if (!view) return;
  drawNow(view);
  view.highlight?.();
  setTimeout(drawLater);
}
function highlightAll() { for (const view of views) if (!later.has(view)) view.highlight?.(); }
function changed() {
  filter();
  drawAll();
  keep();
}
let waiting = false;
function changedSoon() { // for drags: at most once a frame
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; changed(); });
}
function redrawn(view) { // one view's own choice changed
  drawNow(view);
  highlightAll();
  keep();
}
function select(recipes, add) {
  if (!add) state.selected.clear();
  for (const r of recipes) state.selected.add(r);
  selectionChanged();
}
function toggle(r, reorder = true) {
  if (!state.selected.delete(r)) state.selected.add(r);
  selectionChanged(reorder);
}
function selectionChanged(reorder = true) {
  const rows = reorder || state.only; // whether the table's rows change, or their marks alone
  if (!state.selected.size) state.only = false;
  drawCount();
  if (rows) drawNow(table);
  else markTable();
  highlightAll();
  keep();
}
