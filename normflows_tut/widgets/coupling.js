// One affine coupling in the plane: x1 stays, x2 is scaled and shifted by functions of x1.

function drawConditioner(ctx, width, height, colours, parameters) {
  const x = linearScale([-4, 4], [26, width - 8]);
  const y = linearScale([-3, 3], [height - 20, 8]);
  drawAxes(ctx, x, y, colours, { xTicks: 4, yTicks: 3 });
  const runs = Array.from({ length: 161 }, (_, i) => -4 + i / 20);
  const at = parameters.x[0];
  clipTo(ctx, [26, width - 8], [height - 20, 8], () => {
    strokeLine(ctx, [[x(at), y(-3)], [x(at), y(3)]], colours.muted, 1, [3, 3]);
    for (const [name, tone] of [["s", colours.two], ["t", colours.three]]) {
      strokeLine(ctx, runs.map((v) => [x(v), y(couplingCurves(parameters, v)[name])]), tone, 2);
      drawDot(ctx, x(at), y(couplingCurves(parameters, at)[name]), tone, 4);
    }
  });
}

function render({ model, el }) {
  const traits = ["level", "slope", "tilt", "bend", "x"];
  const ui = new Widget({ model, el, title: "One affine coupling", traits });
  const now = () => coupling(ui.parameters, ui.get("x"));
  const { peaks } = addPlanePair(ui, {
    layer: () => {
      const p = ui.parameters;
      return { forward: (x) => coupling(p, x), inverse: couplingInverter(p) };
    },
    probe: "x",
    names: { base: ["x\u2081", "x\u2082"], pushed: ["y\u2081", "y\u2082"] },
    describe: () => {
      const { y, logDet } = now();
      return `Density and grid after the coupling: upright lines stay where they are, and points ` +
        `slide along them. The point goes to ${point(y)}; the log-det there is ${fixed(logDet)}.`;
    },
  });
  const [curves, numbers] = [make("div", { class: "nt-box" }), make("div", { class: "nt-box" })];
  ui.panel.append(curves, numbers);
  curves.append(make("p", { class: "nt-hint", html:
    "<i>y</i>\u2081 = <i>x</i>\u2081, \u2003 <i>y</i>\u2082 = <i>x</i>\u2082 exp <i>s</i>(<i>x</i>\u2081) + <i>t</i>(<i>x</i>\u2081)" }));
  addPicture(ui, curves, {
    ratio: () => 0.5,
    label: () => `The log-scale s and the shift t as functions of x1; at x1 = ${fixed(ui.get("x")[0])} they are ${
      fixed(couplingCurves(ui.parameters, ui.get("x")[0]).s)} and ${fixed(couplingCurves(ui.parameters, ui.get("x")[0]).t)}.`,
    caption: '<span class="nt-two"><i>s</i>(<i>x</i>\u2081)</span> and <span class="nt-three"><i>t</i>(<i>x</i>\u2081)</span>',
    draw: (ctx, width, height, colours) => drawConditioner(ctx, width, height, colours, ui.parameters),
  });
  const pair = make("div", { class: "nt-pair" });
  numbers.append(pair);
  const sliders = [
    ["level", "s: level", "<i>s</i>: level", 1.5], ["slope", "s: slope", "<i>s</i>: slope", 1.5],
    ["tilt", "t: tilt", "<i>t</i>: tilt", 2], ["bend", "t: bend", "<i>t</i>: bend", 1],
  ];
  for (const [trait, name, label, reach] of sliders) {
    addSlider(ui, pair, { trait, name, label, min: -reach, max: reach, step: 0.01 });
  }
  const cells = [0, 1, 2, 3].map((i) =>
    make("span", { "data-readout": `jacobian-${Math.floor(i / 2) + 1}${(i % 2) + 1}`, class: i === 1 ? "nt-zero" : i === 3 ? "nt-two" : "" }));
  const matrix = make("div", { class: "nt-matrix" }, ...cells);
  numbers.append(make("div", { class: "nt-matrix-row" }, make("span", { text: "Jacobian" }), matrix));
  ui.onPaint(() => now().jacobian.flat().forEach((v, i) => (cells[i].textContent = i < 2 ? String(v) : fixed(v))));
  addReadouts(ui, numbers, [
    ["x", "point <i>x</i> (drag it)", () => point(ui.get("x"))],
    ["f", "goes to <i>y</i>", () => point(now().y)],
    ["det", "determinant = 1 \u00b7 exp <i>s</i>", () => fixed(Math.exp(now().logDet), 4)],
    ["log-det", "log-det = <i>s</i>(<i>x</i>\u2081)", () => fixed(now().logDet, 4), "nt-two"],
  ]);
  addReset(ui, addRow(numbers));
  ui.onPaint(() => ui.publish({ ...ui.parameters, f: now().y, log_det: now().logDet, jacobian: now().jacobian, peak: peaks.pushed }));
  return () => ui.dispose();
}

export default { render };
