"use strict";
// The selection, or what is shown where nothing is selected, as CSV: a file, or on the clipboard.
const csvText = (text) => { const safe = /^[=+\-@\t\r]/.test(text) ? "'" + text : text; return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe; };
const csvNumber = (value) => (Number.isNaN(value) ? "" : String(value));
function csv() {
  const recipes = state.selected.size ? all.filter((r) => state.selected.has(r)) : table.rows;
  const lines = [["study", "preset", "recipe", "family", "seeds", "limit", "measure", "value", "low", "high", "n", "reason", "seen"]];
  for (const r of recipes) for (const k of state.axes) {
    const m = M[k];
    lines.push([D.study, D.preset ?? "", D.recipes[r], D.families[D.family[r]], D.seeds[r], D.limit === null ? "" : String(D.limit), m.title].map(csvText)
      .concat(csvNumber(m.v[r]), csvNumber(m.l[r]), csvNumber(m.h[r]), has(m, r) ? String(m.count(r)) : "", csvText(m.reason.get(r) ?? ""), csvText(m.met.get(r) ?? "")));
  }
  return lines.map((line) => line.join(",")).join("\n") + "\n";
}
const what = () => amount(state.selected.size || table.rows.length, state.selected.size ? "selected model" : "shown model");
byId("download").addEventListener("click", () => {
  const link = element("a", { href: URL.createObjectURL(new Blob([csv()], { type: "text/csv" })), download: `${D.study.replace(/[^\w-]/g, "_")}-models.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  byId("copied").textContent = `Saved ${what()}.`;
});
byId("copy").addEventListener("click", async () => {
  const text = csv();
  try {
    await navigator.clipboard.writeText(text);
    byId("copied").textContent = `Copied ${what()}.`;
  } catch { // without a clipboard to write to, the text is offered to be copied by hand
    byId("csv").hidden = false;
    byId("csv").value = text;
    byId("csv").select();
    byId("copied").textContent = "This browser keeps the clipboard shut: copy the text below.";
  }
});
