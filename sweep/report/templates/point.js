"use strict";
/* The picked point of the front: its numbers, and the experiment that trains it.
 *
 * A point is a setup and an epoch. Its YAML is the study's config with slots for the values (a piece that is a number
 * counts the dimensions, -1 is the epoch), so that thousands of setups need one text.
 */
const Point = (() => {
  const EPOCH = -1;
  let picked = null;
  let mark = null;

  const found = () => Page.data("page-data").points[Page.state.view];
  const select = () => document.getElementById("point-select");

  const numbers = ([index, epoch]) => {
    const cells = found().points[index]?.[epoch];
    if (!cells) return null;
    const [energy, energySd, quality, qualitySd, n, epochs, isRun, test] = cells;
    return { energy, energySd, quality, qualitySd, n, epochs, isRun, test, setup: found().setups[index] };
  };

  const quality = (value, sd) => {
    const points = found().in_points;
    const text = points ? `${(100 * value).toFixed(1)} %` : String(Number(value.toPrecision(4)));
    if (sd === null || sd === undefined) return text;
    return `${text} ± ${points ? (100 * sd).toFixed(1) : Number(sd.toPrecision(2))}`;
  };

  const params = ({ values }) =>
    found().dimensions.flatMap(({ name, told }, slot) => (values[slot] === null ? [] : [`${name} ${told[values[slot]]}`])).join(", ");

  const yaml = ({ setup, epochs }) =>
    found().templates[setup.template].map((piece) => {
      if (typeof piece === "string") return piece;
      return piece === EPOCH ? String(epochs) : found().dimensions[piece].yaml[setup.values[piece]];
    }).join("");

  const facts = (point, epoch) => {
    const energy = Page.element("span", {}, Units.node(point.energy));
    if (point.energySd !== null) energy.append(" ± ", Units.node(point.energySd));
    const spread = point.n > 1 ? ` (mean of ${point.n} repeats; ± is their standard deviation)` : " (one run, no repeats)";
    const test = point.test ? `${quality(point.test[0], point.test[1])}, n = ${point.test[2]}` : "not tested";
    return [
      ["Setup", Page.element("span", { textContent: params(point.setup) })],
      ["Stopped at epoch", String(epoch)],
      ["Energy", energy],
      [`${found().quality_name} (validation)`, quality(point.quality, point.qualitySd) + spread],
      ["On test data", test],
      ["Trials", point.setup.trials.join(", ")],
      ...(point.setup.excluded ? [["Off the front", point.setup.excluded]] : []),
      ...(point.isRun ? [] : [["Mind", "the schedule depends on the planned length, so a training of this length will differ"]]),
    ];
  };

  const list = (rows) =>
    Page.element("dl", {}, ...rows.flatMap(([name, value]) => {
      const told = Page.element("dd", {}, value);
      if (name !== "Energy") told.dataset.verbatim = "";
      return [Page.element("dt", { textContent: name }), told];
    }));

  const label = (place) => {
    const point = numbers(place);
    return `${params(point.setup)}, epoch ${place[1]}: ${quality(point.quality)} for ${Units.told(point.energy)}`;
  };

  const same = (a, b) => a && b && a[0] === b[0] && a[1] === b[1];

  /* A ring around the picked point, in joules as the figure has them before it is converted. */
  const ring = () => {
    const point = picked && numbers(picked);
    if (!point) return [];
    const by = Units.factor();
    const line = { width: 1, dash: "dot", color: "#8a6d00" };
    return [
      { type: "line", xref: "x", yref: "paper", x0: point.energy * by, x1: point.energy * by, y0: 0, y1: 1, line, layer: "below" },
      { type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: point.quality, y1: point.quality, line, layer: "below" },
    ];
  };

  const show = (place) => {
    const point = numbers(place);
    if (!point) return;
    picked = place;
    document.getElementById("point-details").replaceChildren(list(facts(point, place[1])));
    document.getElementById("point-yaml").textContent = yaml(point);
    const option = [...select().options].find((item) => same(JSON.parse(item.value || "null"), place));
    select().value = option?.value ?? "";
    if (mark) mark.replaceChildren(label(place), " ", Page.element("a", { href: "#point", textContent: "Details and YAML" }));
    Plots.overlay("front", ring);
  };

  const fill = () => {
    const options = found().front.map((place) => new Option(label(place), JSON.stringify(place)));
    select().replaceChildren(new Option("another point, picked in the chart", ""), ...options);
    const wanted = picked && numbers(picked) ? picked : found().recommended ?? found().front[0];
    if (wanted) show(wanted);
  };

  const addMark = () => {
    const figure = document.querySelector("#decision figure");
    if (!document.getElementById("chart-front")) return;
    mark = Page.element("p", { className: "picked soft", role: "status" }, "Click a point to fix it.");
    figure.querySelector("figcaption").before(mark);
  };

  const start = () => {
    if (!select()) return;
    addMark();
    fill();
    select().addEventListener("change", () => select().value && show(JSON.parse(select().value)));
    Plots.onClick((name, { customdata }) => name === "front" && customdata && show([customdata[0], customdata[1]]));
    for (const topic of ["unit", "view"]) Page.on(topic, fill);
  };

  return { start };
})();
