"use strict";
// The ranking by the sliders' weights: the same sums as assay.analysis.ranking, from the shares in the table's rows.
(() => {
  const table = document.getElementById("ranked");
  if (!table) return;
  const FIRST = 50; // rows that show before "show all"
  const body = table.tBodies[0], sliders = [...document.querySelectorAll("#weights input")];
  const every = document.getElementById("all"), shown = document.getElementById("shown");
  const rows = [...body.rows].map((row, place) => ({
    row, place, shares: row.dataset.shares.split(",").map((text) => (text === "" ? null : Number(text))),
    rank: row.querySelector(".place"), score: row.querySelector(".score"),
  }));
  let whole = false;
  // A score in millionths: sums in another order are the same score.
  const scored = (item, weights, total) =>
    Math.round((1e6 * item.shares.reduce((sum, share, axis) => sum + (weights[axis] ? weights[axis] * share : 0), 0)) / total);
  function rank() {
    const weights = sliders.map((slider) => Number(slider.value)), total = weights.reduce((a, b) => a + b, 0);
    sliders.forEach((slider, axis) => {
      const part = total ? ` (${Math.round((100 * weights[axis]) / total)} %)` : "";
      slider.nextElementSibling.textContent = weights[axis].toFixed(2).replace(/\.?0+$/, "") + part;
    });
    document.getElementById("unweighted").hidden = total > 0;
    if (!total) return;
    const lacks = (item) => item.shares.some((share, axis) => share === null && weights[axis] > 0);
    const able = rows.filter((item) => !lacks(item)), unable = rows.filter(lacks);
    for (const item of able) item.now = scored(item, weights, total);
    able.sort((a, b) => b.now - a.now || a.place - b.place);
    able.forEach((item, k) => {
      item.number = k && able[k - 1].now === item.now ? able[k - 1].number : k + 1;
      item.rank.textContent = item.number;
      item.score.textContent = (item.now / 1e6).toFixed(3);
      item.row.hidden = !whole && k >= FIRST && !item.row.classList.contains("baseline");
    });
    for (const item of unable) item.row.hidden = true;
    body.append(...able.map((item) => item.row), ...unable.map((item) => item.row));
    const visible = able.filter((item) => !item.row.hidden).length;
    every.hidden = able.length <= FIRST;
    every.textContent = whole ? `show the first ${FIRST}` : `show all ${able.length}`;
    shown.textContent = `${visible} of ${able.length} ranked recipes` + (unable.length ? `; ${unable.length} lack a weighted axis and are not ranked (reasons below)` : "");
  }
  sliders.forEach((slider) => slider.addEventListener("input", rank));
  every.addEventListener("click", () => { whole = !whole; rank(); });
  document.getElementById("equal").addEventListener("click", () => { sliders.forEach((slider) => (slider.value = 1)); rank(); });
  rank();
})();
