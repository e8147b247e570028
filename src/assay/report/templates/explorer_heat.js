"use strict";
// Shown models x corruptions. The canvas is as large as its window and draws the rows that are in sight.
const heat = { section: "corruptions", draw: drawHeat, highlight: highlightHeat, rows: [] };
views.push(heat);
byId("heat-whole").hidden = !D.corruptions.length;
byId("heat-none").hidden = D.corruptions.length > 0;
const heatFrame = byId("heat-frame"), heatBase = byId("heat-base"), heatOver = byId("heat-over");
const worth = (m, r) => (state.heat.mode === "difference" && BASE >= 0 ? m.v[r] - m.v[BASE] : m.v[r]);
function drawHeat() {
  if (!D.corruptions.length) return;
  const by = state.heat.by >= 0 ? state.heat.by : D.corruptions.find(([name]) => name === "mean")?.[1] ?? D.corruptions[0][1];
  heat.by = by;
  heat.rows = ordered(shown, { by, down: false });
  const room = heatFrame.clientWidth || 900;
  heat.name = room < 700 ? 130 : 330;
  heat.width = Math.max(room, heat.name + D.corruptions.length * 34);
  heat.cw = (heat.width - heat.name) / D.corruptions.length;
  heat.window = Math.min(620, Math.max(60, heat.rows.length * 18));
  heat.ch = state.heat.rows === "all" ? Math.min(18, heat.window / Math.max(1, heat.rows.length)) : 18;
  byId("heat-inner").style.width = heat.width + "px";
  byId("heat-rows").style.height = Math.max(heat.rows.length * heat.ch, heat.window) + "px";
  heatFrame.style.maxHeight = heat.window + 112 + "px";
  byId("heat-head").style.gridTemplateColumns = `${heat.name}px repeat(${D.corruptions.length}, ${heat.cw}px)`;
  for (const button of byId("heat-head").querySelectorAll("button")) button.setAttribute("aria-pressed", String(Number(button.dataset.m) === by));
  for (const [name, value] of [["heat-mode", state.heat.mode], ["heat-size", state.heat.rows]]) document.querySelector(`input[name="${name}"][value="${value}"]`).checked = true;
  paintHeat();
  byId("heat-missing").replaceChildren(...missingTexts(D.corruptions.map(([, k]) => M[k])).slice(0, 6));
}
function paintHeat() {
  const g = surface(heatBase, heat.width, heat.window), top = heatFrame.scrollTop, from = Math.floor(top / heat.ch);
  const until = Math.min(heat.rows.length, Math.ceil((top + heat.window) / heat.ch)), text = heat.ch >= 15, numbers = text && heat.cw >= 32;
  g.font = `10.5px ${INK.font}`;
  for (let place = from; place < until; place++) {
    const r = heat.rows[place], y = place * heat.ch - top, { color } = lookOf(r);
    g.fillStyle = color;
    g.fillRect(0, y, 5, heat.ch);
    if (text) { g.fillStyle = INK.ink; g.textAlign = "left"; g.fillText(fitting(g, D.recipes[r] + (r === BASE ? " ★" : ""), heat.name - 14), 10, y + 13); }
    D.corruptions.forEach(([, k], c) => paintCell(g, M[k], r, heat.name + c * heat.cw, y, numbers));
  }
  surface(heatOver, heat.width, heat.window);
}
function paintCell(g, m, r, x, y, numbers) {
  const gap = heat.ch > 6 ? 1 : 0;
  if (!has(m, r)) { // hatched: never a value
    g.strokeStyle = INK.soft;
    g.lineWidth = 0.6;
    g.beginPath();
    g.moveTo(x + 2, y + heat.ch - 1);
    g.lineTo(x + heat.cw - 3, y + 1);
    g.stroke();
    return;
  }
  const value = worth(m, r), byDifference = state.heat.mode === "difference";
  if (Number.isNaN(value)) return; // the baseline was not measured
  g.fillStyle = !byDifference || value < 0 ? INK.heat : INK.gain;
  g.globalAlpha = byDifference ? Math.min(0.85, Math.abs(value) * 2.2) : Math.min(0.9, 1 - value);
  if (g.globalAlpha > 0.004) g.fillRect(x, y, heat.cw - gap, heat.ch - gap);
  g.globalAlpha = 1;
  if (!numbers) return;
  g.fillStyle = INK.ink;
  g.textAlign = "center";
  g.fillText((byDifference && r !== BASE ? difference(m, r) : digits(m, m.v[r])) + (m.met.has(r) ? "‡" : ""), x + heat.cw / 2, y + 13);
}
function highlightHeat() {
  if (!heat.width) return;
  const g = heatOver.getContext("2d");
  g.clearRect(0, 0, heat.width, heat.window);
  heat.rows.forEach((r, place) => {
    const y = place * heat.ch - heatFrame.scrollTop;
    if (y < -heat.ch || y > heat.window) return;
    if (pointed.family !== null && D.family[r] !== pointed.family) { g.fillStyle = INK.card; g.globalAlpha = 0.7; g.fillRect(0, y, heat.width, heat.ch); g.globalAlpha = 1; }
    if (r !== pointed.recipe && !state.selected.has(r)) return;
    g.strokeStyle = INK.ink;
    g.lineWidth = r === pointed.recipe ? 2 : 1;
    g.strokeRect(1, y, heat.width - 2, Math.max(heat.ch - 1, 2));
  });
}
if (D.corruptions.length) {
  const inHeat = findable(heatOver, {
    find: (x, y) => heat.rows[Math.floor((y + heatFrame.scrollTop) / heat.ch)] ?? null,
    order: () => [...heat.rows].reverse(),
    at: (r) => {
      const place = heat.rows.indexOf(r);
      if (place * heat.ch < heatFrame.scrollTop || (place + 1) * heat.ch > heatFrame.scrollTop + heat.window) { heatFrame.scrollTop = place * heat.ch - heat.window / 2; paintHeat(); }
      return [heat.name, place * heat.ch - heatFrame.scrollTop];
    },
    extra: () => [heat.column ?? heat.by],
  });
  heatOver.addEventListener("pointermove", (e) => { const c = Math.floor((inHeat(e)[0] - heat.name) / heat.cw); heat.column = D.corruptions[c]?.[1]; }, { capture: true });
  heatOver.addEventListener("click", (e) => { const r = heat.rows[Math.floor((inHeat(e)[1] + heatFrame.scrollTop) / heat.ch)]; if (r !== undefined) toggle(r); });
  heatFrame.addEventListener("scroll", () => { paintHeat(); highlightHeat(); }, { passive: true });
  byId("heat-head").append(...D.corruptions.map(([name, k]) => element("button", { type: "button", "data-m": k, "aria-pressed": "false", title: `Sort by ${name}`, click: () => { state.heat.by = k; redrawn(heat); } }, element("span", {}, name))));
  for (const [name, key] of [["heat-mode", "mode"], ["heat-size", "rows"]])
    for (const radio of document.querySelectorAll(`input[name="${name}"]`)) radio.addEventListener("change", () => { state.heat[key] = radio.value; redrawn(heat); });
}
