"use strict";
// The figures, drawn with Plotly from the page's JSON block. A figure is a function that draws what `state` says.
const D = JSON.parse(document.getElementById("data").textContent);
const state = { shown: new Set(D.shown), focus: null };
const baseline = D.recipes.findIndex((recipe) => recipe.baseline);
const byId = (id) => document.getElementById(id);
const shownList = () => D.recipes.map((_, r) => r).filter((r) => state.shown.has(r));
const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Looks: Okabe and Ito's colours, with dashes and markers so that colour is never the only sign. The baseline is ink.
const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const DARK = ["#4ba6e0", "#ff8a45", "#2fc79a", "#e39cc4", "#f2b632", "#9bd8ff"];
const DASHES = ["solid", "dash", "dot", "dashdot"];
const MARKERS = ["circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "x"];
const STROKES = { solid: "", dash: "7 4", dot: "2 3", dashdot: "7 3 2 3" };
const SHAPES = {
  circle: "M12 7a3.6 3.6 0 1 1 0 7.2a3.6 3.6 0 1 1 0-7.2", square: "M8.6 7.2h6.8v6.8h-6.8z", diamond: "M12 6l4.4 4.6l-4.4 4.6l-4.4-4.6z",
  "triangle-up": "M12 6.2l4.4 7.6h-8.8z", "triangle-down": "M12 15l4.4-7.6h-8.8z", cross: "M10.6 6.4h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8v-2.8h2.8z",
  x: "M9.2 6.4l2.8 2.6l2.8-2.6l1.6 1.6l-2.6 2.6l2.6 2.6l-1.6 1.6l-2.8-2.6l-2.8 2.6l-1.6-1.6l2.6-2.6l-2.6-2.6z", star: "M12 4.6l1.7 4h4.3l-3.4 2.7l1.3 4.3l-3.9-2.6l-3.9 2.6l1.3-4.3l-3.4-2.7h4.3z",
};
const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
function look(r) {
  if (r === baseline) return { color: css("--ink"), dash: "solid", symbol: "star", width: 3 };
  const k = r > baseline && baseline >= 0 ? r - 1 : r, colors = printing || !isDark() ? LIGHT : DARK;
  return { color: colors[k % 6], dash: DASHES[Math.floor(k / 6) % 4], symbol: MARKERS[k % 7], width: 2 };
}
const faded = (r) => (state.focus === null || state.focus === r ? 1 : 0.13);
let printing = false;

// Numbers as people read them.
const digits = (m, value) => (m.percent ? (100 * value).toFixed(m.digits) : value.toFixed(m.digits)).replace("-", "−");
const show = (m, value) => digits(m, value) + (m.percent ? " %" : "");
const has = (cell) => Array.isArray(cell);
// What of a test the model has met the like of in training.
const seenLine = (met) => (met ? `<br>‡ ${escaped(met)}` : "");
function described(m, cell) {
  const [value, low, high, n, met] = cell;
  const interval = low === null || high === null ? "no interval" : `95 % interval ${digits(m, low)}–${digits(m, high)}`;
  return `${m.metric} ${show(m, value)}<br>${interval}<br>n = ${n.toLocaleString("en")}${seenLine(met)}`;
}

// What all plots share.
function layout(extra = {}) {
  const axis = () => ({ gridcolor: css("--line"), linecolor: css("--soft"), zeroline: false, ticks: "outside", tickcolor: css("--line"), ticklen: 4, automargin: true, fixedrange: true });
  const base = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: css("--ink") },
    margin: { l: 52, r: 18, t: 16, b: 46 },
    hoverlabel: { bgcolor: css("--card"), bordercolor: css("--soft"), font: { color: css("--ink"), size: 12.5 }, align: "left", namelength: -1 },
  };
  for (const [name, value] of Object.entries(extra)) base[name] = /^[xy]axis/.test(name) ? { ...axis(), ...value } : value;
  return base;
}
const OPTIONS = { displayModeBar: false, displaylogo: false, responsive: true };
let jobs = []; // plots that are being drawn
const draw = (target, traces, how) => jobs.push(Plotly.react(target, traces, how, OPTIONS));
// Redrawing waits for plots that are being drawn, since Plotly may not purge those; what is asked for twice is drawn once.
const wanted = new Set();
let queue = Promise.resolve();
function redraw(...figures) {
  figures.forEach((figure) => wanted.add(figure));
  queue = queue.finally(() => {
    const now = [...wanted];
    wanted.clear();
    jobs = [];
    now.forEach((figure) => figure());
    return Promise.all(jobs);
  });
}
const PERCENT = { tickformat: ".0%" };
const title = (text) => ({ title: { text, standoff: 8 } });

