// A masked network, drawn: which inputs reach which output.

const SUBSCRIPTS = "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089";

function coordinate(i) {
  return `x${SUBSCRIPTS[i + 1]}`;
}

/** "x1, x2 and x3" */
function listed(indices) {
  const names = indices.map(coordinate);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Where the nodes of each row stand: inputs at the bottom, outputs at the top. */
function nodePlaces(width, height, sizes, shown) {
  const [top, bottom] = [40, height - 40];
  return sizes.map((size, row) => {
    const y = bottom - ((bottom - top) * row) / (sizes.length - 1);
    const gap = Math.min(84, (width - 24) / size);
    const at = (slot) => [width / 2 + (slot - (size - 1) / 2) * gap, y];
    const ends = row === 0 || row === sizes.length - 1;
    return Array.from({ length: size }, (_, i) => at(ends ? shown.indexOf(i) : i));
  });
}

function drawNetwork(ctx, { places, degrees, masks, live, chosen }) {
  const rows = [...degrees, degrees[0]];
  const radius = Math.min(12, ...places.map((row) => (row.length > 1 ? Math.abs(row[1][0] - row[0][0]) * 0.42 : 12)));
  const reached = [...live, rows.at(-1).map((_, i) => i === chosen)];
  for (const lit of [false, true]) {
    masks.forEach((mask, layer) => mask.forEach((row, from) => row.forEach((open, to) => {
      if (!open || (reached[layer][from] && reached[layer + 1][to]) !== lit) return;
      const line = [places[layer][from], places[layer + 1][to]];
      strokeLine(ctx, line, lit ? ON_INK.two : "rgba(232, 234, 237, 0.2)", lit ? 1.5 : 0.9);
    })));
  }
  rows.forEach((row, layer) => row.forEach((degree, i) => {
    const [x, y] = places[layer][i];
    const lit = reached[layer][i];
    const tone = lit ? ON_INK.two : ON_INK.muted;
    drawDot(ctx, x, y, "#0b1020", radius);
    drawDot(ctx, x, y, tone, radius, true);
    drawText(ctx, String(degree), x, y + 0.5, tone, "center", "middle");
    const ends = layer === 0 ? radius + 14 : layer === rows.length - 1 ? -radius - 14 : 0;
    if (ends) drawText(ctx, coordinate(i), x, y + ends, lit ? ON_INK.text : ON_INK.muted, "center", "middle");
  }));
}

function drawPaths(ctx, width, height, { paths, shown, chosen }) {
  const d = shown.length;
  const cell = (Math.min(width, height) - 34) / d;
  const [left, top] = [28, 28];
  ctx.font = `${Math.min(13, cell * 0.42)}px ${ctx.font.split("px ")[1]}`;
  shown.forEach((i, row) => {
    const y = top + row * cell;
    const tone = i === chosen ? ON_INK.text : ON_INK.muted;
    drawText(ctx, coordinate(i), left - 6, y + cell / 2, tone, "right", "middle");
    drawText(ctx, coordinate(i), left + (row + 0.5) * cell, top - 12, ON_INK.muted, "center", "middle");
    shown.forEach((j, column) => {
      const count = paths[i][j];
      const x = left + column * cell;
      ctx.fillStyle = count ? (i === chosen ? "#f0a732" : "rgba(86, 180, 233, 0.75)") : "rgba(232, 234, 237, 0.07)";
      ctx.fillRect(x + 1, y + 1, cell - 2, cell - 2);
      drawText(ctx, String(count), x + cell / 2, y + cell / 2 + 0.5, count ? "#0b1020" : ON_INK.muted, "center", "middle");
    });
  });
}

function render({ model, el }) {
  const traits = ["order", "hidden_units", "output", "arrange"];
  const ui = new Widget({ model, el, title: "The masks of a MADE", traits });
  ui.root.classList.add("nt-below");

  /** All that is drawn and said, from the traits alone. */
  const now = () => {
    const parameters = ui.parameters;
    const { order } = parameters;
    const masks = madeMasks(parameters);
    const paths = countPaths(masks);
    const chosen = Math.min(ui.get("output"), order.length - 1);
    const before = order.slice(0, order.indexOf(chosen));
    return {
      masks, paths, chosen, order,
      degrees: madeDegrees(parameters),
      live: unitsBelow(masks, chosen),
      shown: ui.get("arrange") === "order" ? order : order.map((_, i) => i),
      seen: before.filter((j) => paths[chosen][j]),
      missed: before.filter((j) => !paths[chosen][j]),
    };
  };
  const sentence = ({ chosen, seen, missed }) => {
    const what = seen.length ? `The parameters of ${coordinate(chosen)} see ${listed(seen)}.`
      : `The parameters of ${coordinate(chosen)} see nothing: they are constants.`;
    const gap = missed.length ? ` ${listed(missed)} ${missed.length > 1 ? "come" : "comes"} before, but no path leads from ${missed.length > 1 ? "them" : "it"}: a hidden layer is too narrow.` : "";
    return what + gap;
  };

  const network = addPicture(ui, ui.stage, {
    ink: true,
    ratio: (width) => Math.max(0.62, Math.min(1, 300 / width)),
    label: () => `A network of ${ui.get("hidden_units").length} hidden layers, inputs below, outputs above. ${sentence(now())}`,
    caption: "Inputs below, outputs above, in each circle the degree. Point at an output, or choose it by keyboard.",
    draw: (ctx, width, height) => {
      const state = now();
      const sizes = [...state.degrees.map((row) => row.length), state.order.length];
      network.places = nodePlaces(width, height, sizes, state.shown);
      drawNetwork(ctx, { ...state, places: network.places });
    },
  });
  network.figure.style.flex = "2 1 20rem";
  const matrix = addPicture(ui, ui.stage, {
    ink: true,
    label: () => {
      const { paths, shown } = now();
      const rows = shown.map((i) => `${coordinate(i)}: ${shown.map((j) => paths[i][j]).join(" ")}`);
      return `The product of the masks, one row for each output, columns ${listed(shown)}: ${rows.join("; ")}.`;
    },
    caption: "Product of the masks: how many paths lead from each input (column) to each output (row).",
    draw: (ctx, width, height) => drawPaths(ctx, width, height, now()),
  });
  matrix.figure.style.flex = "1 1 12rem";

  const nodes = Array.from({ length: MOST_INPUTS }, (_, i) => {
    const button = make("button", { type: "button", class: "nt-node", "data-output": i });
    const choose = () => ui.get("output") !== i && ui.set("output", i);
    for (const event of ["pointerenter", "focus", "click"]) button.addEventListener(event, choose);
    network.frame.append(button);
    return button;
  });
  ui.onPaint(() => {
    const { order, chosen } = now();
    nodes.forEach((button, i) => {
      button.hidden = i >= order.length;
      if (button.hidden || !network.places) return;
      const [x, y] = network.places.at(-1)[i];
      Object.assign(button.style, { left: `${x}px`, top: `${y}px` });
      button.setAttribute("aria-pressed", String(i === chosen));
      button.setAttribute("aria-label", `Output ${coordinate(i)}`);
    });
  });

  const [orders, sizes] = [make("div", { class: "nt-box" }), make("div", { class: "nt-box" })];
  ui.panel.append(orders, sizes);
  orders.append(make("p", { class: "nt-hint", text: "Order of the coordinates, the first first. Press one to move it a place forward." }));
  const line = addRow(orders);
  const moves = Array.from({ length: MOST_INPUTS }, (_, place) =>
    addButton(line, "", () => {
      const order = [...ui.get("order")];
      const [moved] = order.splice(place, 1);
      order.splice(place ? place - 1 : order.length, 0, moved);
      ui.set("order", order);
    }));
  ui.onPaint(() => moves.forEach((button, place) => {
    const order = ui.get("order");
    button.hidden = place >= order.length;
    if (button.hidden) return;
    button.textContent = coordinate(order[place]);
    button.setAttribute("aria-label", `${coordinate(order[place])}, in place ${place + 1}: move it ${place ? "forward" : "to the end"}`);
  }));
  const presets = addRow(orders);
  addButton(presets, "As they are", () => ui.set("order", ui.get("order").map((_, i) => i)));
  addButton(presets, "Reversed", () => ui.set("order", ui.get("order").map((_, i, all) => all.length - 1 - i)));
  addChoice(ui, orders, { trait: "arrange", legend: "Draw", options: { coordinates: "by number", order: "in the order" } });

  const pair = make("div", { class: "nt-pair" });
  sizes.append(pair);
  // A slider reads and writes a trait; here each stands for a length or an entry of a list.
  const slider = (id, label, name, [min, max], get, set) => {
    const view = { onPaint: (paint) => ui.onPaint(paint), get, set: (_, value) => set(value) };
    return addSlider(view, pair, { trait: id, name, label, min, max, step: 1, digits: 0 });
  };
  slider("inputs", "inputs <i>d</i>", "Number of inputs", [2, MOST_INPUTS], () => ui.get("order").length, (d) => {
    const order = ui.get("order").filter((i) => i < d);
    while (order.length < d) order.push(order.length);
    if (ui.get("output") >= d) ui.set("output", d - 1);
    ui.set("order", order);
  });
  slider("layers", "hidden layers", "Number of hidden layers", [1, MOST_LAYERS], () => ui.get("hidden_units").length, (count) => {
    const hidden = ui.get("hidden_units").slice(0, count);
    while (hidden.length < count) hidden.push(hidden.at(-1));
    ui.set("hidden_units", hidden);
  });
  for (let layer = 0; layer < MOST_LAYERS; layer += 1) {
    const row = slider(`size-${layer + 1}`, `units in layer ${layer + 1}`, `Units in hidden layer ${layer + 1}`, [1, MOST_UNITS],
      () => ui.get("hidden_units")[layer] ?? 1,
      (size) => ui.set("hidden_units", ui.get("hidden_units").map((old, i) => (i === layer ? size : old))));
    ui.onPaint(() => (row.hidden = layer >= ui.get("hidden_units").length));
  }
  const said = make("p", { class: "nt-said", "aria-live": "polite" });
  sizes.append(said);
  ui.onPaint(() => {
    const text = sentence(now());
    if (said.textContent !== text) said.textContent = text;
  });
  addReset(ui, addRow(sizes));
  ui.onPaint(() => {
    const { degrees, masks, paths, seen, missed } = now();
    ui.publish({ ...ui.parameters, degrees, masks, paths, seen, missed });
  });
  return () => ui.dispose();
}

export default { render };
