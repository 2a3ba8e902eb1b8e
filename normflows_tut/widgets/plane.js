// Two pictures side by side: the base with a grid and a point, and where a layer puts them.

/** Adds both pictures; layer() returns {forward(z) -> {y, logDet}, inverse(y1, y2) -> {z, logDet}}. */
function addPlanePair(ui, { layer, probe, describe, reach = 4, marks = () => {}, names }) {
  ui.root.classList.add("nt-below");
  let drawn = false;
  const letter = names.base[0][0]; // the input's name, as on the axes
  const heats = [heatMap(), heatMap()];
  const peaks = { base: 1 / (2 * Math.PI), pushed: 0 };
  const arrow = (ctx, plane) => {
    const z = ui.get(probe);
    const { y } = layer().forward(z);
    const [from, to] = [z, y].map(([a, b]) => [plane.x(a), plane.y(b)]);
    withHalo((tone, more) => strokeLine(ctx, [from, to], tone, 1.8 + more), ON_INK.one);
    return { from, to };
  };
  const base = addPicture(ui, ui.stage, {
    ink: true,
    label: () => `Base density: a standard Gaussian under a square grid, with a point at ${point(ui.get(probe))}.`,
    caption: `base, <i>${letter}</i>`,
    draw: (ctx, width, height, colours, self) => {
      self.plane = planeScales(width, height, reach);
      heats[0](ctx, width, height, reach, drawn ? null : (a, b) => Math.exp(planeLogDensity(a, b)));
      drawn = true; // the base never changes
      drawGrid(ctx, self.plane, (z) => z);
      marks(ctx, self.plane);
      drawPlaneTicks(ctx, self.plane, width, height, names.base);
    },
  });
  addPicture(ui, ui.stage, {
    ink: true,
    label: () => describe(peaks),
    caption: `after the layer, <i>f</i>(<i>${letter}</i>)`,
    draw: (ctx, width, height) => {
      const plane = planeScales(width, height, reach);
      const { forward, inverse } = layer();
      peaks.pushed = heats[1](ctx, width, height, reach, (a, b) => {
        const { z, logDet } = inverse(a, b);
        return Math.exp(planeLogDensity(z[0], z[1]) - logDet);
      });
      drawGrid(ctx, plane, (z) => forward(z).y);
      const { from, to } = arrow(ctx, plane);
      withHalo((tone, more) => drawDot(ctx, ...from, tone, 5 + more / 3, true), ON_INK.one);
      withHalo((tone, more) => drawDot(ctx, ...to, tone, 6 + more / 2), ON_INK.one);
      drawPlaneTicks(ctx, plane, width, height, names.pushed);
    },
  });
  addHandle(ui, base, { name: `Point ${letter}`, tone: "nt-one", get: () => ui.get(probe), set: (z) => ui.set(probe, z) });
  return { base, peaks };
}
