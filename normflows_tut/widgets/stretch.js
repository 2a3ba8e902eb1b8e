// One dimension: mass is conserved, density is divided by the slope.

const TENTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((k) => k / 10);
const NORMAL_EDGES = TENTHS.map((m) => (m === 0 ? -6 : m === 1 ? 6 : normalQuantile(m)));

const BASES = {
  normal: {
    density: (z) => Math.exp(normalLogDensity(z)),
    edges: NORMAL_EDGES,
    middle: (k) => normalQuantile((k - 0.5) / 10),
  },
  uniform: {
    density: (z) => (z >= 0 && z <= 1 ? 1 : 0),
    edges: TENTHS,
    middle: (k) => (k - 0.5) / 10,
  },
};

/** Everything the picture and the readouts say about the marked strip. */
function stripNumbers({ base, strip, scale, shift, bend }) {
  const { density, edges, middle } = BASES[base];
  const map = (z) => stretch({ scale, shift, bend }, z);
  const [z0, z1] = [edges[strip - 1], edges[strip]];
  const z = middle(strip);
  const { x, slope } = map(z);
  // Both areas by quadrature of the density that is drawn, each over its own axis: on the
  // x axis with nodes x(z), so that nothing is assumed about mass being conserved.
  const baseArea = integrate(density, z0, z1, 200);
  let pushedArea = 0;
  const panels = 2000;
  const at = (i) => z0 + ((z1 - z0) * i) / panels;
  for (let i = 0; i < panels; i += 1) {
    const [l, m, r] = [at(i), at(i + 0.5), at(i + 1)];
    pushedArea += (map(r).x - map(l).x) * (density(m) / map(m).slope);
  }
  return { z, x, slope, z0, z1, x0: map(z0).x, x1: map(z1).x,
    baseDensity: density(z), pushedDensity: density(z) / slope, baseArea, pushedArea };
}

function drawStretch(ctx, width, height, colours, parameters) {
  const { density, edges } = BASES[parameters.base];
  const map = (z) => stretch(parameters, z);
  const left = Math.round(width * 0.34);
  const bottom = Math.round(height * 0.34);
  const zs = Array.from({ length: 481 }, (_, i) => -4.2 + (8.4 * i) / 480);
  if (parameters.base === "uniform") zs.push(-1e-9, 0, 1, 1 + 1e-9);
  zs.sort((a, b) => a - b);
  const curve = zs.map((z) => ({ z, base: density(z), ...map(z) }));
  for (const p of curve) p.pushed = p.base / p.slope;
  const peak = Math.max(1, ...curve.map((p) => p.pushed));
  const top = roundUp(peak * 1.05);
  const z = linearScale([-3.3, 3.3], [left, width - 8]);
  const x = linearScale([-5, 5], [height - bottom, 8]);
  const down = linearScale([0, parameters.base === "uniform" ? 1.1 : 0.5], [height - 24, height - bottom + 26]);
  const out = linearScale([0, top], [left - 34, 26]);
  const wide = [left, width - 8];
  const high = [height - bottom, 8];
  // Strips of one tenth of the mass each, alternating; the marked one in colour.
  for (let k = 1; k <= 10; k += 1) {
    const marked = k === parameters.strip;
    const fill = marked ? colours.two : colours.one;
    const alpha = marked ? 0.75 : k % 2 ? 0.4 : 0.2;
    const inside = [];
    for (let i = 0; i <= 60; i += 1) {
      const zi = edges[k - 1] + ((edges[k] - edges[k - 1]) * i) / 60;
      const g = map(zi);
      inside.push({ z: zi, x: g.x, base: density(zi), pushed: density(zi) / g.slope });
    }
    const [first, last] = [inside[0], inside[60]];
    clipTo(ctx, wide, [height, 0], () => {
      fillShape(ctx, [[z(first.z), down(0)], ...inside.map((p) => [z(p.z), down(p.base)]), [z(last.z), down(0)]], fill, alpha);
    });
    clipTo(ctx, [0, width], high, () => {
      fillShape(ctx, [[out(0), x(first.x)], ...inside.map((p) => [out(p.pushed), x(p.x)]), [out(0), x(last.x)]], fill, alpha);
      if (!marked) return;
      // The band: up from the base, across at the curve, into the pushed density.
      const band = [[z(first.z), high[0]], ...inside.map((p) => [z(p.z), x(p.x)]), [z(last.z), high[0]]];
      fillShape(ctx, band, colours.two, 0.16);
      const across = [[left, x(first.x)], ...inside.map((p) => [z(p.z), x(p.x)]), [left, x(last.x)]];
      fillShape(ctx, across, colours.two, 0.16);
    });
  }
  clipTo(ctx, wide, high, () => {
    strokeLine(ctx, curve.map((p) => [z(p.z), x(p.x)]), colours.text, 2);
  });
  strokeLine(ctx, curve.filter((p) => Math.abs(p.z) <= 3.3).map((p) => [z(p.z), down(p.base)]), colours.one, 2);
  clipTo(ctx, [0, width], high, () => {
    strokeLine(ctx, curve.map((p) => [out(p.pushed), x(p.x)]), colours.one, 2);
  });
  const narrow = width < 420;
  drawAxes(ctx, z, down, colours, { xTicks: 6, yTicks: narrow ? 0 : 2 });
  for (const value of ticks(x.domain, 5)) {
    drawText(ctx, fixed(value, 0), left - 16, x(value), colours.muted, "center", "middle");
  }
  strokeLine(ctx, [[out(0), 8], [out(0), high[0]], [width - 8, high[0]]], colours.line, 1);
  strokeLine(ctx, [[left, 8], [left, high[0]]], colours.line, 1);
  // Density 1 is marked: nothing forbids the pushed density to pass it.
  strokeLine(ctx, [[out(1), 8], [out(1), high[0]]], colours.muted, 1, [4, 4]);
  drawText(ctx, "1", out(1), high[0] + 5, colours.muted, "center", "top");
  // Under a high peak 1 comes close to 0, and would read as 10.
  if (out(0) - out(1) > 14) drawText(ctx, "0", out(0), high[0] + 5, colours.muted, "center", "top");
  if (out(1) - out(top) > 22) drawText(ctx, String(top), out(top), high[0] + 5, colours.muted, "center", "top");
  drawText(ctx, "pushed", 4, high[0] + 22, colours.text, "left", "top");
  drawText(ctx, "density of x", 4, high[0] + 37, colours.text, "left", "top");
  drawText(ctx, "base density of z", left + 6, high[0] + 8, colours.text, "left", "top");
  drawText(ctx, "x = f(z)", width - 12, high[0] - 10, colours.text, "right");
}

