"use strict";
/* The charts: drawn when they come near the screen, all of them before printing, in the colours of the page. */
const Plots = (() => {
  const figures = { total: Figures.decoded(Page.data("figures") ?? {}), idle: Figures.decoded(Page.data("figures-idle") ?? {}) };
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const config = {
    responsive: true,
    displaylogo: false,
    displayModeBar: touch ? false : "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg" },
  };
  const NEAR = "400px";
  const PRINT = { width: 680, height: 860 };
  const FIRST_SCREEN = { least: 260, below: 64 };
  const drawn = new Set();
  const overlays = {};
  const clicked = [];
  let printing = false;

  const nameOf = (element) => element.id.replace(/^chart-/, "");
  const elementOf = (name) => document.getElementById(`chart-${name}`);
  const titleOf = (element) => element.closest("figure").querySelector("h2, h3").textContent;
  const all = () => [...document.querySelectorAll(".plot")];

  const figureOf = (name) => {
    const other = Page.state.view === "idle" && name in figures.idle;
    return (other ? figures.idle[name] : figures.total[name]) ?? null;
  };

  /* The chart of the first screen ends where the screen does. */
  const heightOf = (element, height = 440) => {
    if (printing) return Math.min(height, PRINT.height);
    if (!element.closest("#decision")) return height;
    const left = window.innerHeight - (element.getBoundingClientRect().top + window.scrollY) - FIRST_SCREEN.below;
    return Math.max(FIRST_SCREEN.least, Math.min(height, left));
  };

  const themed = (layout, element) => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const lines = { gridcolor: colour("--line"), linecolor: colour("--line"), zerolinecolor: colour("--line") };
    const names = Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name));
    return {
      ...layout,
      ...Object.fromEntries(names.map((name) => [name, { ...layout[name], ...lines }])),
      font: { ...layout.font, color: colour("--text") },
      hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--text") } },
      dragmode: touch ? false : "zoom",
      height: heightOf(element, layout.height),
      ...(printing ? { width: PRINT.width, autosize: false } : {}),
    };
  };

  /* The picture has the words for it; what stands around it are Plotly's buttons. */
  const describe = (name, text) => {
    const element = elementOf(name);
    if (text !== undefined) element.dataset.alt = text;
    element.dataset.alt ??= element.getAttribute("aria-label");
    const [picture, ...others] = element.querySelectorAll(".main-svg");
    if (!picture) return element.setAttribute("aria-label", element.dataset.alt);
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", titleOf(element));
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", element.dataset.alt);
    others.forEach((other) => other.setAttribute("aria-hidden", "true"));
  };

  /* Room for a chart before it is drawn, so that nothing moves away from under a pointer when it is. */
  const reserve = (name) => {
    const element = elementOf(name);
    const height = figureOf(name) ? heightOf(element, figureOf(name).layout.height) : 0;
    element.style.setProperty("--height", `${height}px`);
  };

  const draw = (name) => {
    const element = elementOf(name);
    const found = figureOf(name);
    drawn.add(name);
    reserve(name);
    if (!found) {
      Plotly.purge(element);
      element.replaceChildren(Page.element("p", { className: "soft", textContent: "Not known in this view." }));
      return;
    }
    if (!element.querySelector(".plot-container")) element.replaceChildren();
    const figure = Figures.converted(found);
    const layout = themed(figure.layout, element);
    layout.shapes = [...(layout.shapes ?? []), ...(overlays[name]?.(found) ?? [])];
    Plotly.react(element, figure.data, layout, config);
    describe(name);
    if (element.dataset.clicks) return;
    element.dataset.clicks = "yes";
    element.on("plotly_click", (event) => clicked.forEach((listener) => listener(name, event.points[0])));
  };

  const redraw = () => drawn.forEach(draw);
  const drawAll = () => all().map(nameOf).forEach(draw);

  /* Shapes that another script adds: a function of the figure. */
  const overlay = (name, shapes) => {
    overlays[name] = shapes;
    if (drawn.has(name)) draw(name);
  };

  const watch = () => {
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((item) => item.isIntersecting)) {
        observer.unobserve(entry.target);
        if (!drawn.has(nameOf(entry.target))) draw(nameOf(entry.target));
      }
    }, { rootMargin: NEAR });
    all().map(nameOf).forEach(reserve);
    all().forEach((element) => observer.observe(element));
  };

  const addDownloads = () => {
    for (const element of all()) {
      const title = titleOf(element);
      const button = Page.csvButton(Page.slug(title), title, () => Figures.rows(figureOf(nameOf(element)) ?? { data: [], layout: {} }));
      element.closest("figure").append(Page.element("div", { className: "tools" }, button));
    }
  };

  /* Paper is light, shows every detail, and knows no later: charts are drawn at its width before it is made. */
  const print = () => {
    const root = document.documentElement;
    let before = null;
    window.addEventListener("beforeprint", () => {
      before = { theme: root.dataset.theme, closed: [...document.querySelectorAll("details:not([open])")] };
      root.dataset.theme = "light";
      before.closed.forEach((item) => (item.open = !item.matches(".switches")));
      printing = true;
      drawAll();
    });
    window.addEventListener("afterprint", () => {
      if (before?.theme) root.dataset.theme = before.theme;
      else delete root.dataset.theme;
      before?.closed.forEach((item) => (item.open = false));
      printing = false;
      redraw();
    });
  };

  const start = () => {
    addDownloads();
    watch();
    print();
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => printing || redraw());
    for (const topic of ["unit", "view", "theme"]) Page.on(topic, redraw);
  };

  return { start, drawAll, describe, titleOf, overlay, onClick: (listener) => clicked.push(listener) };
})();
