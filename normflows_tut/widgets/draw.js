// Drawing on canvases: scales, axes, filled curves, density pictures and grids.

/** A linear map from `domain` to pixels `range`, with its inverse. */
function linearScale(domain, range) {
  const [d0, d1] = domain;
  const [r0, r1] = range;
  const scale = (value) => r0 + ((value - d0) * (r1 - r0)) / (d1 - d0);
  scale.invert = (pixel) => d0 + ((pixel - r0) * (d1 - d0)) / (r1 - r0);
  return Object.assign(scale, { domain, range });
}

/** About `count` round numbers within [low, high]. */
function ticks([low, high], count = 5) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) {
    out.push(Number((i * step).toPrecision(12)));
  }
  return out;
}

/** The smallest of 1, 2, 5 times a power of ten that is at least `value`. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 5, 7.5, 10].map((m) => m * power).find((v) => v >= value * 0.999999);
}

function strokeLine(ctx, points, colour, width = 1.5, dash = []) {
  ctx.beginPath();
  ctx.setLineDash(dash);
  let open = false;
  for (const [x, y] of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) open = false;
    else if (open) ctx.lineTo(x, y);
    else ctx.moveTo(x, y);
    open = Number.isFinite(x) && Number.isFinite(y);
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.lineJoin = "round";
  ctx.stroke();
  ctx.setLineDash([]);
}

function fillShape(ctx, points, colour, alpha = 1) {
  ctx.beginPath();
  for (const [x, y] of points) ctx.lineTo(x, y);
  ctx.closePath();
  ctx.globalAlpha = alpha;
  ctx.fillStyle = colour;
  ctx.fill();
  ctx.globalAlpha = 1;
}

function drawDot(ctx, x, y, colour, radius = 4, hollow = false) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.lineWidth = 2;
  ctx.strokeStyle = ctx.fillStyle = colour;
  if (hollow) ctx.stroke();
  else ctx.fill();
}

function drawText(ctx, text, x, y, colour, align = "left", baseline = "alphabetic") {
  ctx.fillStyle = colour;
  ctx.textAlign = align;
  ctx.textBaseline = baseline;
  ctx.fillText(text, x, y);
}

function clipTo(ctx, [x0, x1], [y0, y1], draw) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
  ctx.clip();
  draw();
  ctx.restore();
}

/** Draws the ticks of a plot below (x) and to the left (y); null leaves an axis out. */
function drawAxes(ctx, x, y, colours, { xTicks = 5, yTicks = 4, zero = true } = {}) {
  const bottom = Math.max(...y.range);
  const left = Math.min(...x.range);
  const right = Math.max(...x.range);
  if (xTicks) {
    for (const value of ticks(x.domain, xTicks)) {
      strokeLine(ctx, [[x(value), bottom], [x(value), bottom + 4]], colours.line, 1);
      drawText(ctx, fixed(value, digitsOf(value)), x(value), bottom + 6, colours.muted, "center", "top");
    }
  }
  if (yTicks) {
    for (const value of ticks(y.domain, yTicks)) {
      strokeLine(ctx, [[left - 4, y(value)], [left, y(value)]], colours.line, 1);
      drawText(ctx, fixed(value, digitsOf(value)), left - 6, y(value), colours.muted, "right", "middle");
    }
  }
  strokeLine(ctx, [[left, bottom], [right, bottom]], colours.line, 1);
  if (zero && y.domain[0] < 0) strokeLine(ctx, [[left, y(0)], [right, y(0)]], colours.line, 1);
}

function digitsOf(value) {
  const text = String(Math.abs(value));
  return text.includes(".") ? text.split(".")[1].length : 0;
}

// --- Pictures in the plane: a dark canvas in every theme -------------------------------

const INK = [11, 16, 32];
const ON_INK = { text: "#e8eaed", muted: "#a9afb8", one: "#56b4e9", two: "#f0a732", three: "#2fc498" };