function swatch(r) {
  const { color, dash, symbol } = look(r);
  const svg = `<svg width="24" height="20" viewBox="0 0 24 20" aria-hidden="true"><path d="M0 10.6h24" stroke="${color}" stroke-width="2" stroke-dasharray="${STROKES[dash]}"/><path d="${SHAPES[symbol]}" fill="${color}"/></svg>`;
  const holder = document.createElement("span");
  holder.innerHTML = svg; // holds our own constants only
  return holder.firstChild;
}
// A figure's legend: pressing an entry brings that recipe forward in every figure. `note(r)` is a value, or {missing: reason}.
function legend(name, note = () => "") {
  const holder = document.querySelector(`[data-legend="${name}"]`);
  holder.classList.toggle("faded", state.focus !== null);
  holder.replaceChildren(...shownList().map((r) => {
    const text = note(r), button = element("button", { type: "button", "aria-pressed": String(state.focus === r) });
    button.append(swatch(r), element("span", {}, D.recipes[r].label));
    if (text && text.missing) {
      const mark = element("span", { class: "missing" }, "not measured");
      button.dataset.tip = "not measured: " + text.missing;
      button.append(mark);
    } else if (text) button.append(element("b", {}, text));
    button.addEventListener("click", () => { state.focus = state.focus === r ? null : r; drawAll(); queue.then(() => focusLegend(name, r)); });
    return button;
  }));
}
function focusLegend(name, r) {
  const place = shownList().indexOf(r);
  document.querySelector(`[data-legend="${name}"]`).children[place]?.focus();
}
function nothing(target, text) {
  if (target.classList.contains("js-plotly-plot")) Plotly.purge(target);
  target.replaceChildren(element("p", { class: "why" }, text));
  target.style.height = "auto";
}
// A small chart with its own heading inside a grid; returns the place to draw in.
function small(grid, heading, sub = "") {
  const cell = element("div", { class: "cell" }), head = element("h4", {}, heading);
  if (sub) head.append(element("small", {}, sub));
  grid.append(element("div", {}, head, cell));
  return cell;
}
function cleared(id) {
  const grid = byId(id);
  grid.querySelectorAll(".js-plotly-plot").forEach((plot) => Plotly.purge(plot));
  grid.replaceChildren();
  return grid;
}
const lastMissing = (r, points) => {
  const cells = points.map(([, m]) => D.measures[m].cells[r]);
  return cells.some(has) ? "" : { missing: cells.find((cell) => !has(cell)) };
};

