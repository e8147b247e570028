"use strict";
// Two hyper-parameters of one part: the mean of each pair of settings as a small heat map.
function pairs() {
  const byPart = new Map();
  D.parameters.forEach((parameter, k) => { if (new Set(shown.map((r) => parameter.own[r]).filter((v) => v !== null)).size > 1) byPart.set(partOf(parameter.name), [...(byPart.get(partOf(parameter.name)) ?? []), k]); });
  return [...byPart].filter(([, places]) => places.length === 2).map(([part, [a, b]]) => ({ part, a, b }));
}
function drawPairs(chart, m) {
  const { g, width, height, a, b } = chart, across = D.parameters[a].own, up = D.parameters[b].own;
  const xs = [...new Set(shown.map((r) => across[r]).filter((v) => v !== null))].sort((p, q) => p - q), ys = [...new Set(shown.map((r) => up[r]).filter((v) => v !== null))].sort((p, q) => q - p);
  const left = 58, bottom = height - 30, cw = (width - left - 8) / xs.length, ch = (bottom - 6) / ys.length;
  chart.cells = xs.flatMap((x, i) => ys.map((y, j) => {
    const mine = shown.filter((r) => across[r] === x && up[r] === y), known = mine.filter((r) => has(m, r)).map((r) => m.v[r]);
    return { x, y, px: left + i * cw, py: 6 + j * ch, known, n: mine.length, value: known.length ? mean(known) : NaN };
  }));
  Object.assign(chart, { cw, ch, columns: xs.length, rows: ys.length, at: null });
  const values = chart.cells.map((cell) => cell.value).filter((value) => !Number.isNaN(value)), low = Math.min(...values), high = Math.max(...values);
  g.font = `11px ${INK.font}`;
  for (const cell of chart.cells) {
    const t = Number.isNaN(cell.value) || high === low ? 0 : (cell.value - low) / (high - low);
    if (!Number.isNaN(cell.value)) { g.fillStyle = m.better ? INK.gain : INK.soft; g.globalAlpha = 0.08 + 0.6 * (sign(m) > 0 ? t : 1 - t); g.fillRect(cell.px, cell.py, cw - 1, ch - 1); g.globalAlpha = 1; }
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
function listenPairs(chart) {
  const place = (e) => { const area = chart.over.getBoundingClientRect(); return [e.clientX - area.left, e.clientY - area.top]; };
  chart.over.addEventListener("pointermove", (e) => {
    const [x, y] = place(e), found = chart.cells.findIndex((one) => x >= one.px && x < one.px + chart.cw && y >= one.py && y < one.py + chart.ch);
    if (found < 0) return leavePairs(chart);
    toCell(chart, found, { x: e.clientX, y: e.clientY });
  });
  for (const event of ["pointerleave", "blur"]) chart.over.addEventListener(event, () => leavePairs(chart));
  chart.over.addEventListener("keydown", (e) => {
    const move = MOVES[e.key];
    if (!move) return;
    const next = movedIn(chart, chart.at === null ? MOVES.Home : move);
    const cell = chart.cells[next], area = chart.over.getBoundingClientRect();
    toCell(chart, next, { x: area.left + cell.px + chart.cw, y: area.top + cell.py + chart.ch, keyed: true });
    e.preventDefault();
  });
}
const MOVES = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Home: [-Infinity, Infinity], End: [Infinity, -Infinity] };
// The cell so many columns and rows further, or at the grid's rim; cells stand column by column, the largest on top.
function movedIn({ at, columns, rows }, [right, down]) {
  const within = (place, count) => Math.min(Math.max(place, 0), count - 1);
  return within(Math.floor(at / rows) + right, columns) * rows + within((at % rows) + down, rows);
}
function toCell(chart, found, at) {
  const cell = chart.cells[found], m = M[state.measure], name = (k) => fieldOf(D.parameters[k].name);
  chart.at = found;
  const values = () => `${m.title}: mean ${show(m, cell.value)} of ${amount(cell.known.length, "model")}, from ${show(m, Math.min(...cell.known))} to ${show(m, Math.max(...cell.known))}`;
  say([`${name(chart.a)} ${cell.x}, ${name(chart.b)} ${cell.y}`, cell.known.length ? values() : cell.n ? `not measured for its ${amount(cell.n, "model")}` : "no shown model has this pair"], at);
  highlightPairs(chart);
}
function leavePairs(chart) {
  chart.at = null;
  highlightPairs(chart);
  unpoint();
}
function highlightPairs(chart) {
  const g = chart.over.getContext("2d"), cell = chart.cells[chart.at];
  g.clearRect(0, 0, chart.width, chart.height);
  if (!cell) return;
  g.strokeStyle = INK.ink;
  g.lineWidth = 2;
  g.strokeRect(cell.px + 1, cell.py + 1, chart.cw - 3, chart.ch - 3);
}
