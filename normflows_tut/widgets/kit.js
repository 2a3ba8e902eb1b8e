// What the widgets share: elements, controls, canvases, axes. No formula lives here.

/** Creates an element; `attributes` may hold text, html, or any attribute. */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name === "html") node.innerHTML = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** A number with a true minus sign and a fixed number of digits. */
function fixed(value, digits = 2) {
  if (value === -Infinity) return "\u2212\u221e";
  if (value === Infinity) return "\u221e";
  const text = value.toFixed(digits);
  const zero = Number(text) === 0;
  return zero ? text.replace("-", "") : text.replace("-", "\u2212");
}

function point([x, y], digits = 2) {
  return `(${fixed(x, digits)}, ${fixed(y, digits)})`;
}

/** Whether the page is dark, as the theme says it, or else as the system does. */
function pageIsDark() {
  const html = document.documentElement;
  const body = document.body;
  const named = html.dataset.theme || html.getAttribute("theme"); // book; hosted notebook
  if (named === "dark" || named === "light") return named === "dark";
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false"; // JupyterLab
  if (body.dataset.vscodeThemeKind) return /dark|contrast$/.test(body.dataset.vscodeThemeKind);
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** The frame of a widget: model, page, one drawing per animation frame, and clean-up. */
class Widget {
  constructor({ model, el, title, traits }) {
    this.model = model;
    this.traits = traits;
    this.painters = [];
    this.undo = [];
    this.colours = {};
    this.start = Object.fromEntries(traits.map((name) => [name, model.get(name)]));
    this.stage = make("div", { class: "nt-stage" });
    this.panel = make("div", { class: "nt-panel" });
    const grid = make("div", { class: "nt-grid" }, this.stage, this.panel);
    this.root = make("div", { class: "nt-widget", role: "group", "aria-label": title }, grid);
    el.append(this.root);
    for (const name of traits) {
      const redraw = () => this.invalidate();
      model.on(`change:${name}`, redraw);
      this.undo.push(() => model.off(`change:${name}`, redraw));
    }
    this.sizes = new ResizeObserver(() => this.invalidate());
    this.undo.push(() => this.sizes.disconnect());
    const recolour = () => {
      this.root.dataset.tone = pageIsDark() ? "dark" : "light";
      this.colours = null;
      this.invalidate();
    };
    const themes = new MutationObserver(recolour);
    for (const node of [document.documentElement, document.body]) {
      themes.observe(node, { attributes: true });
    }
    this.undo.push(() => themes.disconnect());
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", recolour);
    this.undo.push(() => system.removeEventListener("change", recolour));
    recolour();
  }

  get(name) {
    return this.model.get(name);
  }

  /** All parameters as one object, the form in which the formulas take them. */
  get parameters() {
    return Object.fromEntries(this.traits.map((name) => [name, this.model.get(name)]));
  }

  set(name, value) {
    this.model.set(name, value);
    this.unsaved = true;
    this.invalidate();
  }

  /** Calls `paint` in every frame in which something changed. */
  onPaint(paint) {
    this.painters.push(paint);
    this.invalidate();
  }

  invalidate() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.colours ||= this.readColours();
      for (const paint of this.painters) paint();
      if (this.unsaved) this.model.save_changes();
      this.unsaved = false;
    });
  }

  /** What a test reads: parameters and results, in full precision. */
  publish(state) {
    this.root.dataset.state = JSON.stringify(state);
  }

  readColours() {
    const style = getComputedStyle(this.root);
    const names = ["text", "muted", "line", "one", "two", "three", "fill"];
    const read = (name) => style.getPropertyValue(`--nt-${name}`).trim();
    const font = `12px ${style.fontFamily}`;
    return { ...Object.fromEntries(names.map((name) => [name, read(name)])), font };
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    this.frame = -1; // nothing is drawn any more
    for (const step of this.undo) step();
    this.root.remove();
  }
}

/** Adds a slider for a number trait, or for one entry of a list trait. */
function addSlider(ui, parent, { trait, index, label, name, min, max, step, digits = 2 }) {
  const read = () => (index === undefined ? ui.get(trait) : ui.get(trait)[index]);
  const input = make("input", { type: "range", min, max, step });
  const value = make("span", { class: "nt-value", "aria-hidden": "true" });
  // The label's own text is for eyes; a screen reader gets the plain name.
  input.setAttribute("aria-label", name);
  input.dataset.trait = index === undefined ? trait : `${trait}.${index}`;
  const text = make("span", { class: "nt-name", html: label });
  const row = make("label", { class: "nt-slider" }, text, value, input);
  input.addEventListener("input", () => {
    const number = Number(input.value);
    if (index === undefined) ui.set(trait, number);
    else ui.set(trait, ui.get(trait).map((old, i) => (i === index ? number : old)));
  });
  ui.onPaint(() => {
    const number = read();
    if (Number(input.value) !== number) input.value = number;
    value.textContent = fixed(number, digits);
    input.setAttribute("aria-valuetext", fixed(number, digits));
  });
  parent.append(row);
  return row;
}

