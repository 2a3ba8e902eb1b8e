// The monotone rational-quadratic spline of Durkan et al. (2019), section 3.1: pure functions.
// The browser test imports this file and compares it with bijectors.RationalQuadraticSpline.
// A spline of K bins is one array of 3 (K + 1) numbers: the knots' x, their y, their slopes.

/** The knots that K widths, K heights (softmax) and K - 1 inner slopes (softplus) stand for. */
export function splineKnots(raw, { bound, minBinSize, minSlope }) {
  const bins = (raw.length + 1) / 3;
  const n = bins + 1;
  const knots = new Float64Array(3 * n);
  for (const [from, to] of [[0, 0], [bins, n]]) {
    let top = -Infinity;
    let sum = 0;
    for (let k = 0; k < bins; k += 1) top = Math.max(top, raw[from + k]);
    for (let k = 0; k < bins; k += 1) sum += Math.exp(raw[from + k] - top);
    let at = -bound;
    for (let k = 0; k < bins; k += 1) {
      knots[to + k] = at;
      const share = Math.exp(raw[from + k] - top) / sum;
      at += 2 * bound * (minBinSize + (1 - bins * minBinSize) * share);
    }
    knots[to + bins] = bound;
  }
  const offset = Math.log(Math.expm1(1 - minSlope)); // 0 stands for slope 1
  knots[2 * n] = knots[3 * n - 1] = 1;
  for (let k = 1; k < bins; k += 1) {
    const free = raw[2 * bins + k - 1] + offset;
    knots[2 * n + k] = minSlope + Math.max(free, 0) + Math.log1p(Math.exp(-Math.abs(free)));
  }
  return knots;
}

/** The bin of `value` among the n ascending entries of `knots` that begin at `from`. */
function binOf(knots, from, n, value) {
  let low = 0;
  let high = n - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (knots[from + middle] <= value) low = middle;
    else high = middle;
  }
  return low;
}

/** log f'(xi) in a bin of mean slope s, with slopes d0 and d1 at its ends (equation 5). */
function logSlope(xi, s, d0, d1) {
  const middle = xi * (1 - xi);
  const over = d1 * xi * xi + 2 * s * middle + d0 * (1 - xi) * (1 - xi);
  const under = s + (d0 + d1 - 2 * s) * middle;
  return Math.log((over * s * s) / (under * under));
}

/** y = f(x) and log f'(x) (equations 4 and 5); the identity outside the knots. */
export function splineForward(knots, x) {
  const n = knots.length / 3;
  if (!(x >= knots[0] && x < knots[n - 1])) return { y: x, logDet: 0 };
  const k = binOf(knots, 0, n, x);
  const w = knots[k + 1] - knots[k];
  const h = knots[n + k + 1] - knots[n + k];
  const d0 = knots[2 * n + k];
  const d1 = knots[2 * n + k + 1];
  const s = h / w;
  const xi = (x - knots[k]) / w;
  const middle = xi * (1 - xi);
  const under = s + (d0 + d1 - 2 * s) * middle;
  const y = knots[n + k] + (h * (s * xi * xi + d0 * middle)) / under;
  return { y, logDet: logSlope(xi, s, d0, d1) };
}

/** x with f(x) = y, and log f'(x): a quadratic's root, without cancellation (equations 6 to 8). */
export function splineInverse(knots, y) {
  const n = knots.length / 3;
  if (!(y >= knots[n] && y < knots[2 * n - 1])) return { x: y, logDet: 0 };
  const k = binOf(knots, n, n, y);
  const w = knots[k + 1] - knots[k];
  const h = knots[n + k + 1] - knots[n + k];
  const d0 = knots[2 * n + k];
  const d1 = knots[2 * n + k + 1];
  const s = h / w;
  const rise = y - knots[n + k];
  const bend = d0 + d1 - 2 * s;
  const a = h * (s - d0) + rise * bend;
  const b = h * d0 - rise * bend;
  const c = -s * rise;
  // Of the root's two forms the one that adds. A negative b makes a positive.
  const total = Math.abs(b) + Math.sqrt(Math.max(b * b - 4 * a * c, 0));
  const xi = b >= 0 ? (-2 * c) / total : total / (2 * a);
  return { x: knots[k] + xi * w, logDet: logSlope(xi, s, d0, d1) };
}

/** Part of the way from the identity (t = 0) to the spline (t = 1), itself a spline. */
export function partialSpline(knots, t) {
  const n = knots.length / 3;
  const part = Float64Array.from(knots);
  for (let k = 0; k < n; k += 1) {
    part[n + k] = knots[k] + t * (knots[n + k] - knots[k]);
    part[2 * n + k] = 1 + t * (knots[2 * n + k] - 1);
  }
  return part;
}