// Robustness curves.
function curve(r, points, bands) {
  const style = look(r), own = points.filter(([, m]) => has(D.measures[m].cells[r]));
  const cells = own.map(([, m]) => D.measures[m].cells[r]), x = own.map(([eps]) => eps);
  const line = {
    x, y: cells.map((c) => c[0]), mode: "lines+markers", opacity: faded(r), name: escaped(D.recipes[r].label),
    line: { color: style.color, dash: style.dash, width: style.width }, marker: { symbol: style.symbol, size: style.symbol === "star" ? 10 : 7, color: style.color },
    hovertemplate: own.map(([eps, m], k) => `<b>${escaped(D.recipes[r].label)}</b><br>ε = ${eps}<br>${described(D.measures[m], cells[k])}<extra></extra>`),
  };
  const ends = cells.map((c, k) => [x[k], c[1], c[2]]).filter(([, low, high]) => low !== null && high !== null);
  if (!bands || !ends.length) return [line];
  const band = {
    x: [...ends.map((e) => e[0]), ...ends.map((e) => e[0]).reverse()], y: [...ends.map((e) => e[2]), ...ends.map((e) => e[1]).reverse()],
    fill: "toself", fillcolor: style.color, opacity: 0.16 * faded(r), line: { width: 0 }, mode: "lines", hoverinfo: "skip",
  };
  return [band, line];
}
const budgetLayout = (points, wide) => layout({
  xaxis: { ...title(wide ? "attack budget ε" : "ε"), tickvals: points.map(([eps]) => eps) },
  yaxis: { ...(wide ? title("accuracy in the worst case") : {}), ...PERCENT, range: [-0.02, 1.02] },
  ...(wide ? {} : { margin: { l: 44, r: 12, t: 10, b: 38 } }),
});
function drawWorst() {
  const target = byId("plot-worst"), line = D.robustness.worst;
  if (!line) { legend("worst"); return nothing(target, "No worst case under attack was measured; the reasons stand below under “What was not measured”."); }
  legend("worst", (r) => lastMissing(r, line.points));
  draw(target, shownList().flatMap((r) => curve(r, line.points, true)), budgetLayout(line.points, true));
}
function drawAttacks() {
  const grid = cleared("plot-attacks"), attacks = D.robustness.attacks;
  if (!attacks.length) { grid.append(element("p", { class: "why" }, "No single attack was measured.")); return byId("plot-attacks").previousElementSibling.replaceChildren(); }
  legend("attacks", (r) => lastMissing(r, attacks.flatMap((a) => a.points)));
  const cells = attacks.map((attack) => small(grid, attack.name)); // all first, so that each is drawn at its final width
  for (const [k, attack] of attacks.entries()) {
    const points = attack.points;
    draw(cells[k], shownList().flatMap((r) => curve(r, points, false)), budgetLayout(points, false));
  }
}

