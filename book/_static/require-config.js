// Widget modules that are no named define of embed-amd.js (anywidget is one) lie beside require.js.
(() => {
  const here = document.currentScript.src.replace(/[^/]*$/, "");
  require.config({ baseUrl: here + "vendor/widgets/" });
})();
