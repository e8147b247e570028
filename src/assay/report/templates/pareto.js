"use strict";
// The Pareto set of items with two numbers, larger is better: those that no other beats, at least as good on both and
// better on one. Sorted by x, best first, an item is in the set where its y is above all before; equal pairs stand
// together. The set in the order of x, smallest first.
function paretoSet(items, x, y) {
  const found = [];
  for (const item of [...items].sort((a, b) => x(b) - x(a) || y(b) - y(a))) {
    const last = found.at(-1);
    if (last === undefined || y(item) > y(last) || (y(item) === y(last) && x(item) === x(last))) found.push(item);
  }
  return found.reverse();
}
