// A monotone spline whose knots and slopes are dragged: curve, slope and pushed density.

const KNOT_GAP = 0.05; // the smallest width and height of a bin under the hand
const SLOPE_LIMITS = [0.05, 20];
const LEVER = 38; // pixels from a knot to the handle of its slope

/** All knots as the formulas take them: the ends lie on the diagonal and have slope 1. */
function allKnots({ knots, slopes, bound }) {
  const x = [-bound, ...knots.map((knot) => knot[0]), bound];
  const y = [-bound, ...knots.map((knot) => knot[1]), bound];
  return Float64Array.from([...x, ...y, 1, ...slopes, 1]);
}

/** The straight line through the two knots around `value`, from axis `from` to axis `to`. */
function alongTheLine(knots, from, to, value) {
  const n = knots.length / 3;
  if (!(value > knots[0] && value < knots[n - 1])) return { to: value, logDet: 0 };
  const k = binOf(knots, from, n, value);
  const s = (knots[n + k + 1] - knots[n + k]) / (knots[k + 1] - knots[k]);
  const run = (value - knots[from + k]) / (knots[from + k + 1] - knots[from + k]);
  return { to: knots[to + k] + run * (knots[to + k + 1] - knots[to + k]), logDet: Math.log(s) };
}

/** The curve under the hand: {map(x) -> {y, logDet}, inverse(y) -> {x, logDet}, knots}. */
function curveOf(parameters) {
  const knots = allKnots(parameters);
  const n = knots.length / 3;
  if (parameters.pieces === "rational-quadratic") {
    return { knots, map: (x) => splineForward(knots, x), inverse: (y) => splineInverse(knots, y) };
  }
  return {
    knots,
    map: (x) => {
      const { to, logDet } = alongTheLine(knots, 0, n, x);
      return { y: to, logDet };
    },
    inverse: (y) => {
      const { to, logDet } = alongTheLine(knots, n, 0, y);
      return { x: to, logDet };
    },
  };
}

const EDGE = { left: 28, right: 10, top: 8, bottom: 22 };

function scalesOf(width, height, { bound }) {
  const reach = bound * 1.25;
  return {
    x: linearScale([-reach, reach], [EDGE.left, width - EDGE.right]),
    y: linearScale([-reach, reach], [height - EDGE.bottom, EDGE.top]),
  };
}

function samplesOf([low, high], count = 720) {
  return Array.from({ length: count + 1 }, (_, i) => low + ((high - low) * i) / count);
}

function drawSpline(ctx, width, height, colours, parameters, self) {
  const { x, y } = (self.plane = scalesOf(width, height, parameters));
  const { map, knots } = curveOf(parameters);
  const n = knots.length / 3;
  const { bound } = parameters;
  const corner = [x(-bound), y(bound)];
  ctx.globalAlpha = 0.09;
  ctx.fillStyle = colours.fill;
  ctx.fillRect(...corner, x(bound) - corner[0], y(-bound) - corner[1]);
  ctx.globalAlpha = 1;
  drawAxes(ctx, x, y, colours, { xTicks: 6, yTicks: 6 });
  const [low, high] = x.domain;
  strokeLine(ctx, [[x(low), y(low)], [x(high), y(high)]], colours.line, 1, [2, 4]);
  for (let k = 0; k < n; k += 1) {
    strokeLine(ctx, [[x(knots[k]), y(low)], [x(knots[k]), y(knots[n + k])]], colours.line, 1);
  }
  const runs = samplesOf(x.domain);
  const inside = runs.filter((v) => Math.abs(v) <= bound);
  for (const tail of [[low, -bound], [bound, high]]) {
    strokeLine(ctx, tail.map((v) => [x(v), y(v)]), colours.two, 2.2);
  }
  strokeLine(ctx, inside.map((v) => [x(v), y(map(v).y)]), colours.one, 2.4);
  for (const end of [-bound, bound]) drawDot(ctx, x(end), y(end), colours.muted, 4);
  if (parameters.pieces === "rational-quadratic") {
    parameters.knots.forEach((_, k) => {
      const there = leverEnd(self.plane, parameters, k);
      const [px, py] = parameters.knots[k];
      const from = [2 * px - there[0], 2 * py - there[1]];
      strokeLine(ctx, [from, there].map(([a, b]) => [x(a), y(b)]), colours.three, 1.6);
    });
  }
  const at = parameters.x;
  const image = map(at).y;
  const way = [[x(at), y(low)], [x(at), y(image)], [x(low), y(image)]];
  strokeLine(ctx, way, colours.muted, 1, [3, 3]);
  drawDot(ctx, x(at), y(image), colours.text, 4);
  drawText(ctx, "outside: the identity", x(bound), y(-bound) + 16, colours.two, "right");
}

