// A trained spline flow, evaluated here: scrub through its layers, drag a point, read densities.

const CLOUD = 1600;
const QUADRANT_TONES = ["#f0e442", "#56b4e9", "#0072b2", "#d55e00"]; // those of viz

/** CLOUD points of the standard normal base, the same for every reader. */
function normalCloud() {
  let state = 20260101;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
  return Array.from({ length: CLOUD }, () => {
    const [r, angle] = [Math.sqrt(-2 * Math.log(uniform())), 2 * Math.PI * uniform()];
    return [r * Math.cos(angle), r * Math.sin(angle)];
  });
}

function toneOf([a, b]) {
  return QUADRANT_TONES[b >= 0 ? Number(a < 0) : 3 - Number(a < 0)];
}

function render({ model, el }) {
  const traits = ["plan", "weights", "bounds", "z", "depth"];
  const ui = new Widget({ model, el, title: "A flow, layer by layer", traits: traits.slice(2) });
  ui.root.classList.add("nt-below");
  const flow = readFlow(ui.get("plan"), ui.get("weights"));
  const count = flow.layers.length;
  const cloud = normalCloud();
  const tones = cloud.map(toneOf);
  const bounds = () => ui.get("bounds");
  const depth = () => Math.min(count, ui.get("depth"));
  const aspect = () => (bounds()[1][1] - bounds()[1][0]) / (bounds()[0][1] - bounds()[0][0]);
  const columns = aspect() < 1 ? 200 : Math.round(200 / aspect());
  const heat = densityPicture(columns, Math.round(columns * aspect()));
  const show = { density: true, points: true };
  let painted = "";

  const stageName = () => {
    const d = depth();
    if (d === 0) return "base";
    const k = Math.ceil(d);
    return d === k ? `after layer ${k} of ${count}` : `layer ${k} of ${count}, ${Math.round(100 * (d - k + 1))}%`;
  };
  const here = () => flowForward(flow, ui.get("z"), depth());
  const end = () => flowForward(flow, ui.get("z"));

  const drawPath = (ctx, plane) => {
    const stops = flowPath(flow, ui.get("z"));
    const at = ([a, b]) => [plane.x(a), plane.y(b)];
    const d = depth();
    const done = stops.slice(0, Math.floor(d) + 1).concat([here().x]).map(at);
    withHalo((tone, more) => strokeLine(ctx, stops.map(at), tone, 1.2 + more, more ? [] : [3, 4]), ON_INK.text);
    withHalo((tone, more) => strokeLine(ctx, done, tone, 2.2 + more), ON_INK.text);
    stops.forEach((stop, k) => withHalo((tone, more) =>
      drawDot(ctx, ...at(stop), tone, (k === 0 || k === count ? 4 : 3) + more / 2, k > d), ON_INK.text));
  };

  const picture = addPicture(ui, ui.stage, {
    ink: true,
    ratio: aspect,
    label: () => `The flow, ${stageName()}: its density, ${CLOUD} points coloured by their quadrant in ` +
      `the base, and one point on its way, now at ${point(here().x)}.`,
    draw: (ctx, width, height, colours, self) => {
      const [[x0, x1], [y0, y1]] = bounds();
      self.plane = { x: linearScale([x0, x1], [0, width]), y: linearScale([y0, y1], [height, 0]) };
      const { x, y } = self.plane;
      const d = depth();
      const key = `${d} ${bounds()}`;
      if (show.density && key !== painted) {
        heat.paint((a, b) => Math.exp(flowInverse(flow, [a, b], d, tabledBin).logProb), bounds());
        painted = key;
      }
      if (show.density) ctx.drawImage(heat.canvas, 0, 0, width, height);
      if (show.points) {
        const side = Math.max(1.6, width / 340);
        cloud.forEach((z, i) => {
          const [a, b] = flowForward(flow, z, d, tabledBin).x;
          ctx.fillStyle = tones[i];
          ctx.fillRect(x(a) - side / 2, y(b) - side / 2, side, side);
        });
      }
      drawPath(ctx, self.plane);
      drawText(ctx, stageName(), 8, 16, ON_INK.text);
    },
  });
  picture.figure.classList.add("nt-wide");
  addHandle(ui, picture, {
    name: "Point",
    tone: "nt-one",
    get: () => here().x,
    set: (x) => ui.set("z", flowInverse(flow, x, depth()).z),
  });
  const hovered = addHover(ui, picture);

  const scrub = make("div", { class: "nt-scrub" });
  ui.stage.append(scrub);
  let playing = 0;
  const pause = () => {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = "Play";
  };
  const play = addButton(scrub, "Play", () => {
    if (playing) return pause();
    play.textContent = "Pause";
    let last = 0;
    const from = depth() >= count ? 0 : depth();
    ui.set("depth", from);
    const advance = (now) => {
      const step = last ? Math.min(0.05, ((now - last) / 1000) * 0.8) : 0;
      last = now;
      const next = Math.min(count, ui.get("depth") + step);
      ui.set("depth", next);
      if (next >= count) pause();
      else playing = requestAnimationFrame(advance);
    };
    playing = requestAnimationFrame(advance);
  });
  ui.undo.push(() => cancelAnimationFrame(playing));
  const slider = addSlider(ui, scrub, {
    trait: "depth", name: "layers that have acted", label: "layers that have acted", min: 0, max: count, step: 0.01,
  });
  slider.querySelector("input").addEventListener("input", pause);

  const [left, right] = [make("div", { class: "nt-box" }), make("div", { class: "nt-box" })];
  ui.panel.append(left, right);
  addReadouts(ui, left, [
    ["z", "the point in the base, <i>z</i>", () => point(ui.get("z"))],
    ["x", "in the data, <i>x</i> = <i>f</i>(<i>z</i>)", () => point(end().x)],
    ["base", "log <i>p</i><sub>Z</sub>(<i>z</i>)", () => fixed(end().logProb + end().logDet, 4)],
    ["log-det", "minus the log-det", () => fixed(-end().logDet, 4)],
    ["log-prob", "log <i>p</i><sub>X</sub>(<i>x</i>)", () => fixed(end().logProb, 4), "nt-one"],
  ]);
  addReadouts(ui, right, [
    ["hover", "under the pointer, at this stage", () => (hovered() ? point(hovered()) : "\u2013")],
    ["hover-density", "density there", () =>
      hovered() ? fixed(Math.exp(flowInverse(flow, hovered(), depth()).logProb), 4) : "\u2013"],
  ]);
  const row = addRow(right);
  for (const what of ["density", "points"]) {
    const box = make("input", { type: "checkbox" });
    box.checked = true;
    box.addEventListener("change", () => {
      show[what] = box.checked;
      ui.invalidate();
    });
    row.append(make("label", { class: "nt-check" }, box, make("span", { text: what })));
  }
  addReset(ui, row, pause);
  ui.onPaint(() => ui.publish({
    z: ui.get("z"), depth: depth(), bounds: bounds(), x: end().x, log_prob: end().logProb,
    at: here().x, log_prob_here: here().logProb, path: flowPath(flow, ui.get("z")),
  }));
  return () => ui.dispose();
}

export default { render };
