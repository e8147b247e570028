"use strict";
// Everything put together: the first drawing, and what redraws all.
function fillMenus() {
  measureMenu(byId("scatter-x"), state.x);
  measureMenu(byId("scatter-y"), state.y);
  measureMenu(byId("multiples-measure"), state.measure);
}
function themed() {
  readTheme();
  drawAll();
}
if (matchMedia("(max-width: 1000px)").matches) for (const part of document.querySelectorAll("#filters details")) part.open = false;
readTheme();
restore();
fillMenus();
filter();
drawAll();
document.addEventListener("themechange", themed);
addEventListener("hashchange", () => { if (location.hash.startsWith("#?") || !location.hash) { restore(); fillMenus(); filter(); drawAll(); } });
let measured = innerWidth;
addEventListener("resize", () => { if (innerWidth !== measured) { measured = innerWidth; requestAnimationFrame(() => drawAll()); } });
for (const [event, value] of [["beforeprint", true], ["afterprint", false]])
  addEventListener(event, () => { printing = value; readTheme(); drawAll(true); });
// Links inside the page scroll without taking the view's place in the address.
for (const link of document.querySelectorAll('a[href^="#"]'))
  link.addEventListener("click", (e) => { e.preventDefault(); const goal = document.querySelector(link.getAttribute("href")); goal.scrollIntoView(); goal.focus({ preventScroll: true }); });
