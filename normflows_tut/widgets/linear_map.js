// A 2 x 2 matrix: the determinant is the signed area of the image of the unit square.

/** Standard normal points that every reader sees alike (quantiles on a Kronecker sequence). */
const CLOUD = Array.from({ length: 420 }, (_, i) => {
  const radius = Math.sqrt(-2 * Math.log(1 - (i + 0.5) / 420));
  const angle = 2 * Math.PI * ((i * 0.6180339887498949) % 1);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
});
const CIRCLE = Array.from({ length: 121 }, (_, i) => {
  const angle = (2 * Math.PI * i) / 120;
  return [Math.cos(angle), Math.sin(angle)];
});
// A flag in the unit square: turned over, it shows that the orientation has changed.
const FLAG = [[0.3, 0.15], [0.3, 0.85], [0.72, 0.68], [0.3, 0.5]];

const PRESETS = {
  Identity: [[1, 0], [0, 1]],
  Rotate: [[0.8, -0.6], [0.6, 0.8]],
  Shear: [[1, 1], [0, 1]],
  Squeeze: [[2, 0], [0, 0.5]],
  Mirror: [[0, 1], [1, 0]],
  Flatten: [[1, 2], [0.5, 1]],
};

function drawMap(ctx, width, height, matrix, picture) {
  const plane = planeScales(width, height, 3.4);
  picture.plane = plane;
  const push = (z) => linear(matrix, z).y;
  const pixel = ([x, y]) => [plane.x(x), plane.y(y)];
  const { det } = linear(matrix, [0, 0]);
  const tone = det >= 0 ? ON_INK.one : ON_INK.two;
  drawGrid(ctx, plane, push, 4, 1);
  for (const z of CLOUD) {
    const [x, y] = pixel(push(z));
    ctx.fillStyle = "rgba(232, 234, 237, 0.38)";
    ctx.fillRect(x - 1, y - 1, 2, 2);
  }
  for (const radius of [1, 2]) {
    const ring = CIRCLE.map(([x, y]) => pixel(push([radius * x, radius * y])));
    strokeLine(ctx, ring, ON_INK.three, 1.5, radius === 2 ? [5, 4] : []);
  }
  const square = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]];
  fillShape(ctx, square.map((z) => pixel(push(z))), tone, 0.5);
  strokeLine(ctx, square.map((z) => pixel(push(z))), tone, 2);
  strokeLine(ctx, square.map(pixel), ON_INK.muted, 1.2, [4, 4]);
  const flag = FLAG.map((z) => pixel(push(z)));
  strokeLine(ctx, [flag[0], flag[1]], ON_INK.text, 2);
  fillShape(ctx, flag.slice(1), ON_INK.text, 0.95);
  drawArrow(ctx, pixel([0, 0]), pixel(push([1, 0])), ON_INK.text, 2);
  drawArrow(ctx, pixel([0, 0]), pixel(push([0, 1])), ON_INK.text, 2);
  drawPlaneTicks(ctx, plane, width, height, ["x\u2081", "x\u2082"]);
}

function render({ model, el }) {
  const ui = new Widget({ model, el, title: "Linear map: a matrix and its determinant", traits: ["matrix"] });
  const now = () => linear(ui.get("matrix"), [0, 0]);
  const picture = addPicture(ui, ui.stage, {
    ink: true,
    label: () => {
      const { det } = now();
      const sense = det > 0 ? "orientation kept" : det < 0 ? "orientation reversed" : "flattened";
      return `The unit square becomes a parallelogram of area ${fixed(Math.abs(det))}, ${sense}; ` +
        `a Gaussian cloud is moved with it.`;
    },
    draw: (ctx, width, height, colours, self) => drawMap(ctx, width, height, ui.get("matrix"), self),
    caption: "Dashed: the unit square before. Green: 1 and 2 standard deviations of the cloud.",
  });
  const entry = (row, column, value) =>
    ui.set("matrix", ui.get("matrix").map((r, i) => r.map((old, j) => (i === row && j === column ? value : old))));
  for (const column of [0, 1]) {
    addHandle(ui, picture, {
      name: `Column ${column + 1} of the matrix`,
      tone: column ? "nt-two" : "nt-one",
      get: () => ui.get("matrix").map((row) => row[column]),
      set: (tip) => ui.set("matrix", ui.get("matrix").map((row, i) => row.map((old, j) => (j === column ? tip[i] : old)))),
    });
  }
  const pair = make("div", { class: "nt-pair" });
  ui.panel.append(pair);
  for (const [row, column] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
    // A slider reads and writes a trait; here it is one entry of a nested one.
    const view = {
      onPaint: (paint) => ui.onPaint(paint),
      get: () => ui.get("matrix")[row][column],
      set: (_, value) => entry(row, column, value),
    };
    const id = `a${row + 1}${column + 1}`;
    addSlider(view, pair, { trait: id, name: id, label: `<i>a</i><sub>${row + 1}${column + 1}</sub>`, min: -3, max: 3, step: 0.01 });
  }
  const presets = addRow(ui.panel);
  for (const [name, matrix] of Object.entries(PRESETS)) addButton(presets, name, () => ui.set("matrix", matrix));
  addReadouts(ui, ui.panel, [
    ["det", "det <i>A</i>, signed", () => fixed(now().det, 3)],
    ["area", "area = |det <i>A</i>|", () => fixed(Math.abs(now().det), 3)],
    ["log-det", "log |det <i>A</i>|", () => fixed(now().logDet, 3)],
    ["sense", "orientation", () => (now().det > 0 ? "kept" : now().det < 0 ? "reversed" : "lost: no inverse")],
    ["peak", "highest density", () => fixed(Math.exp(planeLogDensity(0, 0) - now().logDet), 3)],
  ]);
  ui.panel.append(make("p", { class: "nt-hint", text: "Drag the tips of the two columns, or move them with the arrow keys." }));
  ui.onPaint(() => ui.publish({ matrix: ui.get("matrix"), det: now().det, log_det: now().logDet }));
  return () => ui.dispose();
}

export default { render };
