"use strict";
/* The slider for N, the number of trainings that share one pretraining: joules of each paradigm, the recommendation,
 * and a line at N in the chart of break-even points.
 */
const Reuses = (() => {
  const LARGEST = 10_000;
  const STEPS = 120;
  const data = Page.data("page-data")?.reuses ?? {};
  const byId = (name) => document.getElementById(`reuses-${name}`);

  const grid = (() => {
    const steps = Array.from({ length: STEPS + 1 }, (_, i) => Math.round(LARGEST ** (i / STEPS)));
    return [...new Set(steps), Infinity];
  })();

  const found = () => data[Page.state.view];
  const n = () => grid[Number(byId("slider").value)];
  const count = (reuses) => (reuses === Infinity ? "any number of" : reuses.toLocaleString("en"));

  const step = () => {
    const reached = found().steps.filter(({ reuses }) => (reuses ?? Infinity) <= n());
    return reached.at(-1) ?? found().steps[0];
  };

  const charged = (item) => item.downstream_j + item.pretraining_j / n();

  const line = (item) => {
    const text = Page.element("li", {}, `${item.name}: `, Units.node(charged(item)), " a training, against ", Units.node(item.baseline_j), " of the baseline");
    if (item.baseline_j > 0) text.append(`; ${saved(1 - charged(item) / item.baseline_j)}`);
    return text;
  };

  const saved = (part) => (part > 0 ? `saves ${(100 * part).toFixed(0)} %` : `costs ${(-100 * part).toFixed(0)} % more`);

  const recommended = () => {
    const item = step();
    if (!item.setup) return Page.element("p", {}, "Nothing can be recommended at this N.");
    const setup = Page.element("strong", { textContent: item.setup });
    setup.dataset.verbatim = "";
    const sure = item.confirmed ? "" : " (not confirmed)";
    return Page.element("p", {}, "Recommended: ", setup, `, stopped at epoch ${item.epoch}: ${item.quality} for `, Units.node(charged(item)), `${sure}.`);
  };

  /* A line through each panel; at infinity, and beyond its end, it stands at the edge. */
  const marker = (figure) => {
    const panels = Object.keys(figure.layout).filter((key) => /^xaxis\d*$/.test(key)).map((key) => key.slice(5));
    return panels.map((panel) => {
      const xs = figure.data.filter((trace) => (trace.xaxis ?? "x") === `x${panel}`).flatMap((trace) => trace.x ?? []);
      const at = Math.min(n(), Math.max(...xs));
      const line = { width: 2, dash: "dot", color: "#8a6d00" };
      return { type: "line", xref: `x${panel}`, yref: `y${panel} domain`, x0: at, x1: at, y0: 0, y1: 1, line };
    });
  };

  const show = () => {
    byId("count").textContent = count(n());
    byId("slider").setAttribute("aria-valuetext", `${count(n())} trainings`);
    byId("told").replaceChildren(Page.element("ul", {}, ...found().paradigms.map(line)), recommended());
    Plots.overlay("break_even", marker);
  };

  const start = () => {
    if (!byId("slider")) return;
    byId("slider").max = String(grid.length - 1);
    const first = grid.findIndex((reuses) => reuses >= (found().charged ?? 1));
    byId("slider").value = String(Math.max(first, 0));
    byId("slider").addEventListener("input", show);
    for (const topic of ["unit", "view"]) Page.on(topic, () => found() && show());
    show();
  };

  return { start };
})();
