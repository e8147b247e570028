"use strict";
// The page's numbers, one column a measure, and how people read them. A missing value is NaN here and never a 0.
const D = JSON.parse(document.getElementById("data").textContent);
const R = D.recipes.length, BASE = D.baseline;
const byId = (id) => document.getElementById(id);
const all = Array.from({ length: R }, (_, r) => r);
const numbers = (list) => Float64Array.from(all, (r) => list?.[r] ?? NaN);
const M = D.measures.map((m, place) => {
  const v = numbers(m.v), reason = new Map();
  for (const [k, recipes] of m.why) for (const r of recipes) reason.set(r, D.reasons[k]);
  const met = new Map(m.seen.flatMap(([k, recipes]) => recipes.map((r) => [r, D.reasons[k]])));
  const known = v.filter((x) => !Number.isNaN(x));
  const low = known.length ? Math.min(...known) : 0, high = known.length ? Math.max(...known) : 1;
  return { ...m, place, v, l: numbers(m.l), h: numbers(m.h), reason, met, low, high, some: known.length > 0, count: (r) => (typeof m.n === "number" ? m.n : m.n[r]) };
});
const has = (m, r) => !Number.isNaN(m.v[r]);
// What is up, right and first: the better side, or the higher where none is better.
const sign = (m) => (m.better < 0 ? -1 : 1);
const arrow = (m) => ({ 1: "↑", "-1": "↓", 0: "" })[m.better];
const titled = (m) => `${m.title} ${arrow(m)}`.trim();
// The last part of a title, for narrow places: "worst case, ε = 0.3" of "Attack: worst case, ε = 0.3".
const short = (m) => m.title.replace(/^[^:]*: /, "");

const digits = (m, value, more = 0) => (m.percent ? 100 * value : value).toFixed(m.digits + more).replace("-", "−");
const show = (m, value) => digits(m, value) + (m.percent ? " %" : "");
const interval = (m, r) => (Number.isNaN(m.l[r]) || Number.isNaN(m.h[r]) ? "" : `${digits(m, m.l[r])}–${digits(m, m.h[r])}`);
function difference(m, r) {
  if (BASE < 0 || r === BASE || !has(m, r) || !has(m, BASE)) return "";
  const base = m.base ?? m.v[BASE], text = digits(m, Math.abs(m.v[r] - base));
  return (Number(text) === 0 ? "±" : m.v[r] > base ? "+" : "−") + text;
}
// Better or worse than the baseline as the analysis judges; where it does not, by intervals that do not overlap.
function verdict(m, r) {
  const judged = { "+": "better", "-": "worse", "=": "noise" }[m.judged?.[r]];
  if (judged) return judged;
  if (BASE < 0 || r === BASE || !m.better || !has(m, r) || !has(m, BASE) || !interval(m, r) || !interval(m, BASE)) return "";
  if (m.l[r] > m.h[BASE]) return m.better > 0 ? "better" : "worse";
  if (m.h[r] < m.l[BASE]) return m.better > 0 ? "worse" : "better";
  return "noise";
}
// A mark on what rests on a test whose like the model met in training.
const seenMark = (m, r) => (m.met.has(r) ? " ‡" : "");
const SYMBOLS = { better: "✓", worse: "✗", noise: "≈", "": "" };
const amount = (n, one, many = one + "s") => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "click" || name === "change" || name === "input") made.addEventListener(name, value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}
// A menu of measures in groups: those that stand for the axes first.
function measureMenu(select, chosen) {
  const groups = new Map([["The axes", D.axes]]);
  for (const m of M) if (!D.axes.includes(m.place)) groups.set(m.axis, [...(groups.get(m.axis) ?? []), m.place]);
  select.replaceChildren(...[...groups].map(([label, places]) => {
    const group = element("optgroup", { label });
    group.append(...places.filter((k) => M[k].some).map((k) => element("option", { value: k }, titled(M[k]))));
    return group;
  }));
  if (chosen !== undefined) select.value = chosen;
}
