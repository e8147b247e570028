"use strict";
// The view in the address: everything behind "#?", so that a copied address opens the same view.
const NUMBER = /^-?[\d.]+(e-?\d+)?$/i;
const endOf = (word) => (NUMBER.test(word) || /^-?Infinity$/.test(word) ? Number(word) : NaN);
const placeOf = (id) => M.findIndex((m) => m.id === id);
function written() {
  const found = new URLSearchParams(), plain = fresh();
  if (state.query) found.set("find", state.query);
  for (const f of state.families) found.append("family", D.families[f]);
  for (const [k, chosen] of state.parameters) found.append("with", `${D.parameters[k].name}=${inRange[k] ? `${chosen.low}..${chosen.high}` : [...chosen].map((value) => value ?? "none").join("|")}`);
  for (const [k, [low, high]] of state.brushes) found.append("range", `${low}..${high} ${M[k].id}`);
  if (String(state.axes) !== String(plain.axes)) for (const k of state.axes) found.append("axis", M[k].id);
  for (const name of ["x", "y", "measure"]) if (state[name] !== plain[name]) found.set(name, M[state[name]].id);
  if (state.sort.by !== -1 || state.sort.down) found.set("sort", (state.sort.down ? "-" : "+") + (M[state.sort.by]?.id ?? ""));
  if (state.heat.by !== -1) found.set("heat", M[state.heat.by].id);
  if (state.heat.mode !== "value") found.set("cells", state.heat.mode);
  if (state.heat.rows !== "readable") found.set("rows", state.heat.rows);
  for (const r of state.selected) found.append("model", D.recipes[r]);
  if (state.only) found.set("only", "selected");
  return found.toString();
}
let timer = 0;
function keep() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const text = written();
    history.replaceState(null, "", text ? "#?" + text : location.pathname + location.search);
  }, 200);
}
// What the address does not say, or says of things that are not here, stays as at first.
function restore() {
  Object.assign(state, fresh());
  if (!location.hash.startsWith("#?")) return;
  const read = new URLSearchParams(location.hash.slice(2));
  state.query = read.get("find") ?? "";
  for (const name of read.getAll("family")) if (D.families.includes(name)) state.families.add(D.families.indexOf(name));
  for (const text of read.getAll("with")) {
    const [name, values = ""] = text.split("="), k = D.parameters.findIndex((item) => item.name === name);
    if (inRange[k]) {
      const [low, high] = values.split("..").map(endOf);
      if (!Number.isNaN(low + high)) state.parameters.set(k, rangeBetween(low, high));
      continue;
    }
    const chosen = values.split("|").filter((value) => value === "none" || NUMBER.test(value)).map((value) => (value === "none" ? null : Number(value)));
    if (k >= 0 && chosen.length) state.parameters.set(k, new Set(chosen));
  }
  for (const text of read.getAll("range")) {
    const [ends, ...id] = text.split(" "), k = placeOf(id.join(" ")), [low, high] = ends.split("..");
    if (k >= 0 && endOf(low) <= endOf(high)) state.brushes.set(k, [endOf(low), endOf(high)]);
  }
  const axes = read.getAll("axis").map(placeOf).filter((k) => k >= 0);
  if (axes.length) state.axes = [...new Set(axes)];
  for (const name of ["x", "y", "measure"]) if (placeOf(read.get(name)) >= 0) state[name] = placeOf(read.get(name));
  const sort = read.get("sort");
  if (sort) state.sort = { by: placeOf(sort.slice(1)), down: sort[0] === "-" };
  state.heat.by = placeOf(read.get("heat"));
  if (read.get("cells") === "difference" && BASE >= 0) state.heat.mode = "difference";
  if (read.get("rows") === "all") state.heat.rows = "all";
  for (const label of read.getAll("model")) if (D.recipes.includes(label)) state.selected.add(D.recipes.indexOf(label));
  state.only = read.get("only") === "selected" && state.selected.size > 0;
}
