"use strict";
// A chosen measure against each hyper-parameter that varies among the shown models: a dot a model, a line a family's mean.
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
function panel(heading, sub, keys) {
  const base = element("canvas"), over = element("canvas", { class: "over", tabindex: 0, role: "application", "aria-roledescription": "chart", "aria-label": `${M[state.measure].title}: ${heading}. ${keys}` });
  const holder = element("div", { class: "layers" }, base, over);
  const cell = element("div", {}, element("h3", {}, heading), element("p", { class: "small" }, sub), holder);
  return { heading, cell, base, over, holder, height: 230 };
}
function drawMultiples() {
  const m = M[state.measure], charts = [];
  for (const { field, places, values } of fields()) charts.push({ ...panel(field.replace(/_/g, " "), places.map((k) => partOf(D.parameters[k].name)).join(", "), "Arrow keys go from model to model, Enter selects."), places, values, draw: drawCloud, listen: listenCloud });
  for (const { part, a, b } of pairs()) charts.push({ ...panel(`${part}: ${fieldOf(D.parameters[a].name)} × ${fieldOf(D.parameters[b].name)}`, "mean over the shown models of each pair", "Arrow keys go from pair to pair."), a, b, draw: drawPairs, listen: listenPairs });
  byId("multiples-whole").hidden = !charts.length;
  multiples.charts = charts;
  byId("multiples").replaceChildren(...charts.map((chart) => chart.cell));
  const widths = charts.map((chart) => chart.holder.clientWidth); // all read first, so that the page is laid out once
  charts.forEach((chart, k) => { chart.width = widths[k]; chart.g = surface(chart.base, widths[k], chart.height); surface(chart.over, widths[k], chart.height); chart.draw(chart, m); chart.listen(chart); });
  const none = byId("multiples-none");
  none.hidden = charts.length > 0;
  none.textContent = filtered() && D.parameters.length ? "No hyper-parameter takes two values among the shown models: clear some filters to see more of them."
    : "Nothing to draw: no hyper-parameter takes two values here. Recipes that differ in one, such as pgd(eps=0.2) and pgd(eps=0.3), would stand here side by side.";
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
function listenCloud(chart) {
  const dotAt = (x, y) => chart.dots.reduce((best, dot) => { const d = Math.hypot(dot.px - x, dot.py - y); return d < best.d ? { d, r: dot.r } : best; }, { d: 12, r: null }).r;
  const inCloud = findable(chart.over, {
    find: dotAt,
    order: () => [...new Set([...chart.dots].sort((a, b) => a.px - b.px || b.py - a.py).map((dot) => dot.r))],
    at: (r) => { const dot = chart.dots.find((one) => one.r === r); return [dot.px, dot.py]; },
    extra: () => [state.measure],
  });
  chart.over.addEventListener("click", (e) => { const r = dotAt(...inCloud(e)); if (r !== null) toggle(r); });
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
