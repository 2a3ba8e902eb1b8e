// A neural spline flow in the plane, run from its weights: pure functions of numbers.
// The browser test imports this file, behind rational_quadratic.js, and compares it with TensorFlow.

const ACTIVATIONS = {
  relu: (a) => (a > 0 ? a : 0),
  tanh: Math.tanh,
  silu: (a) => a / (1 + Math.exp(-a)),
};

/** Puts the numbers of `weights` (float32, in a DataView) into the matrices that `plan` names. */
export function readFlow(plan, weights) {
  const { buffer, byteOffset, byteLength } = weights;
  const numbers = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  let at = 0;
  const layers = plan.layers.map((steps) =>
    steps.map(({ axis, sizes }) => {
      const matrices = sizes.slice(1).map((columns, i) => {
        const length = (sizes[i] + 1) * columns; // the last row is the bias
        at += length;
        return numbers.subarray(at - length, at);
      });
      return { axis, sizes, matrices };
    }));
  return { ...plan, layers, tables: new Map() };
}

/** What a step's network says when the other coordinate is `given`. */
function networkOutput(step, activation, given) {
  let h = step.sizes[0] ? [given] : [];
  step.matrices.forEach((matrix, i) => {
    const columns = step.sizes[i + 1];
    const out = new Float64Array(columns);
    for (let row = 0; row <= h.length; row += 1) {
      const value = row < h.length ? h[row] : 1;
      const from = row * columns;
      if (value !== 0) for (let k = 0; k < columns; k += 1) out[k] += value * matrix[from + k];
    }
    h = i < step.matrices.length - 1 ? out.map(activation) : out;
  });
  return h;
}

/** The knots of a step's spline, from its network. */
export function exactKnots(flow, step, given) {
  return splineKnots(networkOutput(step, ACTIVATIONS[flow.activation], given), flow);
}

const NODES = 1024;

/** The knots of a step's spline, between two entries of a table: for pictures, in no time. */
export function tabledKnots(flow, step, given) {
  const reach = flow.bound + 1;
  if (Math.abs(given) >= reach) return exactKnots(flow, step, given);
  let table = flow.tables.get(step);
  if (!table) {
    const rows = Array.from({ length: NODES + 1 }, (_, i) =>
      exactKnots(flow, step, reach * ((2 * i) / NODES - 1)));
    table = { rows, scratch: new Float64Array(rows[0].length) };
    flow.tables.set(step, table);
  }
  const { rows, scratch } = table;
  if (!step.sizes[0]) return rows[0];
  const place = ((given + reach) / (2 * reach)) * NODES;
  const node = Math.min(NODES - 1, Math.floor(place));
  const [one, other, t] = [rows[node], rows[node + 1], place - node];
  for (let k = 0; k < scratch.length; k += 1) scratch[k] = one[k] + t * (other[k] - one[k]);
  return scratch;
}

/** How far layer k (from 0) has gone when `depth` layers have acted: a number from 0 to 1. */
function share(depth, k) {
  return Math.min(1, Math.max(0, depth - k));
}

function logNormal([a, b]) {
  return -0.5 * (a * a + b * b) - Math.log(2 * Math.PI);
}

function toData({ logScale, shift }, v) {
  return [0, 1].map((i) => v[i] * Math.exp(logScale[i]) + shift[i]);
}

/** Where z is when `depth` layers have acted, in units of the data, and its log-density there. */
export function flowForward(flow, z, depth = flow.layers.length, knotsOf = exactKnots) {
  const v = [z[0], z[1]];
  let logDet = flow.logScale[0] + flow.logScale[1];
  for (let k = 0; k < flow.layers.length && depth > k; k += 1) {
    const part = share(depth, k);
    for (const step of flow.layers[k]) {
      const knots = knotsOf(flow, step, v[1 - step.axis]);
      const { y, logDet: change } = splineForward(part < 1 ? partialSpline(knots, part) : knots, v[step.axis]);
      v[step.axis] = y;
      logDet += change;
    }
  }
  return { x: toData(flow, v), logDet, logProb: logNormal(z) - logDet };
}

/** The z that is at x, in units of the data, when `depth` layers have acted; its log-density. */
export function flowInverse(flow, x, depth = flow.layers.length, knotsOf = exactKnots) {
  const v = [0, 1].map((i) => (x[i] - flow.shift[i]) * Math.exp(-flow.logScale[i]));
  let logDet = flow.logScale[0] + flow.logScale[1];
  for (let k = flow.layers.length - 1; k >= 0; k -= 1) {
    const part = share(depth, k);
    if (part === 0) continue;
    const steps = flow.layers[k];
    for (let i = steps.length - 1; i >= 0; i -= 1) {
      const { axis } = steps[i];
      const knots = knotsOf(flow, steps[i], v[1 - axis]);
      const { x: back, logDet: change } = splineInverse(part < 1 ? partialSpline(knots, part) : knots, v[axis]);
      v[axis] = back;
      logDet += change;
    }
  }
  return { z: v, logDet, logProb: logNormal(v) - logDet };
}

/** Where z is after 0, 1, ... all layers, in units of the data. */
export function flowPath(flow, z) {
  return Array.from({ length: flow.layers.length + 1 }, (_, k) => flowForward(flow, z, k).x);
}
