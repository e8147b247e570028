"use strict";
// A chosen measure against each hyper-parameter that varies among the shown models: a dot a model, a line a family's
// mean; and for two hyper-parameters of one part, the mean of each pair as a small heat map.
const multiples = { section: "settings", draw: drawMultiples, highlight: highlightMultiples, charts: [] };
views.push(multiples);
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const fieldOf = (name) => name.slice(name.indexOf(".") + 1), partOf = (name) => name.slice(0, name.indexOf("."));
// Hyper-parameters of the same field share a chart: eps of pgd and of fgsm.
function fields() {
  const found = new Map();
  D.parameters.forEach((parameter, k) => {
    const values = new Set(shown.map((r) => parameter.own[r]).filter((value) => value !== null));
    if (values.size) found.set(fieldOf(parameter.name), [...(found.get(fieldOf(parameter.name)) ?? []), k]);
  });
  return [...found].map(([field, places]) => {
    const values = new Set(places.flatMap((k) => shown.map((r) => D.parameters[k].own[r])).filter((value) => value !== null));
    return { field, places, values: [...values].sort((a, b) => a - b) };
  }).filter(({ values }) => values.length > 1);
}
function pairs() {
  const byPart = new Map();
  D.parameters.forEach((parameter, k) => { if (new Set(shown.map((r) => parameter.own[r]).filter((v) => v !== null)).size > 1) byPart.set(partOf(parameter.name), [...(byPart.get(partOf(parameter.name)) ?? []), k]); });
  return [...byPart].filter(([, places]) => places.length === 2).map(([part, [a, b]]) => ({ part, a, b }));
}
function panel(heading, sub, height) {
  const base = element("canvas", { role: "img" }), over = element("canvas", { class: "over" });
  base.setAttribute("aria-label", heading);
  const holder = element("div", { class: "layers" }, base, over);
  const cell = element("div", {}, element("h3", {}, heading), element("p", { class: "small" }, sub), holder);
  return { cell, base, over, holder, height };
}
function drawMultiples() {
  const m = M[state.measure], charts = [];
  for (const { field, places, values } of fields()) charts.push({ ...panel(field.replace(/_/g, " "), places.map((k) => partOf(D.parameters[k].name)).join(", "), 230), places, values, draw: drawCloud });
  for (const { part, a, b } of pairs()) charts.push({ ...panel(`${part}: ${fieldOf(D.parameters[a].name)} × ${fieldOf(D.parameters[b].name)}`, "mean over the shown models of each pair", 230), a, b, draw: drawPairs });
  multiples.charts = charts;
  byId("multiples").replaceChildren(...charts.map((chart) => chart.cell));
  const widths = charts.map((chart) => chart.holder.clientWidth); // all read first, so that the page is laid out once
  charts.forEach((chart, k) => { chart.width = widths[k]; chart.g = surface(chart.base, widths[k], chart.height); surface(chart.over, widths[k], chart.height); chart.draw(chart, m); listen(chart); });
  byId("multiples-none").hidden = charts.length > 0;
  byId("multiples-missing").replaceChildren(...missingTexts([m]));
}
function range(values, m) {
  const low = Math.min(...values), high = Math.max(...values), margin = (high - low || 0.01) * 0.06;
  return { ...m, low: low - margin, high: high + margin };
}
function drawCloud(chart, m) {
  const { g, width, height, values, places } = chart, left = 50, bottom = height - 26;
  const dots = [];
  for (const k of places) for (const r of shown) { const value = D.parameters[k].own[r]; if (value !== null && has(m, r)) dots.push({ r, k, value, y: m.v[r] }); }
  chart.dots = dots;
  const lineless = BASE >= 0 && has(m, BASE) && isShown[BASE];
  if (!dots.length) { g.fillStyle = INK.soft; g.fillText("not measured for these models", left, height / 2); return; }
  const own = range([...dots.map((dot) => dot.y), ...(lineless ? [m.v[BASE]] : [])], m);
  const sy = (value) => bottom - ((sign(m) > 0 ? value - own.low : own.high - value) / (own.high - own.low)) * (bottom - 10);
  const series = [...new Set(dots.map((dot) => `${D.family[dot.r]}:${dot.k}`))], step = (width - left - 12) / values.length;
  const middle = (value) => left + step * (values.indexOf(value) + 0.5), shift = (name) => (series.length > 1 ? (series.indexOf(name) / (series.length - 1) - 0.5) * step * 0.6 : 0);
  drawScale(g, own, sy, left, width, bottom);
  g.textAlign = "center";
  for (const value of values) g.fillText(String(value), middle(value), height - 8);
  if (lineless) { g.strokeStyle = INK.ink; g.setLineDash([2, 3]); g.beginPath(); g.moveTo(left, sy(m.v[BASE])); g.lineTo(width - 6, sy(m.v[BASE])); g.stroke(); g.setLineDash([]); }
  for (const dot of dots) { dot.px = middle(dot.value) + shift(`${D.family[dot.r]}:${dot.k}`); dot.py = sy(dot.y); }
  for (const name of series) {
    const [f, k] = name.split(":").map(Number), mine = dots.filter((dot) => D.family[dot.r] === f && dot.k === k), { color, dash, marker } = look(f);
    g.fillStyle = g.strokeStyle = color;
    g.globalAlpha = 0.45;
    for (const dot of mine) { mark(g, marker, dot.px, dot.py, 2.6); g.fill(); }
    g.globalAlpha = 1;
    g.lineWidth = 2;
    g.setLineDash(dash);
    g.beginPath();
    for (const value of values) { const here = mine.filter((dot) => dot.value === value).map((dot) => dot.y); if (here.length) g.lineTo(middle(value) + shift(name), sy(mean(here))); }
    g.stroke();
    g.setLineDash([]);
  }
}
function drawScale(g, m, sy, left, width, bottom) {
  const { found, decimals } = ticks(m.low, m.high, 4);
  g.font = `11px ${INK.font}`;
  g.textAlign = "right";
  g.fillStyle = INK.ink;
  g.lineWidth = 1;
  for (const value of found) {
    g.strokeStyle = INK.line;
    g.beginPath();
    g.moveTo(left, sy(value));
    g.lineTo(width - 6, sy(value));
    g.stroke();
    g.fillText(tickText(m, value, decimals), left - 5, sy(value) + 4);
  }
}
function drawPairs(chart, m) {
  const { g, width, height, a, b } = chart, across = D.parameters[a].own, up = D.parameters[b].own;
  const xs = [...new Set(shown.map((r) => across[r]).filter((v) => v !== null))].sort((p, q) => p - q), ys = [...new Set(shown.map((r) => up[r]).filter((v) => v !== null))].sort((p, q) => q - p);
  const left = 58, bottom = height - 30, cw = (width - left - 8) / xs.length, ch = (bottom - 6) / ys.length;
  chart.cells = xs.flatMap((x, i) => ys.map((y, j) => {
    const mine = shown.filter((r) => across[r] === x && up[r] === y), known = mine.filter((r) => has(m, r)).map((r) => m.v[r]);
    return { x, y, px: left + i * cw, py: 6 + j * ch, known, n: mine.length, value: known.length ? mean(known) : NaN };
  }));
  Object.assign(chart, { cw, ch });
  const values = chart.cells.map((cell) => cell.value).filter((value) => !Number.isNaN(value)), low = Math.min(...values), high = Math.max(...values);
  g.font = `11px ${INK.font}`;
  for (const cell of chart.cells) {
    const t = Number.isNaN(cell.value) || high === low ? 0 : (cell.value - low) / (high - low);
    if (!Number.isNaN(cell.value)) { g.fillStyle = INK.gain; g.globalAlpha = 0.08 + 0.6 * (sign(m) > 0 ? t : 1 - t); g.fillRect(cell.px, cell.py, cw - 1, ch - 1); g.globalAlpha = 1; }
    g.fillStyle = INK.ink;
    g.textAlign = "center";
    g.fillText(Number.isNaN(cell.value) ? (cell.n ? "n. m." : "none") : digits(m, cell.value), cell.px + cw / 2, cell.py + ch / 2 + 4);
  }
  xs.forEach((x, i) => g.fillText(String(x), left + (i + 0.5) * cw, bottom + 12));
  g.fillText(fieldOf(D.parameters[a].name), left + (width - left) / 2, height - 4);
  g.textAlign = "right";
  ys.forEach((y, j) => g.fillText(String(y), left - 6, 6 + (j + 0.5) * ch + 4));
  g.textAlign = "left";
  g.fillText(fieldOf(D.parameters[b].name), 2, 14);
}
function listen(chart) {
  const where = (e) => { const area = chart.over.getBoundingClientRect(); return [e.clientX - area.left, e.clientY - area.top]; };
  const dotAt = (x, y) => (chart.dots ?? []).reduce((best, dot) => { const d = Math.hypot(dot.px - x, dot.py - y); return d < best.d ? { d, r: dot.r } : best; }, { d: 12, r: null }).r;
  chart.over.addEventListener("pointermove", (e) => {
    const [x, y] = where(e), at = { x: e.clientX, y: e.clientY };
    if (chart.dots) return point(dotAt(x, y), at, [state.measure]);
    const cell = (chart.cells ?? []).find((one) => x >= one.px && x < one.px + chart.cw && y >= one.py && y < one.py + chart.ch), m = M[state.measure];
    if (!cell) return unpoint();
    const name = `${fieldOf(D.parameters[chart.a].name)} ${cell.x}, ${fieldOf(D.parameters[chart.b].name)} ${cell.y}`;
    say([name, cell.known.length ? `${m.title}: mean ${show(m, cell.value)} of ${amount(cell.known.length, "model")}, from ${show(m, Math.min(...cell.known))} to ${show(m, Math.max(...cell.known))}` : cell.n ? `not measured for its ${amount(cell.n, "model")}` : "no shown model has this pair"], at);
  });
  chart.over.addEventListener("pointerleave", unpoint);
  chart.over.addEventListener("click", (e) => { const r = dotAt(...where(e)); if (r !== null) toggle(r); });
}
function highlightMultiples() {
  for (const chart of multiples.charts) {
    if (!chart.dots) continue;
    const g = chart.over.getContext("2d");
    g.clearRect(0, 0, chart.width, chart.height);
    for (const dot of chart.dots) {
      const main = dot.r === pointed.recipe;
      if (!main && !state.selected.has(dot.r) && (pointed.family === null || D.family[dot.r] !== pointed.family)) continue;
      const { color, marker } = lookOf(dot.r);
      g.fillStyle = color;
      g.strokeStyle = INK.ink;
      g.lineWidth = main ? 2 : 1;
      mark(g, marker, dot.px, dot.py, main ? 6 : 4);
      g.fill();
      g.stroke();
    }
  }
}
byId("multiples-measure").addEventListener("change", (e) => { state.measure = Number(e.target.value); redrawn(multiples); });