/** Where the handle of the k-th slope is: LEVER pixels to the right along the tangent. */
function leverEnd({ x, y }, { knots, slopes }, k) {
  const across = (x(1) - x(0)) ** 2 + (slopes[k] * (y(1) - y(0))) ** 2;
  const run = LEVER / Math.sqrt(across);
  return [knots[k][0] + run, knots[k][1] + slopes[k] * run];
}

function drawSlopeAndDensity(ctx, width, height, colours, parameters) {
  const { map, inverse, knots } = curveOf(parameters);
  const n = knots.length / 3;
  const middle = Math.round(height * 0.46);
  const { x } = scalesOf(width, height, parameters);
  const runs = samplesOf(x.domain);
  const slopes = runs.map((v) => Math.exp(map(v).logDet));
  const steepest = roundUp(Math.min(22, Math.max(1.6, ...slopes) * 1.05));
  const s = linearScale([0, steepest], [middle - 22, 22]);
  drawAxes(ctx, x, s, colours, { xTicks: 6, yTicks: 3 });
  const at = parameters.x;
  const now = map(at);
  clipTo(ctx, x.range, [middle - 22, 10], () => {
    strokeLine(ctx, [[x.range[0], s(1)], [x.range[1], s(1)]], colours.line, 1, [2, 4]);
    strokeLine(ctx, runs.map((v, i) => [x(v), s(slopes[i])]), colours.three, 2);
    for (let k = 0; k < n && parameters.pieces === "rational-quadratic"; k += 1) {
      drawDot(ctx, x(knots[k]), s(knots[2 * n + k]), colours.three, 3.5);
    }
    drawDot(ctx, x(at), s(Math.exp(now.logDet)), colours.text, 4);
  });
  drawText(ctx, "slope f \u2032(x)", EDGE.left + 4, 13, colours.text);
  const pushed = (y) => {
    const back = inverse(y);
    return Math.exp(normalLogDensity(back.x) - back.logDet);
  };
  const values = runs.map(pushed);
  const top = roundUp(1.08 * Math.max(0.42, ...values));
  const p = linearScale([0, top], [height - EDGE.bottom, middle + 22]);
  drawAxes(ctx, x, p, colours, { xTicks: 6, yTicks: 3 });
  const image = runs.map((v, i) => [x(v), p(values[i])]);
  fillShape(ctx, [[x.range[0], p(0)], ...image, [x.range[1], p(0)]], colours.one, 0.22);
  strokeLine(ctx, runs.map((v) => [x(v), p(Math.exp(normalLogDensity(v)))]), colours.muted, 1.4, [5, 4]);
  strokeLine(ctx, image, colours.one, 2);
  drawDot(ctx, x(now.y), p(pushed(now.y)), colours.text, 4);
  drawText(ctx, "density of y; dashed: of x", EDGE.left + 4, middle + 13, colours.text);
}

