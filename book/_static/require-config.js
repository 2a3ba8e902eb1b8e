// Widget modules that are no named define of embed-amd.js (anywidget is one) lie beside require.js.
(() => {
  const here = document.currentScript.src.replace(/[^/]*$/, "");
  // A busy machine may need longer than the seven seconds after which require.js gives up.
  require.config({ baseUrl: here + "vendor/widgets/", waitSeconds: 60 });
})();
