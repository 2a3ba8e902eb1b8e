// A conditional spline flow: at a context it is a spline flow, which spline_flow.js runs.
// The browser test imports this file, behind the other two, and compares it with TensorFlow.

/** A network of [one coordinate, context] at a context: the context becomes part of the bias. */
function withoutContext({ axis, sizes, matrices: [first, ...others] }, context) {
  const columns = sizes[1];
  const matrix = new Float64Array(2 * columns);
  matrix.set(first.subarray(0, columns));
  matrix.set(first.subarray((1 + context.length) * columns), columns);
  context.forEach((value, i) => {
    for (let k = 0; k < columns; k += 1) matrix[columns + k] += value * first[(1 + i) * columns + k];
  });
  return { axis, sizes: [1, ...sizes.slice(1)], matrices: [matrix, ...others] };
}

/** The flow of `readFlow` that a posterior is when `observation` was made. */
export function flowGiven(posterior, observation) {
  const { contextLogScale, contextShift, baseLogScaleBound: bound } = posterior;
  const context = observation.map((v, i) => (v - contextShift[i]) * Math.exp(-contextLogScale[i]));
  const [[base], ...layers] = posterior.layers;
  const raw = networkOutput(base, ACTIVATIONS[posterior.activation], context);
  return {
    ...posterior,
    layers: layers.map((steps) => steps.map((step) => withoutContext(step, context))),
    baseLogScale: [0, 1].map((i) => bound * Math.tanh(raw[i] / bound)),
    baseShift: [raw[2], raw[3]],
    tables: new Map(),
  };
}
