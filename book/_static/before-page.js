// Runs before the theme's scripts, on every page.

// Left to itself, Font Awesome swaps each <i> for an <svg>, and with it the buttons of a Play
// widget, whose script then writes to nodes that are gone. Nesting keeps the <i>.
window.FontAwesomeConfig = { autoReplaceSvg: "nest" };

// Not at DOMContentLoaded: that waits for deferred scripts, Font Awesome among them, which
// would copy the titles into its pictures first.
const tidy = () => {
  if (document.readyState !== "interactive") return;
  // A button's spoken name must hold the words that are read on it. The theme's icons carry all
  // three modes' titles at once, and its search button is named without its shortcut.
  for (const icon of document.querySelectorAll(".theme-switch")) icon.removeAttribute("title");
  const named = ".search-button-field[aria-label], details.hide > summary[aria-label]";
  for (const button of document.querySelectorAll(named)) button.removeAttribute("aria-label");
  // The entries of a bibliography have a role of their own, which a list may not hold.
  for (const list of document.querySelectorAll(".citation-list")) list.removeAttribute("role");

  // The sliders of ipywidgets show their description beside them but do not name it.
  const nameSliders = () => {
    for (const handle of document.querySelectorAll(".noUi-handle:not([aria-label])")) {
      const slider = handle.closest(".jupyter-widgets");
      const label = slider && slider.querySelector(".widget-label");
      if (label) handle.setAttribute("aria-label", label.textContent || "slider");
    }
  };
  if (document.querySelector('script[type="application/vnd.jupyter.widget-view+json"]')) {
    new MutationObserver(nameSliders).observe(document.body, { childList: true, subtree: true });
  }
};
document.addEventListener("readystatechange", tidy);

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
