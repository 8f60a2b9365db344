"use strict";
/* Wires the report: switches, buttons that copy, charts, tables. */
(() => {
  const root = document.documentElement;
  const WIDE = 720;

  const alts = Page.data("page-data").alts;

  /* What a chart says to who cannot see it, in the unit and the view of the page. */
  const describe = () => {
    for (const [name, texts] of Object.entries(alts)) {
      const title = Plots.titleOf(document.getElementById(`chart-${name}`));
      const text = texts[Page.state.view] ?? "Not known in this view.";
      Plots.describe(name, `${title}. ${Units.rewritten(text)}`);
    }
  };

  const switches = {
    unit: (value) => Page.set("unit", value),
    view: (value) => {
      root.dataset.view = value;
      Page.set("view", value);
    },
    theme: (value) => {
      if (value === "auto") delete root.dataset.theme;
      else root.dataset.theme = value;
      Page.set("theme", value);
    },
  };

  const wireSwitches = () => {
    for (const [name, change] of Object.entries(switches)) {
      for (const input of document.querySelectorAll(`input[name="${name}"]`)) {
        input.addEventListener("change", () => input.checked && change(input.value));
      }
    }
    Page.on("unit", (unit) => {
      Units.update();
      const source = document.getElementById("why-unit");
      if (source && !document.querySelector('input[value="gCO2e"]').disabled) source.hidden = unit !== "gCO2e";
    });
    for (const topic of ["unit", "view"]) Page.on(topic, describe);
    document.getElementById("switches").open = window.innerWidth >= WIDE;
  };

  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  };

  /* Where the browser gives no clipboard the text is selected, to be copied by hand. */
  const wireCopying = () => {
    for (const button of document.querySelectorAll("button.copy")) {
      const source = document.getElementById(button.dataset.copy);
      button.addEventListener("click", async () => {
        const done = await copied(source.textContent);
        if (!done) getSelection().selectAllChildren(source);
        button.textContent = done ? "Copied" : "Selected";
        setTimeout(() => (button.textContent = "Copy"), 2000);
      });
    }
  };

  /* A link to something folded unfolds it. */
  const wireLinks = () => {
    const open = () => document.getElementById(location.hash.slice(1))?.closest("details")?.setAttribute("open", "");
    window.addEventListener("hashchange", open);
    open();
  };

  wireSwitches();
  Units.wrap(document.querySelector("main"));
  Plots.start();
  Tables.start();
  Trials.start();
  Point.start();
  Reuses.start();
  wireCopying();
  wireLinks();
})();