// ROC curves: one chart an outlier set, for the chosen score.
function drawRoc() {
  const grid = cleared("plot-roc"), score = byId("roc-score").value, log = byId("roc-scale").value === "log";
  const sets = [...new Set(Object.values(D.roc).flatMap((own) => (typeof own === "string" ? [] : Object.keys(own))))];
  const reason = (r) => D.roc[D.recipes[r].label] ?? "curves are drawn for the first choice of recipes only, to keep this page small; the table has the AUROC";
  legend("roc", (r) => (typeof reason(r) === "string" ? { missing: reason(r) } : ""));
  if (!sets.length) return grid.append(element("p", { class: "why" }, "No anomaly scores are in the store; the reasons stand below under “What was not measured”."));
  const cells = sets.map((set) => small(grid, `Foreign images: ${setName(set)}`, seenBy(D.measures[D.auroc[`${set}/${score}`]])));
  for (const [key, place] of Object.entries(D.auroc)) {
    const [set, own] = key.split("/"), measured = D.measures[place].cells;
    if (own === score && !sets.includes(set) && !measured.some(has)) nothing(small(grid, `Foreign images: ${setName(set)}`), "not measured: " + measured[0]);
  }
  for (const [k, set] of sets.entries()) {
    const measure = D.measures[D.auroc[`${set}/${score}`]], x = log ? D.grid.slice(1) : D.grid;
    const traces = shownList().filter((r) => typeof reason(r) !== "string" && reason(r)[set]?.[score]).map((r) => {
      const style = look(r), y = reason(r)[set][score], cell = measure?.cells[r];
      const area = has(cell) ? `AUROC ${show(measure, cell[0])}<br>95 % interval ${cell[1] === null ? "none" : digits(measure, cell[1]) + "–" + digits(measure, cell[2])}<br>n = ${cell[3].toLocaleString("en")}${seenLine(cell[4])}` : "";
      return {
        x, y: log ? y.slice(1) : y, mode: "lines", opacity: faded(r), line: { color: style.color, dash: style.dash, width: style.width },
        hovertemplate: `<b>${escaped(D.recipes[r].label)}</b><br>false alarms %{x:.2%}, caught %{y:.1%}<br>${area}<extra></extra>`,
      };
    });
    traces.push({ x: D.grid.slice(log ? 1 : 0), y: D.grid.slice(log ? 1 : 0), mode: "lines", line: { color: css("--soft"), dash: "dot", width: 1 }, hoverinfo: "skip" });
    draw(cells[k], traces, layout({
      margin: { l: 52, r: 28, t: 16, b: 46 },
      xaxis: { ...title("false alarms on ordinary images"), ...(log ? { type: "log", range: [-4, 0], tickvals: [0.0001, 0.001, 0.01, 0.1, 1], ticktext: ["0.01 %", "0.1 %", "1 %", "10 %", "100 %"] } : { ...PERCENT, range: [-0.01, 1.01] }) },
      yaxis: { ...title("foreign images caught"), ...PERCENT, range: [-0.02, 1.02] },
    }));
  }
}
// Which of the drawn recipes have met images of this family in training.
function seenBy(measure) {
  const own = measure ? shownList().filter((r) => has(measure.cells[r]) && measure.cells[r][4]) : [];
  return own.length ? `‡ seen in training by ${own.length === shownList().length ? "every recipe here" : own.map((r) => D.recipes[r].label).join("; ")}` : "";
}
const setName = (name) => ({ fashion_mnist: "Fashion-MNIST", kmnist: "KMNIST" })[name] ?? name.replace(/_/g, " ");
function fillScores() {
  const scores = new Set(Object.values(D.roc).flatMap((own) => (typeof own === "string" ? [] : Object.values(own).flatMap((set) => Object.keys(set)))));
  byId("roc-score").replaceChildren(...[...scores].map((score) => element("option", { value: score }, score.replace(/_/g, " "))));
  if (scores.has("msp")) byId("roc-score").value = "msp";
}

// Reliability diagrams: one small chart a recipe.
function drawReliability() {
  const grid = cleared("plot-reliability"), ece = D.ece === null ? null : D.measures[D.ece];
  const reason = (r) => D.reliability[D.recipes[r].label] ?? "diagrams are drawn for the first choice of recipes only, to keep this page small";
  const most = Math.max(1, ...shownList().flatMap((r) => reason(r).count ?? []));
  const places = shownList().map((r) => small(grid, D.recipes[r].label, has(ece?.cells[r]) ? `ECE ${show(ece, ece.cells[r][0])}` : ""));
  for (const [place, r] of shownList().entries()) {
    const bins = reason(r), style = look(r), cell = places[place];
    if (typeof bins === "string") { nothing(cell, "not measured: " + bins); continue; }
    const filled = bins.count.map((n, k) => k).filter((k) => bins.count[k] > 0 && bins.confidence[k] !== null);
    const middle = (k) => (k + 0.5) / bins.count.length;
    cell.parentElement.style.opacity = faded(r) < 1 ? 0.35 : 1;
    draw(cell, [
      { x: [0, 1], y: [0, 1], mode: "lines", line: { color: css("--soft"), dash: "dot", width: 1 }, hoverinfo: "skip" },
      { x: filled.map((k) => bins.confidence[k]), y: filled.map((k) => bins.accuracy[k]), mode: "lines+markers", line: { color: style.color, width: 2 }, marker: { color: style.color, size: filled.map((k) => (bins.count[k] < 20 ? 4 : 7)), symbol: style.symbol },
        customdata: filled.map((k) => bins.count[k]), hovertemplate: "confidence %{x:.1%}<br>accuracy %{y:.1%}<br>n = %{customdata:,}<extra></extra>" },
      { x: bins.count.map((n, k) => middle(k)), y: bins.count, type: "bar", width: 0.9 / bins.count.length, yaxis: "y2", marker: { color: style.color, opacity: 0.55 }, hovertemplate: "%{y:,} images<extra></extra>" },
    ], layout({
      margin: { l: 40, r: 22, t: 8, b: 34 }, font: { ...layout().font, size: 11 },
      xaxis: { range: [-0.02, 1.02], tickvals: [0, 0.5, 1], ticktext: ["0", "50 %", "100 %"], anchor: "y2", ...title("confidence") },
      yaxis: { domain: [0.3, 1], range: [-0.04, 1.04], tickvals: [0, 0.5, 1], ticktext: ["0", "50 %", "100 %"] },
      yaxis2: { domain: [0, 0.22], type: "log", range: [-0.3, Math.log10(most) + 0.1], tickvals: [1, 100, 10000], ticktext: ["1", "100", "10k"] },
    }));
  }
}

