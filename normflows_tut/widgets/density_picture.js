// The picture of a density as brightness, one pixel a value.

// Kept between frames; the brightest is a high quantile. `paint` returns the values, from the top.
/** A picture of a density over a box. */
function densityPicture(columns, rows) {
  const canvas = make("canvas", { width: columns, height: rows });
  const ctx = canvas.getContext("2d");
  const image = ctx.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  const values = new Float64Array(columns * rows);
  const paint = (density, [[x0, x1], [y0, y1]]) => {
    for (let row = 0; row < rows; row += 1) {
      const y = y1 - ((row + 0.5) * (y1 - y0)) / rows;
      for (let column = 0; column < columns; column += 1) {
        values[row * columns + column] = density(x0 + ((column + 0.5) * (x1 - x0)) / columns, y);
      }
    }
    // A lone spike shall not darken the rest; a quarter of the pixels is enough to know.
    const some = values.filter((_, i) => i % 4 === 0).sort();
    const top = some[Math.floor(0.996 * (some.length - 1))] || 1;
    for (let i = 0; i < values.length; i += 1) {
      pixels[i] = HEAT[Math.min(255, Math.round(255 * Math.sqrt(values[i] / top))) || 0];
    }
    ctx.putImageData(image, 0, 0);
    return values;
  };
  return { canvas, paint };
}
