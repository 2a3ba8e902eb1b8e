// A posterior that moves with the observation, evaluated here from the weights of a flow.

function render({ model, el }) {
  const traits = ["plan", "weights", "bounds", "observation"];
  const ui = new Widget({ model, el, title: "A posterior, given an observation", traits: traits.slice(2) });
  ui.root.classList.add("nt-below");
  const plan = ui.get("plan");
  const posterior = readFlow(plan, ui.get("weights"));
  const bounds = () => ui.get("bounds");
  const aspect = () => (bounds()[1][1] - bounds()[1][0]) / (bounds()[0][1] - bounds()[0][0]);
  const columns = aspect() < 1 ? 160 : Math.round(160 / aspect());
  const rows = Math.round(columns * aspect());
  const heat = densityPicture(columns, rows);
  let known = "";
  let flow = null;
  let summary = null;

  /** Mean and deviation of both parameters over the box, and the mass that is in it. */
  const summed = (values) => {
    const [[x0, x1], [y0, y1]] = bounds();
    const sums = [0, 0, 0, 0, 0];
    values.forEach((value, i) => {
      const a = x0 + (((i % columns) + 0.5) * (x1 - x0)) / columns;
      const b = y1 - ((Math.floor(i / columns) + 0.5) * (y1 - y0)) / rows;
      [1, a, b, a * a, b * b].forEach((power, k) => (sums[k] += value * power));
    });
    const [mass, ...moments] = sums;
    const [a, b, aa, bb] = moments.map((moment) => moment / mass);
    const cell = ((x1 - x0) * (y1 - y0)) / values.length;
    return {
      mean: [a, b],
      deviation: [Math.sqrt(Math.max(0, aa - a * a)), Math.sqrt(Math.max(0, bb - b * b))],
      mass: mass * cell,
    };
  };
  const update = () => {
    const key = JSON.stringify([ui.get("observation"), bounds()]);
    if (key === known) return;
    known = key;
    flow = flowGiven(posterior, ui.get("observation"));
    const density = (a, b) => Math.exp(flowInverse(flow, [a, b], flow.layers.length, tabledBin).logProb);
    summary = summed(heat.paint(density, bounds()));
  };
  update(); // the first label is read before the first picture is drawn
  const observed = () => ui.get("observation").map((value) => fixed(value)).join(", ");

  const picture = addPicture(ui, ui.stage, {
    ink: true,
    ratio: aspect,
    label: () => `The density of two parameters given the observation ${observed()}: mean ` +
      `${point(summary.mean)}, deviations ${point(summary.deviation)}.`,
    draw: (ctx, width, height, colours, self) => {
      const [[x0, x1], [y0, y1]] = bounds();
      self.plane = { x: linearScale([x0, x1], [0, width]), y: linearScale([y0, y1], [height, 0]) };
      update();
      ctx.imageSmoothingEnabled = true;
      ctx.drawImage(heat.canvas, 0, 0, width, height);
      for (const mark of plan.marks) {
        withHalo((tone, more) =>
          drawDot(ctx, self.plane.x(mark[0]), self.plane.y(mark[1]), tone, 4 + more / 2, true), ON_INK.one);
      }
      drawText(ctx, `given ${observed()}`, 8, 16, ON_INK.text);
      drawText(ctx, plan.names[0], width - 8, height - 8, ON_INK.muted, "right");
      drawText(ctx, plan.names[1], 8, 34, ON_INK.muted);
    },
  });
  picture.figure.classList.add("nt-wide");
  const hovered = addHover(ui, picture);

  const [left, right] = [make("div", { class: "nt-box" }), make("div", { class: "nt-box" })];
  ui.panel.append(left, right);
  plan.ranges.forEach(([min, max], index) => {
    const name = plan.observed[index];
    addSlider(ui, left, { trait: "observation", index, name, label: name, min, max, step: (max - min) / 200 });
  });
  addReset(ui, addRow(left));
  addReadouts(ui, right, [
    ["mean", "mean", () => point(summary.mean)],
    ["deviation", "deviations", () => point(summary.deviation)],
    ["hover", "under the pointer", () => (hovered() ? point(hovered()) : "\u2013")],
    ["hover-density", "density there", () =>
      hovered() ? fixed(Math.exp(flowInverse(flow, hovered()).logProb), 4) : "\u2013"],
  ]);
  ui.onPaint(() => {
    update();
    ui.publish({ observation: ui.get("observation"), bounds: bounds(), ...summary });
  });
  return () => ui.dispose();
}

export default { render };
