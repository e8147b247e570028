"use strict";
// Theme, tooltips and sorting: what the page does without figures.
const root = document.documentElement;
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";
const themeChanged = () => document.dispatchEvent(new Event("themechange"));
document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  themeChanged();
});
systemDark.addEventListener("change", themeChanged);

const tip = document.getElementById("tip");
function showTip(target) {
  tip.textContent = target.dataset.tip;
  tip.hidden = false;
  const at = target.getBoundingClientRect(), own = tip.getBoundingClientRect();
  const left = Math.min(Math.max(12, at.left + at.width / 2 - own.width / 2), innerWidth - own.width - 12);
  tip.style.left = left + "px";
  tip.style.top = (at.top - own.height - 8 > 0 ? at.top - own.height - 8 : at.bottom + 8) + "px";
}
for (const event of ["mouseover", "focusin", "click"])
  document.addEventListener(event, (e) => {
    const target = e.target instanceof Element && e.target.closest("[data-tip]");
    if (target) showTip(target);
    else if (event !== "focusin") tip.hidden = true;
  });
document.addEventListener("focusout", () => (tip.hidden = true));
document.addEventListener("keydown", (e) => { if (e.key === "Escape") tip.hidden = true; });
document.addEventListener("scroll", () => (tip.hidden = true), { capture: true, passive: true });

// Tables that are wider than their frame fade at the edge behind which more stands.
function fade(frame) {
  const beyond = frame.scrollWidth - frame.clientWidth;
  frame.classList.toggle("beyond", beyond > 1 && frame.scrollLeft < beyond - 1);
}
const resized = new ResizeObserver((entries) => entries.forEach((entry) => fade(entry.target.closest(".scroll"))));
function watch(part) {
  for (const frame of part.querySelectorAll(".scroll")) {
    frame.addEventListener("scroll", () => fade(frame), { passive: true });
    for (const item of [frame, ...frame.children]) resized.observe(item);
  }
}
watch(document);
for (const part of document.querySelectorAll("#examples-attacked, #examples-corrupted")) // tables drawn later
  new MutationObserver(() => watch(part)).observe(part, { childList: true });

// Sorting: best first, worst first, then the study's order again. Missing values stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], original = [...body.rows];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, place) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const first = button.dataset.sort === "down" ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const now = head.getAttribute("aria-sort");
      const next = now === "none" ? first : now === first ? second : "none";
      heads.forEach((other) => other.hasAttribute("aria-sort") && other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", next);
      body.append(...(next === "none" ? original : sorted(original, place, next === "ascending" ? 1 : -1, button.dataset.sort)));
    });
  });
}
function sorted(rows, place, sign, kind) {
  const key = (row) => {
    const cell = row.cells[place];
    if (kind === "text") return cell.textContent.trim();
    return !cell || cell.dataset.value === "" || cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  };
  return [...rows].sort((a, b) => {
    const x = key(a), y = key(b);
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (kind === "text" ? x.localeCompare(y, "en", { numeric: true }) : x - y);
  });
}
for (const radio of document.querySelectorAll('input[name="heat"]'))
  radio.addEventListener("change", () => (document.querySelector("#shift table.heat").dataset.show = radio.value));