// Trade-offs: any two measures, better to the right and up.
function fillMeasures() {
  for (const id of ["trade-x", "trade-y"]) {
    const groups = new Map([["The table's columns", D.headline]]);
    D.measures.forEach((m, place) => { if (!D.headline.includes(place)) groups.set(m.evaluation, [...(groups.get(m.evaluation) ?? []), place]); });
    byId(id).replaceChildren(...[...groups].map(([label, places]) => {
      const group = element("optgroup", { label });
      group.append(...places.filter((m) => D.measures[m].cells.some(has)).map((m) => element("option", { value: m }, `${D.measures[m].title} ${{ 1: "↑", "-1": "↓", 0: "" }[D.measures[m].better]}`)));
      return group;
    }));
  }
  const [clean, attack, shift] = D.primary;
  if (shift !== undefined) { byId("trade-x").value = attack; byId("trade-y").value = shift; }
  else if (attack !== undefined) { byId("trade-x").value = clean; byId("trade-y").value = attack; }
}
function drawTrade() {
  const target = byId("plot-trade"), mx = D.measures[byId("trade-x").value], my = D.measures[byId("trade-y").value];
  if (!mx || !my) { legend("trade"); return nothing(target, "Nothing is measured yet, so there is nothing to trade."); }
  const points = D.recipes.map((_, r) => ({ r, x: mx.cells[r], y: my.cells[r] })).filter((p) => has(p.x) && has(p.y));
  legend("trade", (r) => { const gone = [mx.cells[r], my.cells[r]].find((cell) => !has(cell)); return gone !== undefined ? { missing: gone } : mx.cells[r][4] || my.cells[r][4] ? "‡" : ""; });
  const best = mx.better && my.better ? paretoSet(points, (p) => mx.better * p.x[0], (p) => my.better * p.y[0]) : [], base = points.find((p) => p.r === baseline), narrow = target.clientWidth < 560;
  const bar = (cells, m) => ({ type: "data", symmetric: false, array: cells.map((c) => (c[2] ?? c[0]) - c[0]), arrayminus: cells.map((c) => c[0] - (c[1] ?? c[0])), thickness: 1, width: 0 });
  const traces = [{ x: best.map((p) => p.x[0]), y: best.map((p) => p.y[0]), mode: "lines+markers", line: { color: css("--soft"), width: 1.5 }, marker: { size: 20, symbol: "circle-open", color: css("--soft"), line: { width: 1.5 } }, hoverinfo: "skip" }];
  const said = (p) => `<b>${escaped(D.recipes[p.r].label)}</b><br>${described(mx, p.x)}<br>${described(my, p.y)}<extra></extra>`;
  const others = points.filter((p) => !state.shown.has(p.r)); // one trace, since hundreds of traces are slow
  traces.push({ x: others.map((p) => p.x[0]), y: others.map((p) => p.y[0]), mode: "markers", opacity: 0.35, marker: { color: css("--soft"), symbol: others.map((p) => (p.r === baseline ? "star" : "circle")), size: others.map((p) => (p.r === baseline ? 14 : 6)) }, hovertemplate: others.map(said) });
  for (const p of points.filter((p) => state.shown.has(p.r))) {
    const style = look(p.r);
    traces.push({
      x: [p.x[0]], y: [p.y[0]], mode: "markers", opacity: faded(p.r), marker: { color: style.color, symbol: style.symbol, size: p.r === baseline ? 14 : 10 },
      error_x: { ...bar([p.x], mx), color: style.color }, error_y: { ...bar([p.y], my), color: style.color }, hovertemplate: said(p),
    });
  }
  const axis = (m) => ({ ...title(escaped(narrow && m.title.length > 34 ? m.title.replace(/^[^:]*: /, "") : m.title) + (m.better < 0 ? " (reversed: lower is better)" : "")), ...(m.percent ? { tickformat: ".3~p", hoverformat: ".2%" } : {}), autorange: m.better < 0 ? "reversed" : true, nticks: narrow ? 5 : 8 });
  const line = (at) => ({ type: "line", line: { color: css("--ink"), width: 1, dash: "dot" }, layer: "below", ...at });
  draw(target, traces, layout({
    xaxis: axis(mx), yaxis: axis(my), margin: { l: 60, r: 22, t: 22, b: 50 },
    shapes: base ? [line({ xref: "paper", x0: 0, x1: 1, y0: base.y[0], y1: base.y[0] }), line({ yref: "paper", y0: 0, y1: 1, x0: base.x[0], x1: base.x[0] })] : [],
    annotations: base && mx.better && my.better ? [{ xref: "paper", yref: "paper", x: 1, y: 1, xanchor: "right", yanchor: "top", text: "better on both ↗", showarrow: false, font: { color: css("--soft"), size: 12 } }] : [],
  }));
}

