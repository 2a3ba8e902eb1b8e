// One planar or radial layer of Rezende & Mohamed (2015): grid, density, log-det at a point.

function render({ model, el }) {
  const traits = ["kind", "u", "w", "b", "center", "alpha", "beta", "z"];
  const ui = new Widget({ model, el, title: "One planar or radial layer", traits });
  const isPlanar = () => ui.get("kind") === "planar";
  const layer = () => {
    const p = ui.parameters;
    return isPlanar()
      ? { forward: (z) => planar(p, z), inverse: planarInverter(p) }
      : { forward: (z) => radial(p, z), inverse: radialInverter(p) };
  };
  const now = () => layer().forward(ui.get("z"));
  const { base, peaks } = addPlanePair(ui, {
    layer,
    probe: "z",
    names: { base: ["z\u2081", "z\u2082"], pushed: ["x\u2081", "x\u2082"] },
    describe: (peaks) => {
      const { y, logDet } = now();
      return `Density and grid after the ${ui.get("kind")} layer. The point goes to ${point(y)}, ` +
        `where the log-det is ${fixed(logDet)}; the highest density shown is ${fixed(peaks.pushed, 3)}.`;
    },
    marks: (ctx, plane) => {
      if (!isPlanar()) return;
      const { w, b } = ui.parameters;
      const square = w[0] * w[0] + w[1] * w[1];
      if (square === 0) return;
      // The line w.z + b = 0, and w as an arrow from its point nearest to the origin.
      const foot = [(-b * w[0]) / square, (-b * w[1]) / square];
      const along = [-w[1] / Math.sqrt(square), w[0] / Math.sqrt(square)];
      const at = (s) => [plane.x(foot[0] + s * along[0]), plane.y(foot[1] + s * along[1])];
      withHalo((tone, more) => strokeLine(ctx, [at(-12), at(12)], tone, 1.8 + more, more ? [] : [7, 4]), ON_INK.two);
      const tip = (v) => [plane.x(foot[0] + v[0]), plane.y(foot[1] + v[1])];
      withHalo((tone, more) => drawArrow(ctx, at(0), tip(w), tone, 2 + more), ON_INK.two);
      withHalo((tone, more) => drawArrow(ctx, at(0), tip(planarUHat(ui.parameters)), tone, 2 + more), ON_INK.three);
    },
  });
  addHandle(ui, base, {
    name: "Centre z0",
    tone: "nt-two nt-center",
    get: () => ui.get("center"),
    set: (center) => ui.set("center", center),
  });
  const controls = make("div", { class: "nt-box" });
  const numbers = make("div", { class: "nt-box" });
  ui.panel.append(controls, numbers);
  addChoice(ui, controls, { trait: "kind", legend: "Layer", options: { planar: "planar", radial: "radial" } });
  const planarBox = make("div", { class: "nt-box" });
  const radialBox = make("div", { class: "nt-box" });
  controls.append(planarBox, radialBox);
  const planarNumbers = make("div", {});
  const radialNumbers = make("div", {});
  numbers.append(planarNumbers, radialNumbers);
  const pairs = { u: planarBox, w: planarBox, center: radialBox };
  for (const [trait, box] of Object.entries(pairs)) {
    const row = make("div", { class: "nt-pair" });
    box.append(row);
    const symbol = trait === "center" ? "z" : trait;
    for (const index of [0, 1]) {
      const sub = trait === "center" ? `0,${index + 1}` : index + 1;
      const name = trait === "center" ? `z0,${index + 1}` : `${trait}${index + 1}`;
      const reach = trait === "center" ? 3 : 4;
      addSlider(ui, row, { trait, index, name, label: `<i>${symbol}</i><sub>${sub}</sub>`, min: -reach, max: reach, step: 0.01 });
    }
  }
  addSlider(ui, planarBox, { trait: "b", name: "b", label: "<i>b</i>", min: -4, max: 4, step: 0.01 });
  addSlider(ui, radialBox, { trait: "alpha", name: "alpha, the reach", label: "<i>\u03b1</i>, the reach", min: 0.05, max: 4, step: 0.01 });
  addSlider(ui, radialBox, { trait: "beta", name: "beta, before the constraint", label: "<i>\u03b2</i>, before the constraint", min: -6, max: 8, step: 0.01 });
  addReadouts(ui, planarNumbers, [
    ["u-hat", "<i>u\u0302</i> (green arrow)", () => point(planarUHat(ui.parameters)), "nt-three"],
    ["w-u", "<i>w\u00b7u</i>", () => {
      const { u, w } = ui.parameters;
      return fixed(u[0] * w[0] + u[1] * w[1]);
    }],
    ["w-u-hat", "<i>w\u00b7u\u0302</i>, always above \u22121", () => fixed(planarSlope(ui.parameters) - 1)],
  ]);
  addReadouts(ui, radialNumbers, [
    ["beta-hat", "<i>\u03b2\u0302</i>, always above \u2212<i>\u03b1</i>", () => fixed(radialBetaHat(ui.parameters))],
  ]);
  ui.onPaint(() => {
    planarBox.hidden = planarNumbers.hidden = !isPlanar();
    radialBox.hidden = radialNumbers.hidden = isPlanar();
    base.frame.querySelector(".nt-center").hidden = isPlanar();
  });
  addReadouts(ui, numbers, [
    ["z", "point <i>z</i> (drag it)", () => point(ui.get("z"))],
    ["f", "<i>f</i>(<i>z</i>)", () => point(now().y)],
    ["log-det", "log-det at <i>z</i>", () => fixed(now().logDet, 4), "nt-one"],
    ["density", "density there, before", () => fixed(Math.exp(planeLogDensity(...ui.get("z"))), 4)],
    ["pushed", "after, divided by <i>e</i><sup>log-det</sup>", () => fixed(Math.exp(planeLogDensity(...ui.get("z")) - now().logDet), 4)],
  ]);
  addReset(ui, addRow(controls));
  ui.onPaint(() => ui.publish({ ...ui.parameters, f: now().y, log_det: now().logDet, peak: peaks.pushed }));
  return () => ui.dispose();
}

export default { render };
