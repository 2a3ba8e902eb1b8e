// Softlog and Softsquare: the curve, its inverse, its slope and what it does to a density.

function layerOf({ kind, a, b }) {
  return kind === "softlog"
    ? { map: softlog, inverse: softlogInverse }
    : { map: (x) => softsquare({ a, b }, x), inverse: (y) => softsquareInverse({ a, b }, y) };
}

function drawCurves(ctx, width, height, colours, parameters) {
  const { map, inverse } = layerOf(parameters);
  const x = linearScale([-4, 4], [26, width - 8]);
  const y = linearScale([-4, 4], [height - 24, 8]);
  const at = parameters.x;
  const { y: image, logDet } = map(at);
  const slope = Math.exp(logDet);
  drawAxes(ctx, x, y, colours, { xTicks: 4, yTicks: 4 });
  strokeLine(ctx, [[x(0), y(-4)], [x(0), y(4)]], colours.line, 1);
  const runs = Array.from({ length: 321 }, (_, i) => -4 + i / 40);
  clipTo(ctx, [26, width - 8], [height - 24, 8], () => {
    strokeLine(ctx, [[x(-4), y(-4)], [x(4), y(4)]], colours.line, 1, [2, 4]);
    strokeLine(ctx, runs.map((v) => [x(v), y(inverse(v))]), colours.two, 1.8, [6, 4]);
    strokeLine(ctx, runs.map((v) => [x(v), y(map(v).y)]), colours.one, 2.2);
    const reach = 1.1 / Math.hypot(1, slope);
    const ends = [-reach, reach].map((d) => [x(at + d), y(image + d * slope)]);
    strokeLine(ctx, ends, colours.text, 1.5);
    strokeLine(ctx, [[x(at), y(0)], [x(at), y(image)], [x(0), y(image)]], colours.muted, 1, [3, 3]);
    drawDot(ctx, x(at), y(image), colours.one, 5);
    drawDot(ctx, x(image), y(at), colours.two, 5);
  });
  drawText(ctx, "forward", width - 12, height - 46, colours.one, "right");
  drawText(ctx, "inverse", width - 12, height - 31, colours.two, "right");
}

function drawDensities(ctx, width, height, colours, parameters) {
  const { map, inverse } = layerOf(parameters);
  const pushed = (y) => {
    const x = inverse(y);
    return Math.exp(normalLogDensity(x) - map(x).logDet);
  };
  const runs = Array.from({ length: 481 }, (_, i) => -4 + i / 60);
  const top = roundUp(1.05 * Math.max(0.45, ...runs.map(pushed)));
  const split = Math.round(height * 0.6);
  const x = linearScale([-4, 4], [34, width - 8]);
  const y = linearScale([0, top], [split - 22, 22]);
  drawAxes(ctx, x, y, colours, { xTicks: 4, yTicks: 3 });
  const base = runs.map((v) => [x(v), y(Math.exp(normalLogDensity(v)))]);
  const image = runs.map((v) => [x(v), y(pushed(v))]);
  fillShape(ctx, [[x(-4), y(0)], ...image, [x(4), y(0)]], colours.one, 0.22);
  strokeLine(ctx, base, colours.muted, 1.5, [5, 4]);
  strokeLine(ctx, image, colours.one, 2);
  const at = parameters.x;
  const now = map(at);
  clipTo(ctx, [34, width - 8], [split, 0], () => {
    drawDot(ctx, x(at), y(Math.exp(normalLogDensity(at))), colours.muted, 4);
    drawDot(ctx, x(now.y), y(pushed(now.y)), colours.one, 5);
  });
  drawText(ctx, "density: base (dashed), pushed", 38, 13, colours.text);
  const logDets = runs.map((v) => map(v).logDet);
  const low = Math.min(0, ...logDets);
  const high = Math.max(0, ...logDets);
  const margin = 0.12 * (high - low || 1);
  const l = linearScale([low - margin, high + margin], [height - 24, split + 22]);
  drawAxes(ctx, x, l, colours, { xTicks: 4, yTicks: 3 });
  strokeLine(ctx, runs.map((v, i) => [x(v), l(logDets[i])]), colours.three, 2);
  drawDot(ctx, x(at), l(now.logDet), colours.three, 5);
  drawText(ctx, "log-det = log of the slope", 38, split + 14, colours.text);
}

function render({ model, el }) {
  const traits = ["kind", "a", "b", "x"];
  const ui = new Widget({ model, el, title: "Softlog and Softsquare", traits });
  const now = () => {
    const { map, inverse } = layerOf(ui.parameters);
    const { y, logDet } = map(ui.get("x"));
    return { y, logDet, back: inverse(y) };
  };
  addPicture(ui, ui.stage, {
    label: () => {
      const { y, logDet } = now();
      return `The curve of ${ui.get("kind")} and its inverse, mirrored at the diagonal. ` +
        `x = ${fixed(ui.get("x"))} goes to y = ${fixed(y)} with slope ${fixed(Math.exp(logDet))}.`;
    },
    draw: (ctx, width, height, colours) => drawCurves(ctx, width, height, colours, ui.parameters),
  });
  addPicture(ui, ui.stage, {
    label: () =>
      `Above, the normal base density and the pushed density; below, the log-det, ` +
      `${fixed(now().logDet)} at x = ${fixed(ui.get("x"))}.`,
    draw: (ctx, width, height, colours) => drawDensities(ctx, width, height, colours, ui.parameters),
  });
  ui.root.classList.add("nt-below");
  const [panel, numbers] = [make("div", { class: "nt-box" }), make("div", { class: "nt-box" })];
  ui.panel.append(panel, numbers);
  addChoice(ui, panel, { trait: "kind", legend: "Layer", options: { softlog: "Softlog", softsquare: "Softsquare" } });
  const formula = make("p", { class: "nt-hint" });
  panel.append(formula);
  const rows = [
    addSlider(ui, panel, { trait: "a", name: "a", label: "<i>a</i>, slope at 0", min: 0.05, max: 3, step: 0.01 }),
    addSlider(ui, panel, { trait: "b", name: "b", label: "<i>b</i>, bend", min: 0, max: 2, step: 0.01 }),
  ];
  ui.onPaint(() => {
    const softlog = ui.get("kind") === "softlog";
    for (const row of rows) row.hidden = softlog;
    formula.innerHTML = softlog
      ? "<i>y</i> = sign(<i>x</i>) log(|<i>x</i>| + 1)"
      : "<i>y</i> = <i>a x</i> + <i>b</i> sign(<i>x</i>) <i>x</i>\u00b2";
  });
  addSlider(ui, panel, { trait: "x", name: "point x", label: "point <i>x</i>", min: -4, max: 4, step: 0.01 });
  addReadouts(ui, numbers, [
    ["y", "forward: <i>y</i>", () => fixed(now().y, 4), "nt-one"],
    ["back", "inverse of <i>y</i>", () => fixed(now().back, 4), "nt-two"],
    ["slope", "slope d<i>y</i>/d<i>x</i>", () => fixed(Math.exp(now().logDet), 4)],
    ["log-det", "log-det", () => fixed(now().logDet, 4), "nt-three"],
    ["pushed", "pushed density", () => fixed(Math.exp(normalLogDensity(ui.get("x")) - now().logDet), 4), "nt-one"],
  ]);
  addReset(ui, addRow(numbers));
  ui.onPaint(() => ui.publish({ ...ui.parameters, y: now().y, log_det: now().logDet, back: now().back }));
  return () => ui.dispose();
}

export default { render };
