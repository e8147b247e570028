"use strict";
// Any two measures, better to the right and up: points, the Pareto set, the baseline's cross, and models without a value.
const scatter = { base: byId("scatter-base"), over: byId("scatter-over"), section: "pairs", draw: drawScatter, highlight: highlightScatter };
views.push(scatter);
const PAD = { left: 84, right: 20, top: 14, bottom: 74 };
function scale(m, from, to) { // pixels of a value; `from` is the worse end
  const margin = (m.high - m.low || 1) * 0.04, [low, high] = [m.low - margin, m.high + margin];
  return (value) => { const t = (value - low) / (high - low); return from + (sign(m) > 0 ? t : 1 - t) * (to - from); };
}
function drawScatter() {
  const mx = M[state.x], my = M[state.y], width = byId("scatter").clientWidth || 800, height = width < 560 ? 400 : 520;
  const right = width - PAD.right, bottom = height - PAD.bottom;
  const sx = scale(mx, PAD.left, right), sy = scale(my, bottom, PAD.top);
  // Models that lack one of the two stand beside the axis that they have, on a strip of their own.
  Object.assign(scatter, { mx, my, sx, sy, width, height, right, bottom, sideless: [mx, my].find((m) => !m.better) });
  scatter.at = (r) => [has(mx, r) ? sx(mx.v[r]) : PAD.left - 64, has(my, r) ? sy(my.v[r]) : bottom + 32];
  scatter.placed = shown.filter((r) => has(mx, r) || has(my, r));
  const g = surface(scatter.base, width, height);
  drawGrid(g);
  const best = scatter.sideless ? [] : paretoSet(shown.filter((r) => has(mx, r) && has(my, r)), (r) => sign(mx) * mx.v[r], (r) => sign(my) * my.v[r]);
  scatter.best = best;
  byId("scatter-pareto").disabled = !best.length;
  g.strokeStyle = INK.soft;
  g.lineWidth = 1.5;
  g.beginPath();
  for (const r of best) g.lineTo(...scatter.at(r));
  g.stroke();
  for (const r of best) { mark(g, "circle", ...scatter.at(r), 9); g.stroke(); }
  const size = shown.length > 200 ? 3.4 : 4.4;
  for (const r of scatter.placed) if (r !== BASE) drawPoint(g, r, size);
  if (BASE >= 0 && scatter.placed.includes(BASE)) drawPoint(g, BASE, 7);
  surface(scatter.over, width, height);
  drawScatterWords(best);
}
function drawPoint(g, r, size) {
  const { color, marker } = lookOf(r), whole = has(scatter.mx, r) && has(scatter.my, r);
  mark(g, marker, ...scatter.at(r), size);
  g.globalAlpha = whole ? 0.8 : 1;
  g.fillStyle = g.strokeStyle = color;
  g.lineWidth = 1.2;
  if (whole) g.fill();
  else g.stroke();
  g.globalAlpha = 1;
}
function drawGrid(g) {
  const { mx, my, sx, sy, right, bottom } = scatter;
  g.lineWidth = 1;
  g.fillStyle = INK.ink;
  const line = (x0, y0, x1, y1, color, dash = []) => { g.strokeStyle = color; g.setLineDash(dash); g.beginPath(); g.moveTo(x0, y0); g.lineTo(x1, y1); g.stroke(); g.setLineDash([]); };
  const across = ticks(mx.low, mx.high, right < 420 ? 4 : 8), up = ticks(my.low, my.high, 7);
  g.textAlign = "center";
  if (mx.some) for (const value of across.found) { line(sx(value), PAD.top, sx(value), bottom, INK.line); g.fillText(tickText(mx, value, across.decimals), sx(value), bottom + 16); }
  g.textAlign = "right";
  if (my.some) for (const value of up.found) { line(PAD.left, sy(value), right, sy(value), INK.line); g.fillText(tickText(my, value, up.decimals), PAD.left - 6, sy(value) + 4); }
  line(PAD.left, PAD.top, PAD.left, bottom, INK.soft);
  line(PAD.left, bottom, right, bottom, INK.soft);
  if (BASE >= 0 && has(mx, BASE)) line(sx(mx.v[BASE]), PAD.top, sx(mx.v[BASE]), bottom, INK.ink, [2, 3]);
  if (BASE >= 0 && has(my, BASE)) line(PAD.left, sy(my.v[BASE]), right, sy(my.v[BASE]), INK.ink, [2, 3]);
  g.fillStyle = INK.soft;
  if (BASE >= 0 && !scatter.sideless) g.fillText("better on both ↗", right - 4, PAD.top + 12);
  g.textAlign = "center";
  g.fillStyle = INK.ink;
  const back = (m) => (m.better < 0 ? " (reversed: lower is better)" : "");
  g.fillText(fitting(g, mx.title + back(mx), scatter.width - 8), scatter.width / 2, scatter.height - 8);
  g.save();
  g.translate(12, (PAD.top + bottom) / 2);
  g.rotate(-Math.PI / 2);
  g.fillText(fitting(g, my.title + back(my), bottom - PAD.top), 0, 0);
  g.restore();
}
function fitting(g, text, room) {
  let cut = text;
  while (cut.length > 4 && g.measureText(cut).width > room) cut = cut.slice(0, -2).replace(/…?$/, "…");
  return cut;
}
function drawScatterWords(best) {
  const { mx, my } = scatter, none = shown.filter((r) => !has(mx, r) && !has(my, r)).length, part = scatter.placed.filter((r) => !has(mx, r) || !has(my, r)).length;
  byId("scatter-said").textContent = (scatter.sideless ? `No Pareto set: ${scatter.sideless.title} has no better side.` : `${amount(best.length, "model")} in the Pareto set of the ${shown.length.toLocaleString("en")} shown.`)
    + (part ? ` ${amount(part, "model")} with one of the two values alone: hollow, at the edge.` : "") + (none ? ` ${amount(none, "model")} with neither: not drawn.` : "");
  byId("scatter-missing").replaceChildren(...missingTexts(mx === my ? [mx] : [mx, my]));
}
function highlightScatter() {
  const g = scatter.over.getContext("2d"), { mx, my, sx, sy } = scatter;
  g.clearRect(0, 0, scatter.width, scatter.height);
  if (pointed.family !== null) {
    g.fillStyle = INK.card;
    g.globalAlpha = 0.75;
    g.fillRect(PAD.left + 1, PAD.top, scatter.right - PAD.left, scatter.bottom - PAD.top - 1);
    g.globalAlpha = 1;
    for (const r of scatter.placed) if (D.family[r] === pointed.family) drawPoint(g, r, 5);
  }
  const bars = [...state.selected].filter((r) => isShown[r]).slice(0, 60);
  if (pointed.recipe !== null && !bars.includes(pointed.recipe)) bars.push(pointed.recipe);
  for (const r of bars) {
    if (!has(mx, r) && !has(my, r)) continue;
    const [x, y] = scatter.at(r), { color } = lookOf(r), main = r === pointed.recipe;
    if (has(mx, r)) whisker(g, sx(mx.l[r]), y, sx(mx.h[r]), y, color);
    if (has(my, r)) whisker(g, x, sy(my.l[r]), x, sy(my.h[r]), color);
    drawPoint(g, r, main ? 7 : 5);
    mark(g, "circle", x, y, main ? 11 : 8);
    g.strokeStyle = INK.ink;
    g.lineWidth = main ? 2 : 1;
    g.stroke();
  }
  if (box) {
    g.fillStyle = g.strokeStyle = INK.ink;
    g.globalAlpha = 0.1;
    g.fillRect(box.x, box.y, box.toX - box.x, box.toY - box.y);
    g.globalAlpha = 1;
    g.lineWidth = 1;
    g.strokeRect(box.x, box.y, box.toX - box.x, box.toY - box.y);
  }
}
function pointAt(x, y) {
  let best = null, least = 14;
  for (const r of scatter.placed) { const [px, py] = scatter.at(r), d = Math.hypot(px - x, py - y); if (d < least) { least = d; best = r; } }
  return best;
}
const inScatter = findable(scatter.over, {
  find: pointAt,
  order: () => scatter.placed.filter((r) => has(scatter.mx, r)).sort((a, b) => scatter.at(a)[0] - scatter.at(b)[0]),
  at: (r) => scatter.at(r),
  extra: () => [state.x, state.y],
});
let box = null, pressed = null; // a box that is being drawn, and where it began
scatter.over.addEventListener("pointerdown", (e) => { pressed = inScatter(e); if (e.pointerType === "mouse") scatter.over.setPointerCapture(e.pointerId); });
scatter.over.addEventListener("pointermove", (e) => {
  if (!pressed || !e.buttons || e.pointerType === "touch") return;
  const [toX, toY] = inScatter(e);
  if (!box && Math.hypot(toX - pressed[0], toY - pressed[1]) < 5) return;
  box = { x: pressed[0], y: pressed[1], toX, toY };
  highlightScatter();
});
scatter.over.addEventListener("pointerup", (e) => {
  const done = box, r = pressed && !done ? pointAt(...inScatter(e)) : null;
  box = pressed = null;
  if (done) {
    const [left, right] = [done.x, done.toX].sort((a, b) => a - b), [top, bottom] = [done.y, done.toY].sort((a, b) => a - b);
    select(scatter.placed.filter((q) => { const [x, y] = scatter.at(q); return x >= left && x <= right && y >= top && y <= bottom; }), e.shiftKey);
  } else if (r !== null) {
    toggle(r);
    point(r, { x: e.clientX, y: e.clientY }, [state.x, state.y]);
  }
});
scatter.over.addEventListener("pointercancel", () => { box = pressed = null; });
for (const name of ["x", "y"]) byId("scatter-" + name).addEventListener("change", (e) => { state[name] = Number(e.target.value); redrawn(scatter); });
byId("scatter-swap").addEventListener("click", () => { [state.x, state.y] = [state.y, state.x]; byId("scatter-x").value = state.x; byId("scatter-y").value = state.y; redrawn(scatter); });
byId("scatter-pareto").addEventListener("click", () => select(scatter.best, false));
