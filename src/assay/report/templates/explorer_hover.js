"use strict";
// What is pointed at: a card with the model's numbers, and the same model brought forward in every view. The card is for
// the eye; what the arrow keys come to in a drawing is told to screen readers in #pointed.
const card = byId("card");
const tell = (text) => { byId("pointed").textContent = text; };
function facts(r) {
  const seeds = D.seeds[r] ? `seed ${D.seeds[r]}` : "not trained yet";
  const slice = D.preset !== null && `${D.preset} slice of ${D.study}`, limit = D.limit !== null && `LIMITED to ${D.limit.toLocaleString("en")} images per set`;
  return [D.families[D.family[r]], seeds, slice, limit].filter(Boolean).join(" · ");
}
function rowOf(m, r) {
  const name = element("th", { scope: "row" }, titled(m));
  if (!has(m, r)) return element("tr", {}, name, element("td", { colspan: 4, class: "none" }, `not measured: ${m.reason.get(r)}`));
  const judged = verdict(m, r);
  return element("tr", {}, name, element("td", {}, element("b", {}, show(m, m.v[r]) + seenMark(m, r))), element("td", {}, interval(m, r) || "no interval"),
    element("td", { class: judged }, `${SYMBOLS[judged]} ${difference(m, r)}`), element("td", {}, `n = ${m.count(r).toLocaleString("en")}`));
}
function fillCard(r, extra) {
  const wanted = [...new Set([...extra, ...state.axes])].slice(0, 12).map((k) => M[k]);
  card.replaceChildren(element("p", { class: "name" }, D.recipes[r] + (r === BASE ? " ★ baseline" : "")), element("p", { class: "small" }, facts(r)),
    element("table", {}, element("tbody", {}, ...wanted.map((m) => rowOf(m, r)))),
    ...[...new Set(wanted.map((m) => m.met.get(r)).filter(Boolean))].map((text) => element("p", { class: "small" }, `‡ ${text}`)),
    element("p", { class: "small" }, "value, 95 % interval, difference to the baseline" + (state.selected.has(r) ? " · selected" : "")));
}
function inWords(r, extra) { // the measures that the drawing shows
  const numbers = (extra.length ? extra : state.axes).map((k) => M[k]).map((m) => {
    if (!has(m, r)) return `${m.title} not measured: ${m.reason.get(r)}`;
    const ends = interval(m, r), judged = verdict(m, r);
    return `${m.title} ${show(m, m.v[r])}` + (ends && `, 95 % interval ${ends}`) + (judged && `, ${judged === "noise" ? "within noise" : judged}`) + (m.met.has(r) ? `, ${m.met.get(r)}` : "");
  });
  return [D.recipes[r] + (r === BASE ? ", the baseline" : ""), ...numbers].join(". ");
}
// Point at a model: `at` is {x, y} in the window (`keyed` by the arrow keys) or an element; `extra` are measures to name first.
function point(r, at, extra = []) {
  if (r === null) return unpoint();
  const same = pointed.recipe === r;
  pointed.recipe = r;
  fillCard(r, extra);
  place(at);
  tell(at.keyed ? inWords(r, extra) : "");
  if (!same) highlightAll();
}
function say(lines, at) { // a card of words alone
  card.replaceChildren(...lines.map((text, k) => element("p", { class: k ? "small" : "name" }, text)));
  place(at);
  tell(at.keyed ? lines.join(". ") : "");
}
let placed = null; // where the card was put: an element, or a place in the window
function place(at) {
  placed = at;
  card.hidden = false;
  const own = card.getBoundingClientRect(), box = at instanceof Element ? at.getBoundingClientRect() : null;
  const x = box ? box.left + Math.min(box.width, innerWidth) / 2 : at.x, y = box ? box.bottom : at.y;
  const left = x + 18 + own.width < innerWidth ? x + 18 : x - 18 - own.width;
  const top = y + 14 + own.height < innerHeight ? y + 14 : (box ? box.top : y) - 14 - own.height;
  card.style.left = Math.max(8, Math.min(left, innerWidth - own.width - 8)) + "px";
  card.style.top = Math.max(8, top) + "px";
}
function unpoint() {
  card.hidden = true;
  tell("");
  if (pointed.recipe === null) return;
  pointed.recipe = null;
  highlightAll();
}
document.addEventListener("keydown", (e) => { if (e.key === "Escape") unpoint(); });
// Scrolling leaves the pointer's model behind; the card of the element in focus goes with it.
document.addEventListener("scroll", () => {
  if (placed instanceof Element && !card.hidden) place(placed);
  else if (!placed?.keyed) card.hidden = true;
}, { capture: true, passive: true });

// A drawing that models can be found in: by pointer, and by the arrow keys along `order()`.
function findable(canvas, { find, order, at, extra = () => [] }) {
  const inside = (e) => { const box = canvas.getBoundingClientRect(); return [e.clientX - box.left, e.clientY - box.top]; };
  canvas.addEventListener("pointermove", (e) => { if (!e.buttons) { const r = find(...inside(e)); point(r, { x: e.clientX, y: e.clientY }, extra()); canvas.style.cursor = r === null ? "" : "pointer"; } });
  canvas.addEventListener("pointerleave", unpoint);
  canvas.addEventListener("blur", unpoint);
  canvas.addEventListener("keydown", (e) => {
    const step = { ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, ArrowUp: 1, Home: -Infinity, End: Infinity }[e.key];
    if (step) {
      const list = order();
      if (!list.length) return;
      const now = list.indexOf(pointed.recipe), next = now < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(Math.max(now + step, 0), list.length - 1);
      const box = canvas.getBoundingClientRect(), [x, y] = at(list[next]);
      point(list[next], { x: box.left + x, y: box.top + y, keyed: true }, extra());
      e.preventDefault();
    } else if ((e.key === "Enter" || e.key === " ") && pointed.recipe !== null) {
      toggle(pointed.recipe);
      e.preventDefault();
    }
  });
  return inside;
}
