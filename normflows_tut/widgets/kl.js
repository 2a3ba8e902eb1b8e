// Forward and reverse KL of one Gaussian q to a mixture p of two.

function drawDensityPair(ctx, width, height, colours, p, q) {
  const x = linearScale([-6, 6], [34, width - 8]);
  const runs = Array.from({ length: 481 }, (_, i) => -6 + i / 40);
  const target = runs.map((v) => Math.exp(mixtureLogDensity(p, v)));
  const model = runs.map((v) => Math.exp(normalLogDensity(v, q.mu, q.sigma)));
  const top = roundUp(1.08 * Math.max(...target, ...model));
  const y = linearScale([0, top], [height - 22, 20]);
  drawAxes(ctx, x, y, colours, { xTicks: 6, yTicks: 3 });
  const shape = (values) => runs.map((v, i) => [x(v), y(values[i])]);
  fillShape(ctx, [[x(-6), y(0)], ...shape(target), [x(6), y(0)]], colours.fill, 0.4);
  strokeLine(ctx, shape(target), colours.fill, 1.5);
  strokeLine(ctx, shape(model), colours.text, 2.2);
  drawText(ctx, "target p (grey) and Gaussian q (line)", 38, 12, colours.text);
}

/** An integrand with its area: coloured what adds to the divergence, grey what takes away. */
function drawIntegrand(ctx, width, height, colours, { tone, title, integrand }) {
  const x = linearScale([-6, 6], [34, width - 8]);
  const runs = Array.from({ length: 481 }, (_, i) => -6 + i / 40);
  const values = runs.map(integrand);
  const top = roundUp(Math.max(0.2, ...values) * 1.05);
  const low = Math.min(0, ...values);
  const y = linearScale([low * 1.1, top], [height - 22, 20]);
  clipTo(ctx, [34, width - 8], [height, 0], () => {
    for (const sign of [1, -1]) {
      const part = runs.map((v, i) => [x(v), y(sign * Math.max(0, sign * values[i]))]);
      fillShape(ctx, [[x(-6), y(0)], ...part, [x(6), y(0)]], sign > 0 ? tone : colours.fill, 0.5);
    }
    strokeLine(ctx, runs.map((v, i) => [x(v), y(values[i])]), tone, 2);
  });
  drawAxes(ctx, x, y, colours, { xTicks: 6, yTicks: 3 });
  drawText(ctx, title, 38, 12, colours.text);
}