// Example images.
function grid(part, r) {
  const own = D[part][D.recipes[r]?.label];
  if (own === undefined || typeof own === "string")
    return element("p", { class: "empty" }, "not measured: " + (own ?? "images are kept for the first choice of recipes only, to keep this page small"));
  const head = element("tr", {}, element("th", { scope: "col" }, "label"), ...own.columns.map((c) => element("th", { scope: "col" }, c.title)));
  const rows = own.columns[0].images.map((_, k) => {
    const label = own.labels[k];
    const cells = own.columns.map((c) => {
      const said = c.predictions[k], right = said === label;
      const picture = element("img", { src: D.images[c.images[k]], alt: `label ${label ?? "unknown"}, ${c.title}` + (said === undefined ? "" : `, taken for ${said}`) });
      const cell = element("td", {}, picture);
      if (said !== undefined) cell.append(label === undefined ? element("span", {}, String(said)) : element("span", { class: right ? "better" : "worse" }, `${right ? "✓" : "✗"} ${said}`));
      return cell;
    });
    return element("tr", {}, element("th", { scope: "row", class: "label" }, String(label ?? "?")), ...cells);
  });
  return element("div", { class: "scroll pictures " + part, tabindex: "0", role: "region", "aria-label": "Example images, " + part }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
}
function drawExamples() {
  const r = Number(byId("example-recipe").value);
  byId("examples-attacked").replaceChildren(grid("attacked", r));
  byId("examples-corrupted").replaceChildren(grid("corrupted", r));
}

// Training curves.
function drawTraining() {
  const target = cleared("plot-training");
  legend("training", (r) => (D.training[r].length ? "" : { missing: "no epochs of its own are recorded" }));
  const charts = [["loss", "Loss"], ["accuracy", "Accuracy on the training data"], ["robust_accuracy", "Accuracy under PGD, validation images"], ["fgsm_accuracy", "Accuracy under FGSM, validation images"]].filter(([key]) => shownList().some((r) => D.training[r].some((e) => typeof e[key] === "number")));
  const cells = charts.map(([, name]) => small(target, name));
  const epochs = Math.max(...shownList().map((r) => D.training[r].length));
  for (const [k, [key]] of charts.entries()) {
    const traces = shownList().filter((r) => D.training[r].some((e) => typeof e[key] === "number")).map((r) => {
      const style = look(r), epochs = D.training[r].filter((e) => typeof e[key] === "number");
      return {
        x: epochs.map((e) => e.epoch), y: epochs.map((e) => e[key]), mode: "lines+markers", opacity: faded(r), line: { color: style.color, dash: style.dash, width: style.width }, marker: { symbol: style.symbol, size: 6, color: style.color },
        hovertemplate: `<b>${escaped(D.recipes[r].label)}</b><br>epoch %{x}: ${key === "loss" ? "%{y:.4f}" : "%{y:.2%}"}<extra></extra>`,
      };
    });
    draw(cells[k], traces, layout({ xaxis: { ...title("epoch"), tickformat: "d", ...(epochs <= 12 ? { dtick: 1 } : {}) }, yaxis: key === "loss" ? { rangemode: "tozero" } : PERCENT }));
  }
  if (!target.children.length) target.append(element("p", { class: "why" }, "No epochs are recorded."));
}

// Which recipes are in the figures.
function drawPicker() {
  byId("picked").textContent = `${state.shown.size} of ${D.recipes.length}`;
  const wanted = byId("find").value.toLowerCase();
  byId("choices").replaceChildren(...D.recipes.map((recipe, r) => ({ recipe, r })).filter(({ recipe }) => recipe.label.toLowerCase().includes(wanted)).map(({ recipe, r }) => {
    const box = element("input", { type: "checkbox" });
    box.checked = state.shown.has(r);
    box.addEventListener("change", () => { if (box.checked) state.shown.add(r); else state.shown.delete(r); refresh(); });
    return element("label", {}, box, element("span", {}, recipe.label));
  }));
}
function refresh() {
  if (!state.shown.has(state.focus)) state.focus = null;
  byId("picked").textContent = `${state.shown.size} of ${D.recipes.length}`;
  drawAll();
}
for (const button of document.querySelectorAll("[data-pick]"))
  button.addEventListener("click", () => {
    const all = D.recipes.map((_, r) => r);
    state.shown = new Set({ default: D.shown, all, none: baseline < 0 ? [] : [baseline] }[button.dataset.pick]);
    refresh();
    drawPicker();
  });

// A report of one finished model has neither trade-offs nor training.
const FIGURES = [drawWorst, drawAttacks, drawRoc, drawReliability, ...(byId("plot-trade") ? [drawTrade] : []), ...(byId("plot-training") ? [drawTraining] : [])];
const drawAll = () => redraw(...FIGURES);
fillScores();
if (byId("plot-trade")) fillMeasures();
byId("example-recipe").replaceChildren(...D.shown.map((r) => element("option", { value: r }, D.recipes[r].label)));
byId("find").addEventListener("input", drawPicker);
for (const id of ["roc-score", "roc-scale"]) byId(id).addEventListener("change", () => redraw(drawRoc));
for (const id of ["trade-x", "trade-y"]) byId(id)?.addEventListener("change", () => redraw(drawTrade));
byId("example-recipe").addEventListener("change", drawExamples);
document.addEventListener("themechange", drawAll);
addEventListener("beforeprint", () => { printing = true; FIGURES.forEach((figure) => figure()); }); // printing does not wait
addEventListener("afterprint", () => { printing = false; drawAll(); });
drawPicker();
drawAll();
drawExamples();
