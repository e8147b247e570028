"use strict";
// The table of all shown models: sorted, selected ones on top, rows drawn in slices as they are scrolled to. A press in
// it marks a row and leaves the order, so that nothing moves away under the pointer or the focus.
const table = { section: "models", draw: drawTable, highlight: highlightTable, rows: [], drawn: 0, stop: -1 };
views.push(table);
const SLICE = 40;
const body = byId("table-body"), frame = byId("table-frame");
// Best first or worst first by a measure, or the study's order or the alphabet's; missing values stay last.
function ordered(recipes, { by, down }) {
  if (by === -1) return down ? [...recipes].sort((a, b) => D.recipes[a].localeCompare(D.recipes[b], "en", { numeric: true })) : [...recipes];
  const m = M[by], way = sign(m) * (down ? -1 : 1);
  return [...recipes].sort((a, b) => has(m, b) - has(m, a) || (has(m, a) ? way * (m.v[b] - m.v[a]) : 0) || a - b);
}
function drawTable() {
  const own = ordered(state.only ? [...state.selected].sort((a, b) => a - b) : shown, state.sort);
  table.rows = state.only ? own : [...own.filter((r) => state.selected.has(r)), ...own.filter((r) => !state.selected.has(r))];
  const again = document.activeElement?.dataset?.sort;
  byId("table-head").replaceChildren(head(-1, "Recipe"), ...state.axes.map((k) => head(k, titled(M[k]))));
  if (again) document.querySelector(`#table-head [data-sort="${again}"]`)?.focus();
  const place = [...body.rows].indexOf(document.activeElement?.closest("tr")), { drawn } = table, top = frame.scrollTop;
  body.replaceChildren();
  table.drawn = 0;
  moreRows();
  if (place >= 0) { // whoever walks the rows stays where they are
    while (table.drawn < Math.min(drawn, table.rows.length)) moreRows();
    (rowFor(table.stop) ?? body.rows[Math.min(place, table.drawn - 1)] ?? frame).focus({ preventScroll: true });
    frame.scrollTop = top;
  }
  stopAt(rowFor(table.stop) ?? body.rows[0]);
  byId("copied").textContent = "";
  drawTableWords();
}
function drawTableWords() {
  document.querySelector("table.models").setAttribute("aria-rowcount", table.rows.length + 1);
  byId("only").checked = state.only;
  byId("only").disabled = !state.selected.size;
  const outside = [...state.selected].filter((r) => !isShown[r]).length;
  byId("table-said").textContent = `${amount(table.rows.length, "row")}` + (outside && !state.only ? `; ${outside} selected but filtered out` : "");
}
function markTable() {
  for (const row of body.rows) row.setAttribute("aria-selected", String(state.selected.has(Number(row.dataset.r))));
  drawTableWords();
}
// The one row that the Tab key stops at; the arrow keys go on from it.
function stopAt(row) {
  for (const other of body.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
  if (!row) return;
  row.tabIndex = 0;
  table.stop = Number(row.dataset.r);
}
function head(k, text) {
  const now = state.sort.by === k && (k !== -1 || state.sort.down), how = !now ? "none" : k === -1 || (sign(M[k]) > 0) === state.sort.down ? "ascending" : "descending";
  const button = element("button", { type: "button", "data-sort": k, click: () => {
    if (state.sort.by !== k) state.sort = { by: k, down: k === -1 };
    else if (!state.sort.down && k !== -1) state.sort.down = true;
    else state.sort = { by: -1, down: k === -1 && !state.sort.down };
    redrawn(table);
  } }, text);
  return element("th", { scope: "col", "aria-sort": how }, button);
}
function moreRows() {
  const rows = table.rows.slice(table.drawn, table.drawn + SLICE).map((r, k) => tableRow(r, table.drawn + k));
  table.drawn += rows.length;
  body.append(...rows);
}
function tableRow(r, place) {
  const name = element("th", { scope: "row" }, swatch(D.family[r]), element("span", {}, D.recipes[r] + (r === BASE ? " ★" : "")));
  const row = element("tr", { tabindex: -1, "data-r": r, "aria-rowindex": place + 2, "aria-selected": String(state.selected.has(r)), class: r === BASE ? "baseline" : false }, name);
  for (const k of state.axes) row.append(tableCell(M[k], r));
  return row;
}
function tableCell(m, r) {
  if (!has(m, r)) return element("td", { class: "none", title: "not measured: " + m.reason.get(r) }, "not measured");
  const judged = verdict(m, r);
  const value = element("b", {}, show(m, m.v[r]));
  if (m.met.has(r)) value.append(element("span", { class: "seen", title: m.met.get(r) }, "‡"), element("span", { class: "sr" }, ` (${m.met.get(r)})`));
  return element("td", {}, value, element("span", { class: judged || false }, `${SYMBOLS[judged]} ${difference(m, r)}`));
}
const rowFor = (r) => body.querySelector(`tr[data-r="${r}"]`);
function highlightTable() {
  for (const row of body.rows) {
    const r = Number(row.dataset.r);
    row.classList.toggle("pointed", r === pointed.recipe);
    row.classList.toggle("dim", pointed.family !== null && D.family[r] !== pointed.family);
  }
}
const recipeOf = (e) => { const row = e.target.closest("tr"); return row ? Number(row.dataset.r) : null; };
body.addEventListener("pointermove", (e) => point(recipeOf(e), { x: e.clientX, y: e.clientY }));
body.addEventListener("pointerleave", unpoint);
body.addEventListener("focusin", (e) => { stopAt(e.target.closest("tr")); if (e.target.matches(":focus-visible")) point(recipeOf(e), e.target); });
body.addEventListener("focusout", unpoint);
body.addEventListener("click", (e) => { const r = recipeOf(e); if (r !== null && !String(getSelection())) toggle(r, false); });
body.addEventListener("keydown", (e) => {
  const row = e.target.closest("tr");
  if (e.key === "Enter" || e.key === " ") toggle(recipeOf(e), false);
  else if (e.key === "ArrowDown") { if (!row.nextElementSibling) moreRows(); row.nextElementSibling?.focus(); }
  else if (e.key === "ArrowUp") row.previousElementSibling?.focus();
  else if (e.key === "Home") body.rows[0].focus();
  else if (e.key === "End") { while (table.drawn < table.rows.length) moreRows(); body.rows[table.drawn - 1].focus(); }
  else return;
  e.preventDefault();
});
frame.addEventListener("scroll", () => { if (frame.scrollTop + frame.clientHeight > frame.scrollHeight - 400) moreRows(); }, { passive: true });
byId("only").addEventListener("change", (e) => { state.only = e.target.checked; redrawn(table); });