function render({ model, el }) {
  const traits = ["mu", "sigma", "separation", "spread", "weight"];
  const ui = new Widget({ model, el, title: "Forward and reverse KL divergence", traits });
  const target = () => ({ separation: ui.get("separation"), spread: ui.get("spread"), weight: ui.get("weight") });
  const gaussian = () => ({ mu: ui.get("mu"), sigma: ui.get("sigma") });
  let now = klDivergences(target(), gaussian());
  ui.onPaint(() => (now = klDivergences(target(), gaussian())));
  const logRatio = (x) => mixtureLogDensity(target(), x) - normalLogDensity(x, ui.get("mu"), ui.get("sigma"));
  const pictures = [
    [0.32, () => `A target with two bumps ${fixed(ui.get("separation"), 1)} apart, and a Gaussian with mean ${fixed(ui.get("mu"))} and standard deviation ${fixed(ui.get("sigma"))}.`,
      (ctx, w, h, c) => drawDensityPair(ctx, w, h, c, target(), gaussian())],
    [0.26, () => `Integrand of the forward divergence; its area is ${fixed(now.forward, 3)} nats.`,
      (ctx, w, h, c) => drawIntegrand(ctx, w, h, c, { tone: c.one, title: "forward:  p log(p / q)",
        integrand: (x) => Math.exp(mixtureLogDensity(target(), x)) * logRatio(x) })],
    [0.26, () => `Integrand of the reverse divergence; its area is ${fixed(now.reverse, 3)} nats.`,
      (ctx, w, h, c) => drawIntegrand(ctx, w, h, c, { tone: c.two, title: "reverse:  q log(q / p)",
        integrand: (x) => -Math.exp(normalLogDensity(x, ui.get("mu"), ui.get("sigma"))) * logRatio(x) })],
  ];
  for (const [ratio, label, draw] of pictures) {
    const { figure } = addPicture(ui, ui.stage, { ratio: (width) => Math.max(ratio, 120 / width), label, draw });
    figure.classList.add("nt-wide");
  }
  const { panel } = ui;
  addSlider(ui, panel, { trait: "mu", name: "mean of q, mu", label: "mean of <i>q</i>, <i>\u03bc</i>", min: -4, max: 4, step: 0.01 });
  addSlider(ui, panel, { trait: "sigma", name: "standard deviation of q, sigma", label: "s.d. of <i>q</i>, <i>\u03c3</i>", min: 0.2, max: 4, step: 0.01 });
  addSlider(ui, panel, { trait: "separation", name: "distance of the bumps of p", label: "distance of the bumps of <i>p</i>", min: 0, max: 6, step: 0.05 });
  addSlider(ui, panel, { trait: "weight", name: "mass of the left bump of p", label: "mass of the left bump of <i>p</i>", min: 0.05, max: 0.95, step: 0.01 });
  addReadouts(ui, panel, [
    ["forward", "forward, KL(<i>p</i>\u2009\u2016\u2009<i>q</i>)", () => fixed(now.forward, 3), "nt-one"],
    ["reverse", "reverse, KL(<i>q</i>\u2009\u2016\u2009<i>p</i>)", () => fixed(now.reverse, 3), "nt-two"],
  ]);
  panel.append(make("p", { class: "nt-hint", text: "In nats: the coloured areas, less the grey ones below zero." }));
  const buttons = addRow(panel);
  const status = make("p", { class: "nt-hint", role: "status" });
  let frame = 0;
  const stop = (text = "") => {
    cancelAnimationFrame(frame);
    frame = 0;
    status.textContent = text;
  };
  /** Where the descent ended; a Gaussian on one bump that is better proves the minimum local. */
  const verdict = (kind, q, steps) => {
    const reached = klDivergences(target(), q)[kind];
    const { separation, spread } = target();
    const on = (mu) => klDivergences(target(), { mu, sigma: spread })[kind];
    const [left, right] = [on(-separation / 2), on(separation / 2)];
    const better = Math.min(left, right);
    const after = `${fixed(reached, 3)} nats after ${steps} steps`;
    if (better > reached - 2e-3) return `The ${kind} divergence is at a minimum: ${after}.`;
    const bump = Math.abs(left - right) < 1e-3 ? "either" : left < right ? "the left" : "the right";
    return `The ${kind} divergence is at a local minimum only: ${after}. ` +
      `A Gaussian on ${bump} bump has ${fixed(better, 3)}.`;
  };
  const minimise = (kind) => {
    stop(`Descending on the ${kind} divergence \u2026`);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let steps = 0;
    const go = () => {
      let q = gaussian();
      // Three steps a frame; whoever asks for no motion gets the end of the descent at once.
      const until = still ? Infinity : steps + 3;
      do {
        const next = klStep(target(), q, kind);
        q = { mu: next.mu, sigma: next.sigma };
        steps += 1;
        if (next.slope < 2e-4 || steps >= 600) {
          stop(verdict(kind, q, steps));
          steps = Infinity;
        }
      } while (steps < until);
      ui.set("mu", q.mu);
      ui.set("sigma", q.sigma);
      if (steps < Infinity) frame = requestAnimationFrame(go);
    };
    frame = requestAnimationFrame(go);
  };
  addButton(buttons, "Minimise forward", () => minimise("forward"), { "data-action": "forward" });
  addButton(buttons, "Minimise reverse", () => minimise("reverse"), { "data-action": "reverse" });
  addReset(ui, buttons, stop);
  panel.append(status);
  // A hand on a slider ends the descent.
  panel.addEventListener("input", () => stop());
  ui.undo.push(() => stop());
  ui.onPaint(() => ui.publish({ ...ui.parameters, ...now, descending: frame !== 0 }));
  return () => ui.dispose();
}

export default { render };