/** 256 colours from ink to a warm white, evenly spaced in lightness: those of viz.density. */
const HEAT = (() => {
  const anchors = [
    INK, [29, 33, 89], [71, 42, 134], [125, 49, 146], [180, 61, 134],
    [222, 90, 108], [245, 135, 85], [253, 187, 99], [255, 243, 196],
  ];
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i += 1) {
    const place = (i / 255) * (anchors.length - 1);
    const k = Math.min(anchors.length - 2, Math.floor(place));
    const [r, g, b] = anchors[k].map((v, c) => Math.round(v + (place - k) * (anchors[k + 1][c] - v)));
    table[i] = (255 << 24) | (b << 16) | (g << 8) | r; // little-endian RGBA
  }
  return table;
})();

/** Square pixel scales for the region [-reach, reach]^2. */
function planeScales(width, height, reach) {
  const x = linearScale([-reach, reach], [0, width]);
  const y = linearScale([-reach, reach], [height, 0]);
  return { x, y };
}

/** A density picture of `size` x `size` cells, kept between frames. */
function heatMap(size = 128) {
  const canvas = make("canvas", { width: size, height: size });
  const ctx = canvas.getContext("2d");
  const image = ctx.createImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  const values = new Float64Array(size * size);
  const paint = (target, width, height) => {
    target.imageSmoothingEnabled = true;
    target.imageSmoothingQuality = "high";
    target.drawImage(canvas, 0, 0, width, height);
  };
  /** Paints density(x, y), or without one the last picture again; returns the largest value. */
  return (target, width, height, reach, density) => {
    if (!density) return paint(target, width, height);
    const cell = (2 * reach) / size;
    let peak = 0;
    for (let row = 0; row < size; row += 1) {
      const y = reach - (row + 0.5) * cell;
      for (let column = 0; column < size; column += 1) {
        const value = density(-reach + (column + 0.5) * cell, y);
        values[row * size + column] = value;
        if (value > peak) peak = value;
      }
    }
    // The root spreads the dark end, where most of the plane is.
    for (let i = 0; i < values.length; i += 1) {
      pixels[i] = HEAT[Math.round(255 * Math.sqrt(values[i] / peak)) || 0];
    }
    ctx.putImageData(image, 0, 0);
    paint(target, width, height);
    return peak;
  };
}

/** The lines of a grid over [-reach, reach]^2, each pushed through `map`. */
function drawGrid(ctx, { x, y }, map, reach = 3, spacing = 0.5) {
  const lines = Math.round(reach / spacing);
  for (let k = -lines; k <= lines; k += 1) {
    for (const upright of [true, false]) {
      const pixels = [];
      for (let i = 0; i <= 96; i += 1) {
        const run = -reach + (2 * reach * i) / 96;
        const [a, b] = map(upright ? [k * spacing, run] : [run, k * spacing]);
        pixels.push([x(a), y(b)]);
      }
      const alpha = k === 0 ? 0.75 : 0.34;
      strokeLine(ctx, pixels, `rgba(232, 234, 237, ${alpha})`, k === 0 ? 1.2 : 0.8);
    }
  }
}

/** Coordinates along the lower and left edge of a picture in the plane. */
function drawPlaneTicks(ctx, { x, y }, width, height, names) {
  for (const value of ticks(x.domain, 4)) {
    if (Math.abs(value) >= x.domain[1] - 0.3) continue;
    drawText(ctx, fixed(value, 0), x(value), height - 5, ON_INK.muted, "center");
    if (value !== 0) drawText(ctx, fixed(value, 0), 6, y(value), ON_INK.muted, "left", "middle");
  }
  drawText(ctx, names[0], width - 8, height - 5, ON_INK.text, "right");
  drawText(ctx, names[1], 6, 16, ON_INK.text);
}

/** Draws something twice, first wide in ink, so that it stands off the brightest density too. */
function withHalo(draw, colour) {
  draw("rgba(11, 16, 32, 0.85)", 3);
  draw(colour, 0);
}

function drawArrow(ctx, [x0, y0], [x1, y1], colour, width = 2) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 2) return;
  const [dx, dy] = [(x1 - x0) / length, (y1 - y0) / length];
  const head = Math.min(10, length * 0.6);
  const [bx, by] = [x1 - dx * head, y1 - dy * head];
  strokeLine(ctx, [[x0, y0], [bx, by]], colour, width);
  fillShape(ctx, [[x1, y1], [bx - dy * head * 0.45, by + dx * head * 0.45],
    [bx + dy * head * 0.45, by - dx * head * 0.45]], colour);
}
