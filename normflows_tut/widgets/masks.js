// The masks of a MADE: pure functions of an order and of layer sizes, no page, no state.
// The browser test compares them with normflows_tut.networks.MADE.masks().

/** Degrees of a hidden layer, from 1 to d - 1, spread evenly and ascending. */
export function hiddenDegrees(size, d) {
  const lowest = Math.min(1, d - 1);
  return Array.from({ length: size }, (_, i) => lowest + Math.floor((i * (d - lowest)) / size));
}

/** Degrees of the inputs (the place of each in the order, from 1), then of each hidden layer. */
export function madeDegrees({ order, hidden_units: hidden }) {
  const inputs = order.map((_, i) => order.indexOf(i) + 1);
  return [inputs, ...hidden.map((size) => hiddenDegrees(size, order.length))];
}

/** The 0-1 mask of each layer, [inputs][outputs], from input to output; one parameter each. */
export function madeMasks(parameters) {
  const degrees = madeDegrees(parameters);
  const between = (below, above, sees) => below.map((m) => above.map((k) => (sees(m, k) ? 1 : 0)));
  const masks = degrees.slice(1).map((above, i) => between(degrees[i], above, (m, k) => m <= k));
  return [...masks, between(degrees.at(-1), degrees[0], (m, k) => m < k)];
}

/** How many paths lead from each input to each output: row i for output i, column j for input j. */
export function countPaths(masks) {
  const product = masks.reduce((left, right) =>
    left.map((row) => right[0].map((_, j) => row.reduce((sum, value, k) => sum + value * right[k][j], 0))));
  return product[0].map((_, i) => product.map((row) => row[i]));
}

/** For each layer of units below the outputs: which of them have a path to output `i`. */
export function unitsBelow(masks, i) {
  let reached = masks.at(-1)[0].map((_, k) => k === i);
  const layers = [];
  for (const mask of [...masks].reverse()) {
    const above = reached;
    reached = mask.map((row) => row.some((open, k) => open && above[k]));
    layers.unshift(reached);
  }
  return layers;
}
