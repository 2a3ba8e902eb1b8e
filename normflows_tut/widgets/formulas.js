// The formulas that the widgets draw: pure functions of numbers, no page, no state.
// The browser test imports this file and compares it with normflows_tut.bijectors.
// Convention of the whole book: forward = base to data, and log_det belongs to forward.

const LOG_TWO_PI = Math.log(2 * Math.PI);

/** Log-density of Normal(mean, scale) at x. */
export function normalLogDensity(x, mean = 0, scale = 1) {
  const t = (x - mean) / scale;
  return -0.5 * (t * t + LOG_TWO_PI) - Math.log(scale);
}

/** Log-density of the standard normal in the plane. */
export function planeLogDensity(z1, z2) {
  return -0.5 * (z1 * z1 + z2 * z2) - LOG_TWO_PI;
}

/** log(1 + exp(x)) without overflow. */
export function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Integral of f over [low, high] by Simpson's rule with `panels` (even) panels. */
export function integrate(f, low, high, panels = 400) {
  const h = (high - low) / panels;
  let sum = f(low) + f(high);
  for (let i = 1; i < panels; i += 1) sum += (i % 2 ? 4 : 2) * f(low + i * h);
  return (sum * h) / 3;
}

/** The z below which Normal(0, 1) holds `mass`, by bisection on the integral. */
export function normalQuantile(mass) {
  let low = -9;
  let high = 9;
  const density = (z) => Math.exp(normalLogDensity(z));
  while (high - low > 1e-10) {
    const middle = (low + high) / 2;
    if (0.5 + integrate(density, 0, middle) < mass) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// --- One dimension ---------------------------------------------------------------------

/** x = f(z) = scale (z + bend tanh z) + shift; increasing for scale > 0, bend > -1. */
export function stretch({ scale, shift, bend }, z) {
  const t = Math.tanh(z);
  return { x: scale * (z + bend * t) + shift, slope: scale * (1 + bend * (1 - t * t)) };
}

/** Softlog: y = sign(x) log(|x| + 1). */
export function softlog(x) {
  return { y: Math.sign(x) * Math.log1p(Math.abs(x)), logDet: -Math.log1p(Math.abs(x)) };
}

/** Inverse of softlog: x = sign(y) (exp|y| - 1). */
export function softlogInverse(y) {
  return Math.sign(y) * Math.expm1(Math.abs(y));
}

/** Softsquare: y = a x + b sign(x) x^2 with a > 0 and b >= 0. */
export function softsquare({ a, b }, x) {
  return { y: a * x + b * x * Math.abs(x), logDet: Math.log(a + 2 * b * Math.abs(x)) };
}

/** Inverse of softsquare, the quadratic's root in the form that loses no digits. */
export function softsquareInverse({ a, b }, y) {
  return (2 * y) / (a + Math.sqrt(a * a + 4 * b * Math.abs(y)));
}

// --- Kullback-Leibler divergences of Normal(mu, sigma) and a mixture of two -------------

/** Log-density of weight N(-separation / 2, spread) + (1 - weight) N(separation / 2, spread). */
export function mixtureLogDensity({ separation, spread, weight }, x) {
  const left = Math.log(weight) + normalLogDensity(x, -separation / 2, spread);
  const right = Math.log(1 - weight) + normalLogDensity(x, separation / 2, spread);
  const top = Math.max(left, right);
  return top + Math.log(Math.exp(left - top) + Math.exp(right - top));
}

/** KL(p || q) (forward) and KL(q || p) (reverse) in nats; the trapezoid rule on [-14, 14]. */
export function klDivergences(p, { mu, sigma }, points = 1401) {
  const step = 28 / (points - 1);
  let forward = 0;
  let reverse = 0;
  for (let i = 0; i < points; i += 1) {
    const x = -14 + i * step;
    const logP = mixtureLogDensity(p, x);
    const logQ = normalLogDensity(x, mu, sigma);
    forward += Math.exp(logP) * (logP - logQ);
    reverse += Math.exp(logQ) * (logQ - logP);
  }
  return { forward: forward * step, reverse: reverse * step };
}

/** One gradient step on `kind` ("forward" or "reverse") in mu and log sigma. */
export function klStep(p, { mu, sigma }, kind, rate = 0.05) {
  const value = (m, logSigma) => klDivergences(p, { mu: m, sigma: Math.exp(logSigma) }, 561)[kind];
  const logSigma = Math.log(sigma);
  const h = 1e-4;
  const slopeMu = (value(mu + h, logSigma) - value(mu - h, logSigma)) / (2 * h);
  const slopeLog = (value(mu, logSigma + h) - value(mu, logSigma - h)) / (2 * h);
  // Far from the optimum the slope is steep: a bounded step keeps the descent visible.
  const bound = (g) => Math.max(-2, Math.min(2, g));
  return {
    mu: mu - rate * bound(slopeMu),
    sigma: Math.exp(logSigma - rate * bound(slopeLog)),
    slope: Math.hypot(slopeMu, slopeLog),
  };
}

// --- Two dimensions --------------------------------------------------------------------

/** y = A z for A = [[a, b], [c, d]]; det A is the signed area of the image of the unit square. */
export function linear([[a, b], [c, d]], [z1, z2]) {
  const det = a * d - b * c;
  return { y: [a * z1 + b * z2, c * z1 + d * z2], det, logDet: Math.log(Math.abs(det)) };
}

/** u-hat = u + (softplus(w.u) - 1 - w.u) w / |w|^2 (Rezende & Mohamed 2015, appendix A.1). */
export function planarUHat({ u, w }) {
  const square = w[0] * w[0] + w[1] * w[1];
  if (square === 0) return [u[0], u[1]]; // any u is invertible then: the layer is a shift
  const dot = w[0] * u[0] + w[1] * u[1];
  const gain = (softplus(dot) - 1 - dot) / square;
  return [u[0] + gain * w[0], u[1] + gain * w[1]];
}

/** 1 + w.u-hat, which is softplus(w.u): the smallest or largest slope, always above zero. */
export function planarSlope({ u, w }) {
  if (w[0] === 0 && w[1] === 0) return 1; // a shift
  return softplus(w[0] * u[0] + w[1] * u[1]);
}

/** f(z) = z + u-hat tanh(w.z + b) and log(1 + w.u-hat (1 - tanh^2)) (equations 10 to 12). */
export function planar(parameters, z) {
  const { w, b } = parameters;
  const uHat = planarUHat(parameters);
  const t = Math.tanh(w[0] * z[0] + w[1] * z[1] + b);
  return {
    y: [z[0] + uHat[0] * t, z[1] + uHat[1] * t],
    logDet: Math.log(t * t + planarSlope(parameters) * (1 - t * t)),
  };
}

/** The root s of s + (slope - 1) tanh(s + b) = target: Newton's steps, kept in a bracket. */
function solvePlanar(slope, b, target, guess) {
  // |tanh| < 1 brackets the root, and slope > 0 makes the left side increase.
  const dot = slope - 1;
  let low = target - Math.abs(dot);
  let high = target + Math.abs(dot);
  let s = Math.min(high, Math.max(low, guess));
  for (let i = 0; i < 60; i += 1) {
    const t = Math.tanh(s + b);
    const error = s + dot * t - target;
    if (error > 0) high = s;
    else low = s;
    let next = s - error / (t * t + slope * (1 - t * t));
    if (!(next >= low && next <= high)) next = (low + high) / 2;
    // Newton's error is squared at each step: after one this small it is below rounding.
    if (Math.abs(next - s) <= 1e-9 * (1 + Math.abs(s))) return next;
    s = next;
  }
  return s;
}

/** Inverse of a planar layer as a function of y; what does not depend on y is done once. */
export function planarInverter(parameters) {
  const { w, b } = parameters;
  const uHat = planarUHat(parameters);
  const slope = planarSlope(parameters);
  let root = 0; // a picture's next pixel has nearly the same root: the solver starts there
  return (y1, y2) => {
    root = solvePlanar(slope, b, w[0] * y1 + w[1] * y2, root);
    const t = Math.tanh(root + b);
    return {
      z: [y1 - uHat[0] * t, y2 - uHat[1] * t],
      logDet: Math.log(t * t + slope * (1 - t * t)),
    };
  };
}

/** beta-hat = -alpha + softplus(beta), never below -alpha (appendix A.2). */
export function radialBetaHat({ alpha, beta }) {
  return -alpha + softplus(beta);
}

/** log-det of a radial layer at distance r: once along the circle, once along the radius. */
function radialLogDet(alpha, gamma, r) {
  // gamma = alpha + beta-hat > 0 makes both quotients of positive terms.
  const reach = r + alpha;
  const along = r * r + 2 * alpha * r + alpha * gamma;
  return Math.log((r + gamma) / reach) + Math.log(along / (reach * reach));
}

/** f(z) = z + beta-hat (z - center) / (alpha + r) with r = |z - center| (equation 14). */
export function radial({ center, alpha, beta }, z) {
  const gamma = softplus(beta);
  const d1 = z[0] - center[0];
  const d2 = z[1] - center[1];
  const r = Math.hypot(d1, d2);
  const factor = (r + gamma) / (r + alpha); // 1 + beta-hat / (alpha + r)
  return {
    y: [center[0] + factor * d1, center[1] + factor * d2],
    logDet: radialLogDet(alpha, gamma, r),
  };
}

/** Inverse of a radial layer as a function of y: a quadratic in the distance to the centre. */
export function radialInverter({ center, alpha, beta }) {
  const gamma = softplus(beta);
  const [c1, c2] = center;
  return (y1, y2) => {
    const d1 = y1 - c1;
    const d2 = y2 - c2;
    const R = Math.sqrt(d1 * d1 + d2 * d2);
    const p = R - gamma;
    const root = Math.sqrt(p * p + 4 * alpha * R);
    // r / R by whichever form of the quadratic's root does not cancel.
    const shrink = p < 0 ? (2 * alpha) / (root - p) : (root + p) / (2 * R);
    return {
      z: [c1 + d1 * shrink, c2 + d2 * shrink],
      logDet: radialLogDet(alpha, gamma, R * shrink),
    };
  };
}

/** The two curves of the coupling: s(x) = level + slope tanh x, t(x) = tilt x + bend (x^2 - 1). */
export function couplingCurves({ level, slope, tilt, bend }, x) {
  const squash = Math.tanh(x);
  return {
    s: level + slope * squash,
    t: tilt * x + bend * (x * x - 1),
    sSlope: slope * (1 - squash * squash),
    tSlope: tilt + 2 * bend * x,
  };
}

/** y1 = x1, y2 = x2 exp(s(x1)) + t(x1); the Jacobian is triangular, log_det = s(x1). */
export function coupling(parameters, x) {
  const { s, t, sSlope, tSlope } = couplingCurves(parameters, x[0]);
  const scale = Math.exp(s);
  return {
    y: [x[0], x[1] * scale + t],
    logDet: s,
    jacobian: [
      [1, 0],
      [x[1] * scale * sSlope + tSlope, scale],
    ],
  };
}

/** Inverse of the coupling: s and t are evaluated, never inverted. */
export function couplingInverter(parameters) {
  return (y1, y2) => {
    const { s, t } = couplingCurves(parameters, y1);
    return { z: [y1, (y2 - t) * Math.exp(-s)], logDet: s };
  };
}