function render({ model, el }) {
  const traits = ["pieces", "knots", "slopes", "bound", "x"];
  const ui = new Widget({ model, el, title: "A monotone spline", traits });
  ui.root.classList.add("nt-below");
  const isCurved = () => ui.get("pieces") === "rational-quadratic";
  const now = () => {
    const { map, inverse } = curveOf(ui.parameters);
    const { y, logDet } = map(ui.get("x"));
    const density = Math.exp(normalLogDensity(ui.get("x")) - logDet);
    return { y, slope: Math.exp(logDet), log_slope: logDet, back: inverse(y).x, density };
  };
  const curve = addPicture(ui, ui.stage, {
    label: () => {
      const knots = ui.get("knots").map((knot) => point(knot)).join(", ");
      return `A rising ${ui.get("pieces")} curve through the knots ${knots}, the identity outside ` +
        `plus or minus ${fixed(ui.get("bound"))}. x = ${fixed(ui.get("x"))} goes to ${fixed(now().y)}.`;
    },
    draw: (ctx, width, height, colours, self) =>
      drawSpline(ctx, width, height, colours, ui.parameters, self),
  });
  addPicture(ui, ui.stage, {
    label: () => `Above, the slope, ${fixed(now().slope)} at x = ${fixed(ui.get("x"))}; below, the ` +
      "density into which the curve turns a standard normal one.",
    draw: (ctx, width, height, colours) =>
      drawSlopeAndDensity(ctx, width, height, colours, ui.parameters),
  });
  const replace = (trait, k, value) =>
    ui.set(trait, ui.get(trait).map((old, i) => (i === k ? value : old)));
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const levers = [];
  ui.get("knots").forEach((_, k) => {
    addHandle(ui, curve, {
      name: `Knot ${k + 1}`,
      tone: "nt-one",
      get: () => ui.get("knots")[k],
      set: (to) => {
        const b = ui.get("bound");
        const knots = [[-b, -b], ...ui.get("knots"), [b, b]];
        replace("knots", k, [0, 1].map((axis) =>
          clamp(to[axis], knots[k][axis] + KNOT_GAP, knots[k + 2][axis] - KNOT_GAP)));
      },
    });
    addHandle(ui, curve, {
      name: `Handle of the slope at knot ${k + 1}`,
      tone: "nt-three",
      get: () => leverEnd(curve.plane, ui.parameters, k),
      set: ([px, py]) => {
        const [x, y] = ui.get("knots")[k];
        const run = Math.max(px - x, 0.01);
        replace("slopes", k, Number(clamp((py - y) / run, ...SLOPE_LIMITS).toFixed(3)));
      },
    });
    levers.push(curve.frame.lastElementChild);
  });
  ui.onPaint(() => levers.forEach((lever) => (lever.hidden = !isCurved())));
  const [panel, numbers] = [make("div", { class: "nt-box" }), make("div", { class: "nt-box" })];
  ui.panel.append(panel, numbers);
  addChoice(ui, panel, {
    trait: "pieces",
    legend: "Pieces",
    options: { "rational-quadratic": "rational-quadratic", linear: "linear" },
  });
  const reach = 1.25 * ui.get("bound");
  addSlider(ui, panel, { trait: "x", name: "point x", label: "point <i>x</i>", min: -reach, max: reach, step: 0.01 });
  addReadouts(ui, numbers, [
    ["y", "<i>y</i> = <i>f</i>(<i>x</i>)", () => fixed(now().y, 4)],
    ["slope", "slope <i>f</i>\u2009\u2032(<i>x</i>)", () => fixed(now().slope, 4), "nt-three"],
    ["log-slope", "log of the slope", () => fixed(now().log_slope, 4)],
    ["back", "inverse of <i>y</i>", () => fixed(now().back, 4)],
    ["density", "density at <i>y</i>", () => fixed(now().density, 4), "nt-one"],
  ]);
  const hint = make("p", { class: "nt-hint" });
  panel.append(hint);
  ui.onPaint(() => {
    hint.textContent = isCurved()
      ? "Drag the blue knots, and the green handles for the slopes; or Tab to them and use the arrow keys."
      : "Drag the blue knots; or Tab to them and use the arrow keys.";
  });
  const row = addRow(panel);
  addButton(row, "Identity", () => {
    ui.set("slopes", ui.get("knots").map(() => 1));
    ui.set("knots", ui.get("knots").map(([x]) => [x, x]));
  });
  addReset(ui, row);
  ui.onPaint(() => ui.publish({ ...ui.parameters, ...now() }));
  return () => ui.dispose();
}

export default { render };
