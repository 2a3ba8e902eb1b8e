// Runs before the theme's scripts, on every page.

// Left to itself, Font Awesome swaps each <i> for an <svg>, and with it the buttons of a Play
// widget, whose script then writes to nodes that are gone. Nesting keeps the <i>.
window.FontAwesomeConfig = { autoReplaceSvg: "nest" };

// HTMLMath widgets call MathJax 2; the book carries MathJax 3.
window.addEventListener("load", () => {
  if (!window.MathJax || window.MathJax.Hub) return;
  window.MathJax.Hub = {
    Queue: (...calls) => {
      for (const call of calls) {
        const node = Array.isArray(call) ? call[call.length - 1] : null;
        window.MathJax.startup.promise.then(() =>
          window.MathJax.typesetPromise(node instanceof Element ? [node] : undefined),
        );
      }
    },
  };
});
