"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const config = {
    responsive: true,
    displaylogo: false,
    displayModeBar: touch ? false : "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg" },
  };

  const themed = (layout) => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), zerolinecolor: colour("--line") };
    const label = { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--text") } };
    const names = Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name));
    const axes = Object.fromEntries(names.map((name) => [name, { ...layout[name], ...axis }]));
    return {
      ...layout,
      ...axes,
      font: { ...layout.font, color: colour("--text") },
      hoverlabel: label,
      dragmode: touch ? false : "zoom",
    };
  };

  const draw = () => {
    for (const [name, figure] of Object.entries(figures)) {
      Plotly.react(`chart-${name}`, figure.data, themed(figure.layout), config);
    }
  };
  dark.addEventListener("change", draw);
  draw();
})();
