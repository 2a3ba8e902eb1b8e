// A row of pictures behind a slider with a play button.

/** The type that the first bytes of a picture announce. */
function pictureType(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, 4);
  return { 0x89: "image/png", 0x52: "image/webp", 0x47: "image/gif" }[bytes[0]] ?? "image/jpeg";
}

function render({ model, el }) {
  const traits = ["frames", "labels", "alt", "index", "interval"];
  const ui = new Widget({ model, el, title: "Layer scrubber", traits });
  ui.root.classList.add("nt-single");
  const frames = make("div", { class: "nt-frames" });
  ui.stage.append(frames);
  const input = make("input", { type: "range", min: 0, step: 1, "aria-label": "Frame" });
  const caption = make("span", { class: "nt-name" });
  const count = make("span", { class: "nt-value" });
  const row = make("label", { class: "nt-slider" }, caption, count, input);
  const box = make("div", { class: "nt-scrub" });
  let images = [];
  let urls = [];
  const drop = () => urls.forEach((url) => URL.revokeObjectURL(url));
  const load = () => {
    drop();
    urls = ui.get("frames").map((view) => URL.createObjectURL(new Blob([view], { type: pictureType(view) })));
    // dark-light: the book's theme leaves such pictures undimmed in its dark mode.
    images = urls.map((url) => make("img", { src: url, class: "dark-light", draggable: "false" }));
    frames.replaceChildren(...images);
    input.max = images.length - 1;
    ui.invalidate();
  };
  load();
  model.on("change:frames", load);
  ui.undo.push(() => model.off("change:frames", load), drop);

  let timer = 0;
  const pause = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  };
  const play = addButton(box, "Play", () => {
    if (timer) return pause();
    play.textContent = "Pause";
    if (ui.get("index") >= images.length - 1) ui.set("index", 0);
    timer = setInterval(() => {
      const next = ui.get("index") + 1;
      if (next < images.length) ui.set("index", next);
      if (next >= images.length - 1) pause();
    }, ui.get("interval"));
  });
  ui.undo.push(() => clearInterval(timer));
  box.append(row);
  ui.panel.append(box);
  input.addEventListener("input", () => {
    pause();
    ui.set("index", Number(input.value));
  });
  ui.onPaint(() => {
    const index = Math.min(images.length - 1, Math.max(0, ui.get("index")));
    const label = ui.get("labels")[index] ?? "";
    images.forEach((image, i) => {
      image.hidden = i !== index;
      image.alt = `${ui.get("alt")}: ${ui.get("labels")[i] ?? i}`;
    });
    input.value = index;
    input.setAttribute("aria-valuetext", label);
    caption.textContent = label;
    count.textContent = `${index + 1} / ${images.length}`;
    ui.publish({ index, label, count: images.length, playing: timer !== 0 });
  });
  return () => ui.dispose();
}

export default { render };
