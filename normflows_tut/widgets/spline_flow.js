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

/** What a step's network says when the other coordinate, or a list of inputs, is `given`. */
function networkOutput(step, activation, given) {
  let h = step.sizes[0] ? [].concat(given) : [];
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

/** The knots of a step's spline, from its network; `part` of the way from the identity. */
export function exactKnots(flow, step, given, part) {
  const knots = splineKnots(networkOutput(step, ACTIVATIONS[flow.activation], given), flow);
  return part < 1 ? partialSpline(knots, part) : knots;
}

const NODES = 1024;

/** The knots of a step's spline at NODES + 1 values of the other coordinate, one after another. */
function tableOf(flow, step) {
  let table = flow.tables.get(step);
  if (!table) {
    const size = step.sizes.at(-1) + 4; // 3 K - 1 parameters, 3 (K + 1) knots
    table = { size, numbers: new Float64Array((NODES + 1) * size), bin: new Float64Array(6) };
    for (let i = 0; i <= NODES; i += 1) {
      const given = (flow.bound + 1) * ((2 * i) / NODES - 1);
      table.numbers.set(exactKnots(flow, step, given, 1), i * size);
    }
    flow.tables.set(step, table);
  }
  return table;
}

// For pictures, in no time: between two entries of a table, and of the bin alone that `value` is
// in, as a spline of its own. `side` is the axis of the value: 0 before the spline, 1 behind it.
/** The knots of the one bin that `value` is in, between two entries of a table. */
export function tabledBin(flow, step, given, part, value, side) {
  const reach = flow.bound + 1;
  if (Math.abs(given) >= reach) return exactKnots(flow, step, given, part);
  const { size, numbers, bin } = tableOf(flow, step);
  const n = size / 3;
  const place = ((given + reach) / (2 * reach)) * NODES;
  const node = Math.min(NODES - 1, Math.floor(place));
  const t = place - node;
  const at = node * size;
  const entry = (i) => numbers[at + i] + t * (numbers[at + size + i] - numbers[at + i]);
  const height = (k) => {
    const x = entry(k);
    return x + part * (entry(n + k) - x);
  };
  let low = 0;
  let high = n - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((side ? height(middle) : entry(middle)) <= value) low = middle;
    else high = middle;
  }
  bin[0] = entry(low);
  bin[1] = entry(low + 1);
  bin[2] = height(low);
  bin[3] = height(low + 1);
  bin[4] = 1 + part * (entry(2 * n + low) - 1);
  bin[5] = 1 + part * (entry(2 * n + low + 1) - 1);
  return bin;
}

/** How far layer k (from 0) has gone when `depth` layers have acted: a number from 0 to 1. */
function share(depth, k) {
  return Math.min(1, Math.max(0, depth - k));
}

function logNormal([a, b]) {
  return -0.5 * (a * a + b * b) - Math.log(2 * Math.PI);
}

function baseLogDet({ baseLogScale }, part) {
  return part * (baseLogScale[0] + baseLogScale[1]);
}

function toData({ logScale, shift }, v) {
  return [0, 1].map((i) => v[i] * Math.exp(logScale[i]) + shift[i]);
}

/** Where z is when `depth` layers have acted, in units of the data, and its log-density there. */
export function flowForward(flow, z, depth = flow.layers.length, knotsOf = exactKnots) {
  const first = share(depth, 0); // the trained base belongs to the first layer
  const v = [0, 1].map((i) => z[i] * Math.exp(first * flow.baseLogScale[i]) + first * flow.baseShift[i]);
  let logDet = baseLogDet(flow, first) + flow.logScale[0] + flow.logScale[1];
  for (let k = 0; k < flow.layers.length && depth > k; k += 1) {
    const part = share(depth, k);
    for (const step of flow.layers[k]) {
      const { axis } = step;
      // The splines lead from data to base: towards the data is back through them.
      const back = splineInverse(knotsOf(flow, step, v[1 - axis], part, v[axis], 1), v[axis]);
      v[axis] = back.x;
      logDet -= back.logDet;
    }
  }
  return { x: toData(flow, v), logDet, logProb: logNormal(z) - logDet };
}

/** The z that is at x, in units of the data, when `depth` layers have acted; its log-density. */
export function flowInverse(flow, x, depth = flow.layers.length, knotsOf = exactKnots) {
  const v = [0, 1].map((i) => (x[i] - flow.shift[i]) * Math.exp(-flow.logScale[i]));
  const first = share(depth, 0);
  let logDet = baseLogDet(flow, first) + flow.logScale[0] + flow.logScale[1];
  for (let k = flow.layers.length - 1; k >= 0; k -= 1) {
    const part = share(depth, k);
    if (part === 0) continue;
    const steps = flow.layers[k];
    for (let i = steps.length - 1; i >= 0; i -= 1) {
      const { axis } = steps[i];
      const on = splineForward(knotsOf(flow, steps[i], v[1 - axis], part, v[axis], 0), v[axis]);
      v[axis] = on.y;
      logDet -= on.logDet;
    }
  }
  const z = [0, 1].map((i) => (v[i] - first * flow.baseShift[i]) * Math.exp(-first * flow.baseLogScale[i]));
  return { z, logDet, logProb: logNormal(z) - logDet };
}

/** Where z is after 0, 1, ... all layers, in units of the data. */
export function flowPath(flow, z) {
  return Array.from({ length: flow.layers.length + 1 }, (_, k) => flowForward(flow, z, k).x);
}
