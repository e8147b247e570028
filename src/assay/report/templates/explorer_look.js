"use strict";
// Looks: Okabe and Ito's colours, with dashes and markers so that colour is never the only sign. The baseline is ink.
const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const DARK = ["#4ba6e0", "#ff8a45", "#2fc79a", "#e39cc4", "#f2b632", "#9bd8ff"];
const DASHES = [[], [7, 3], [2, 3]];
const MARKERS = ["circle", "square", "diamond", "up", "cross", "down", "x"];
let printing = false;
const INK = {}; // the theme's colours, read once a theme
function readTheme() {
  const style = getComputedStyle(root);
  for (const name of ["ink", "soft", "line", "card", "tint", "heat", "gain"]) INK[name] = style.getPropertyValue("--" + name).trim();
  INK.font = getComputedStyle(document.body).fontFamily;
  INK.palette = printing || !isDark() ? LIGHT : DARK;
}
const OTHERS = D.families.map((_, f) => f).filter((f) => BASE < 0 || f !== D.family[BASE]);
function look(f) {
  const k = OTHERS.indexOf(f);
  return k < 0 ? { color: INK.ink, dash: [], marker: "star" } : { color: INK.palette[k % 6], dash: DASHES[Math.floor(k / 6) % 3], marker: MARKERS[k % 7] };
}
const lookOf = (r) => look(D.family[r]);

// A canvas sized for the screen's pixels; drawing uses CSS pixels.
function surface(canvas, width, height) {
  const scale = Math.min(devicePixelRatio || 1, 2);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = width + "px";
  canvas.style.height = height + "px";
  const g = canvas.getContext("2d");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.font = `12px ${INK.font}`;
  g.lineJoin = "round";
  return g;
}
const STAR = Array.from({ length: 10 }, (_, k) => [Math.sin(k * Math.PI / 5) * (k % 2 ? 0.6 : 1.5), -Math.cos(k * Math.PI / 5) * (k % 2 ? 0.6 : 1.5)]);
const OUTLINES = {
  square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]], diamond: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
  up: [[0, -1.15], [1.15, 0.95], [-1.15, 0.95]], down: [[0, 1.15], [1.15, -0.95], [-1.15, -0.95]], star: STAR,
  cross: [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
  x: [[-1.1, -0.6], [-0.6, -1.1], [0, -0.5], [0.6, -1.1], [1.1, -0.6], [0.5, 0], [1.1, 0.6], [0.6, 1.1], [0, 0.5], [-0.6, 1.1], [-1.1, 0.6], [-0.5, 0]],
};
function mark(g, shape, x, y, size) {
  g.beginPath();
  if (shape === "circle") g.arc(x, y, size, 0, 7);
  else {
    for (const [dx, dy] of OUTLINES[shape]) g.lineTo(x + dx * size, y + dy * size);
    g.closePath();
  }
}
function swatch(f) {
  const canvas = element("canvas", { class: "swatch", "aria-hidden": "true" }), { color, dash, marker } = look(f), g = surface(canvas, 26, 14);
  g.strokeStyle = g.fillStyle = color;
  g.lineWidth = 2;
  g.setLineDash(dash);
  g.beginPath();
  g.moveTo(0, 7);
  g.lineTo(26, 7);
  g.stroke();
  mark(g, marker, 13, 7, 4);
  g.fill();
  return canvas;
}
// Round numbers that divide a range, about `wanted` of them.
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough), found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step);
  return { found, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}
const tickText = (m, value, decimals) => ((m.percent ? 100 * value : value).toFixed(Math.max(0, decimals - (m.percent ? 2 : 0))) + (m.percent ? " %" : "")).replace(/^-/, "−");
function wrapped(g, text, width, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (g.measureText(longer).width <= width || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  if (lines.length > most) lines.splice(most, lines.length, lines.pop());
  return lines;
}
