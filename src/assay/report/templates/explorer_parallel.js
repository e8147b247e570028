"use strict";
// Parallel coordinates: one upright axis a measure, better always up; a line a model; dragging along an axis filters.
const parallel = { base: byId("parallel-base"), over: byId("parallel-over"), xs: [], ys: [], section: "axes", draw: drawParallel, highlight: highlightParallel };
views.push(parallel);
const BOX = { top: 74, bottom: 56, height: 430 };
const axisTop = BOX.top, axisBottom = BOX.height - BOX.bottom, GONE = BOX.height - 26; // GONE: where missing values are drawn
const heightOf = (m, value) => {
  const t = m.high === m.low ? 0.5 : (value - m.low) / (m.high - m.low);
  return axisBottom - (sign(m) > 0 ? t : 1 - t) * (axisBottom - axisTop);
};
const valueAt = (m, y) => {
  const t = Math.min(Math.max((axisBottom - y) / (axisBottom - axisTop), 0), 1);
  return m.low + (sign(m) > 0 ? t : 1 - t) * (m.high - m.low);
};
function layParallel() {
  const axes = state.axes.map((k) => M[k]), edge = 52, room = byId("parallel").clientWidth || 900;
  const width = Math.max(room, edge * 2 + (axes.length - 1) * 92), gap = axes.length > 1 ? (width - 2 * edge) / (axes.length - 1) : 0;
  parallel.axes = axes;
  parallel.width = width;
  parallel.gap = gap || 120;
  parallel.xs = axes.map((_, a) => (axes.length > 1 ? edge + a * gap : width / 2));
  parallel.ys = axes.map((m) => Float32Array.from(all, (r) => (has(m, r) ? heightOf(m, m.v[r]) : GONE)));
  byId("parallel").firstElementChild.style.width = width + "px";
}
function strokeLine(g, r) {
  g.beginPath();
  for (let a = 0; a < parallel.xs.length; a++) g.lineTo(parallel.xs[a], parallel.ys[a][r]);
  if (parallel.xs.length === 1) { g.moveTo(parallel.xs[0] - 14, parallel.ys[0][r]); g.lineTo(parallel.xs[0] + 14, parallel.ys[0][r]); }
  g.stroke();
}
function drawParallel() {
  layParallel();
  const g = surface(parallel.base, parallel.width, BOX.height);
  g.lineWidth = 1;
  g.strokeStyle = INK.line;
  g.globalAlpha = 0.35;
  if (shown.length < R) for (const r of all) if (!isShown[r]) strokeLine(g, r);
  g.globalAlpha = Math.min(0.9, Math.max(0.3, 40 / Math.sqrt(shown.length * 30 + 1)));
  for (let f = 0; f < D.families.length; f++) {
    const { color, dash } = look(f);
    g.strokeStyle = color;
    g.lineWidth = 1.2;
    g.setLineDash(shown.length > 150 ? [] : dash);
    for (const r of shown) if (D.family[r] === f && r !== BASE) strokeLine(g, r);
  }
  g.setLineDash([]);
  g.globalAlpha = 1;
  if (BASE >= 0) { // filtered out it still stands there to compare with, dashed
    g.strokeStyle = INK.ink;
    g.lineWidth = isShown[BASE] ? 3.5 : 2;
    g.setLineDash(isShown[BASE] ? [] : [6, 4]);
    strokeLine(g, BASE);
    g.setLineDash([]);
  }
  parallel.axes.forEach((m, a) => drawAxis(g, m, parallel.xs[a]));
  surface(parallel.over, parallel.width, BOX.height);
  drawAxisList();
  byId("parallel-missing").replaceChildren(...missingTexts(parallel.axes));
}
function drawAxis(g, m, x) {
  g.fillStyle = INK.ink;
  g.textAlign = "center";
  g.font = `600 11.5px ${INK.font}`;
  const lines = wrapped(g, m.title, Math.min(parallel.gap - 10, 150), 4);
  lines.forEach((line, k) => g.fillText(line, x, 14 + 13 * (k + 4 - lines.length)));
  g.strokeStyle = INK.soft;
  g.lineWidth = 1;
  g.beginPath();
  g.moveTo(x, axisTop);
  g.lineTo(x, axisBottom);
  g.stroke();
  const brush = state.brushes.get(m.place);
  if (brush) {
    const [y0, y1] = brush.map((value) => heightOf(m, Math.min(Math.max(value, m.low), m.high)));
    g.fillStyle = INK.ink;
    g.globalAlpha = 0.18;
    g.fillRect(x - 9, Math.min(y0, y1), 18, Math.max(2, Math.abs(y1 - y0)));
    g.globalAlpha = 1;
    g.strokeStyle = INK.ink;
    g.strokeRect(x - 9, Math.min(y0, y1), 18, Math.max(2, Math.abs(y1 - y0)));
  }
  g.font = `11px ${INK.font}`;
  if (m.some) {
    const { found, decimals } = ticks(m.low, m.high, 5);
    for (const value of found) { g.beginPath(); g.moveTo(x - 3, heightOf(m, value)); g.lineTo(x + 3, heightOf(m, value)); g.stroke(); label(g, tickText(m, value, decimals), x + 6, heightOf(m, value) + 4, "left"); }
  }
  const gone = shown.filter((r) => !has(m, r)).length;
  if (gone) label(g, `${gone} not measured`, x, GONE + 18, "center");
}
function label(g, text, x, y, align) { // text that stays readable over lines
  g.textAlign = align;
  g.lineWidth = 3;
  g.strokeStyle = INK.card;
  g.strokeText(text, x, y);
  g.lineWidth = 1;
  g.strokeStyle = INK.soft;
  g.fillStyle = INK.ink;
  g.fillText(text, x, y);
}
function highlightParallel() {
  const g = parallel.over.getContext("2d");
  g.clearRect(0, 0, parallel.width, BOX.height);
  if (pointed.family !== null) { // the family over a veil
    g.fillStyle = INK.card;
    g.globalAlpha = 0.75;
    g.fillRect(0, axisTop - 4, parallel.width, BOX.height);
    g.globalAlpha = 0.8;
    g.strokeStyle = look(pointed.family).color;
    g.lineWidth = 1.5;
    for (const r of shown) if (D.family[r] === pointed.family) strokeLine(g, r);
    g.globalAlpha = 1;
  }
  for (const r of [...state.selected].slice(0, 60)) if (isShown[r]) forward(g, r, 2.5);
  if (pointed.recipe !== null) {
    forward(g, pointed.recipe, 4);
    parallel.axes.forEach((m, a) => {
      const r = pointed.recipe, x = parallel.xs[a];
      if (has(m, r)) whisker(g, x, heightOf(m, clamp(m, m.l[r])), x, heightOf(m, clamp(m, m.h[r])), lookOf(r).color);
      mark(g, "circle", x, parallel.ys[a][r], 4);
      g.fillStyle = has(m, r) ? lookOf(r).color : INK.card;
      g.fill();
      g.font = `600 12px ${INK.font}`;
      label(g, has(m, r) ? show(m, m.v[r]) : "not measured", x + 9, parallel.ys[a][r] - 7, a === parallel.xs.length - 1 && parallel.xs.length > 1 ? "right" : "left");
    });
  }
}
const clamp = (m, value) => Math.min(Math.max(value, m.low), m.high);
function forward(g, r, width) { // a line with a rim of the page's colour
  const { color, dash } = lookOf(r);
  g.strokeStyle = INK.card;
  g.lineWidth = width + 3;
  strokeLine(g, r);
  g.strokeStyle = color;
  g.lineWidth = width;
  g.setLineDash(dash);
  strokeLine(g, r);
  g.setLineDash([]);
}
function whisker(g, x0, y0, x1, y1, color) {
  if ([x0, y0, x1, y1].some(Number.isNaN)) return;
  g.strokeStyle = color;
  g.lineWidth = 2;
  g.beginPath();
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
  g.stroke();
}
// Why shown models lack values, one sentence a measure and reason.
function missingTexts(measures) {
  return measures.flatMap((m) => {
    const counts = new Map();
    for (const r of shown) if (!has(m, r)) counts.set(m.reason.get(r), (counts.get(m.reason.get(r)) ?? 0) + 1);
    return [...counts].map(([reason, n]) => element("li", {}, element("b", {}, m.title), ` not measured for ${amount(n, "model")}: ${reason}.`));
  });
}
function lineAt(x, y) {
  const xs = parallel.xs;
  let a = xs.findIndex((place) => place > x) - 1;
  if (a < 0) a = x < xs[0] ? 0 : xs.length - 2;
  if (xs.length === 1) return nearestLine((r) => Math.abs(parallel.ys[0][r] - y));
  const t = Math.min(Math.max((x - xs[a]) / (xs[a + 1] - xs[a]), 0), 1);
  return nearestLine((r) => {
    const slope = (parallel.ys[a + 1][r] - parallel.ys[a][r]) / (xs[a + 1] - xs[a]);
    return Math.abs(parallel.ys[a][r] + t * (parallel.ys[a + 1][r] - parallel.ys[a][r]) - y) / Math.hypot(1, slope);
  });
}
function nearestLine(distance) {
  let best = null, least = 10;
  for (const r of shown) { const d = distance(r) - (r === BASE ? 1 : 0); if (d < least) { least = d; best = r; } }
  return best;
}
const inParallel = findable(parallel.over, {
  find: lineAt,
  order: () => { const ys = parallel.ys[0]; return [...shown].sort((a, b) => ys[b] - ys[a]); },
  at: (r) => [parallel.xs[0], parallel.ys[0][r]],
});
let drag = null;
parallel.over.addEventListener("pointerdown", (e) => {
  const [x, y] = inParallel(e), a = parallel.xs.findIndex((place) => Math.abs(place - x) < 16);
  drag = { a, y, x, moved: false };
  if (a >= 0) parallel.over.setPointerCapture(e.pointerId);
});
parallel.over.addEventListener("pointermove", (e) => {
  if (!drag || drag.a < 0 || !e.buttons) return;
  const [, y] = inParallel(e), m = parallel.axes[drag.a];
  if (Math.abs(y - drag.y) < 4 && !drag.moved) return;
  drag.moved = true;
  brush(m, valueAt(m, drag.y), valueAt(m, y));
  changedSoon();
});
parallel.over.addEventListener("pointerup", (e) => {
  if (!drag || drag.moved) return (drag = null);
  const [x, y] = inParallel(e), r = lineAt(x, y), m = parallel.axes[drag.a];
  if (m && state.brushes.delete(m.place)) changed(); // a press on a brushed axis frees it
  else if (r !== null) { toggle(r); point(r, { x: e.clientX, y: e.clientY }); }
  drag = null;
});
parallel.over.addEventListener("pointercancel", () => (drag = null));
function brush(m, a, b) { // half a shown digit wider, so that an end at a model's value takes it in
  const slack = 0.5 * 10 ** -(m.digits + (m.percent ? 3 : 1));
  state.brushes.set(m.place, [Number((Math.min(a, b) - slack).toPrecision(9)), Number((Math.max(a, b) + slack).toPrecision(9))]);
}