function render({ model, el }) {
  const traits = ["scale", "shift", "bend", "base", "strip"];
  const ui = new Widget({ model, el, title: "Stretch: a density pushed through a curve", traits });
  const numbers = () => stripNumbers(ui.parameters);
  let now = numbers();
  ui.onPaint(() => (now = numbers()));
  addPicture(ui, ui.stage, {
    ratio: (width) => (width < 420 ? 1.1 : 0.92),
    label: () =>
      `Base density below, the curve x = f(z) above it, the pushed density at the left. ` +
      `The marked strip holds mass ${fixed(now.baseArea, 3)} on both axes; at its middle ` +
      `the slope is ${fixed(now.slope)} and the density goes from ${fixed(now.baseDensity)} ` +
      `to ${fixed(now.pushedDensity)}.`,
    draw: (ctx, width, height, colours) => drawStretch(ctx, width, height, colours, ui.parameters),
  });
  const { panel } = ui;
  addChoice(ui, panel, { trait: "base", legend: "Base", options: { normal: "normal", uniform: "uniform" } });
  addSlider(ui, panel, { trait: "scale", name: "scale", label: "scale <i>a</i>", min: 0.1, max: 2, step: 0.01 });
  addSlider(ui, panel, { trait: "shift", name: "shift", label: "shift <i>b</i>", min: -2, max: 2, step: 0.01 });
  addSlider(ui, panel, { trait: "bend", name: "bend", label: "bend <i>c</i>", min: -0.9, max: 4, step: 0.01 });
  addSlider(ui, panel, { trait: "strip", name: "marked strip", label: "marked strip", min: 1, max: 10, step: 1, digits: 0 });
  panel.append(make("p", { class: "nt-hint", html: "<i>f</i>(<i>z</i>) = <i>a</i> (<i>z</i> + <i>c</i> tanh <i>z</i>) + <i>b</i>. Each strip holds one tenth of the mass; the numbers are those of the marked strip, densities and slope at its middle." }));
  addReadouts(ui, panel, [
    ["base-area", "mass, in the base", () => fixed(now.baseArea, 3), "nt-two"],
    ["pushed-area", "mass, pushed", () => fixed(now.pushedArea, 3), "nt-two"],
    ["base-density", "base density", () => fixed(now.baseDensity, 3)],
    ["slope", "slope of <i>f</i>", () => `\u00f7 ${fixed(now.slope, 3)}`],
    ["pushed-density", "pushed density", () => `= ${fixed(now.pushedDensity, 3)}`],
  ]);
  addReset(ui, addRow(panel));
  ui.onPaint(() => ui.publish({ ...ui.parameters, ...now }));
  return () => ui.dispose();
}

export default { render };
