"use strict";
// The Pareto set: models that no other beats, at least as good on both measures and better on one. Sorted by the first
// measure, best first, a model is in the set where its second is better than all before; equal pairs stand together.
function paretoSet(mx, my, recipes) {
  const x = (r) => sign(mx) * mx.v[r], y = (r) => sign(my) * my.v[r];
  const sorted = recipes.filter((r) => has(mx, r) && has(my, r)).sort((a, b) => x(b) - x(a) || y(b) - y(a));
  const found = [];
  for (const r of sorted) {
    const last = found.at(-1);
    if (last === undefined || y(r) > y(last) || (y(r) === y(last) && x(r) === x(last))) found.push(r);
  }
  return found.reverse();
}