/** Adds radio buttons for a string trait; `options` maps values to labels. */
function addChoice(ui, parent, { trait, legend, options }) {
  const group = `nt-${Math.random().toString(36).slice(2)}`;
  const box = make("fieldset", { class: "nt-choice" }, make("legend", { text: legend }));
  for (const [value, label] of Object.entries(options)) {
    const input = make("input", { type: "radio", name: group, value });
    input.addEventListener("change", () => ui.set(trait, value));
    ui.onPaint(() => (input.checked = ui.get(trait) === value));
    box.append(make("label", {}, input, make("span", { text: label })));
  }
  parent.append(box);
}

function addButton(parent, text, action, attributes = {}) {
  const button = make("button", { type: "button", class: "nt-button", text, ...attributes });
  button.addEventListener("click", action);
  parent.append(button);
  return button;
}

function addRow(parent) {
  const row = make("div", { class: "nt-row" });
  parent.append(row);
  return row;
}

/** Adds the button that puts every parameter back where the page was opened. */
function addReset(ui, parent, before = () => {}) {
  addButton(parent, "Reset", () => {
    before();
    for (const [name, value] of Object.entries(ui.start)) ui.set(name, value);
  });
}

/** Adds a list of named numbers; each entry is [key, label html, () => text, colour class]. */
function addReadouts(ui, parent, entries) {
  const list = make("dl", { class: "nt-readouts" });
  for (const [key, label, read, tone = ""] of entries) {
    const value = make("dd", { "data-readout": key, class: tone });
    list.append(make("div", {}, make("dt", { html: label }), value));
    ui.onPaint(() => (value.textContent = read()));
  }
  parent.append(list);
}

/** Adds a canvas that fills its box; `draw(ctx, width, height, colours)` works in CSS pixels. */
function addPicture(ui, parent, { label, ratio = () => 1, ink = false, caption, draw }) {
  const canvas = make("canvas", { role: "img", "aria-label": label() });
  const frame = make("div", { class: ink ? "nt-picture nt-ink" : "nt-picture" }, canvas);
  const figure = make("div", { class: "nt-figure" }, frame);
  if (caption) figure.append(make("div", { class: "nt-caption", html: caption }));
  parent.append(figure);
  ui.sizes.observe(frame);
  let timer = 0;
  ui.undo.push(() => clearTimeout(timer));
  const picture = { frame, canvas, figure };
  ui.onPaint(() => {
    const width = frame.clientWidth;
    if (!width) return;
    const height = Math.round(ratio(width) * width);
    const density = window.devicePixelRatio || 1;
    const [columns, rows] = [Math.round(width * density), Math.round(height * density)];
    if (canvas.width !== columns || canvas.height !== rows) {
      Object.assign(canvas, { width: columns, height: rows });
      canvas.style.height = `${height}px`;
    }
    const ctx = canvas.getContext("2d");
    ctx.setTransform(density, 0, 0, density, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.font = ui.colours.font;
    draw(ctx, width, height, ui.colours, picture);
    // A description that changes with every pixel of a drag would never be read to its end.
    clearTimeout(timer);
    timer = setTimeout(() => canvas.setAttribute("aria-label", label()), 300);
  });
  return picture;
}

/** Adds a point to a picture that a pointer drags and the arrow keys move. */
function addHandle(ui, picture, { name, tone, get, set, step = 0.05 }) {
  const button = make("button", { type: "button", class: `nt-handle ${tone}` });
  picture.frame.append(button);
  const place = (event) => {
    const box = picture.canvas.getBoundingClientRect();
    const { plane } = picture;
    const x = Math.min(box.width, Math.max(0, event.clientX - box.left));
    const y = Math.min(box.height, Math.max(0, event.clientY - box.top));
    set([plane.x.invert(x), plane.y.invert(y)].map((v) => Number(v.toFixed(2))));
  };
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    button.focus();
    event.preventDefault();
  });
  button.addEventListener("pointermove", (event) => {
    if (button.hasPointerCapture(event.pointerId)) place(event);
  });
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  button.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const size = event.shiftKey ? 5 * step : step;
    const [x, y] = get();
    const [[left, right], [low, high]] = [picture.plane.x.domain, picture.plane.y.domain];
    const next = [
      Math.min(right, Math.max(left, x + size * move[0])),
      Math.min(high, Math.max(low, y + size * move[1])),
    ];
    set(next.map((v) => Number(v.toFixed(2))));
  });
  ui.onPaint(() => {
    const { plane } = picture;
    if (!plane) return;
    const [x, y] = get();
    button.style.left = `${plane.x(x)}px`;
    button.style.top = `${plane.y(y)}px`;
    button.setAttribute("aria-label", `${name} at ${point([x, y])}; arrow keys move it`);
  });
}

/** Returns a function that says where on a picture's plane the pointer is, or null. */
function addHover(ui, picture) {
  let hovered = null;
  picture.canvas.addEventListener("pointermove", (event) => {
    const box = picture.canvas.getBoundingClientRect();
    const { x, y } = picture.plane;
    hovered = [x.invert(event.clientX - box.left), y.invert(event.clientY - box.top)];
    ui.invalidate();
  });
  picture.canvas.addEventListener("pointerleave", () => {
    hovered = null;
    ui.invalidate();
  });
  return () => hovered;
}
