"use strict";
/* What all scripts of the page share: its data, its state, new elements and downloads.
 *
 * State is the unit (J, Wh, gCO2e) and the view (total, idle); whoever depends on one listens to it with Page.on.
 */
const Page = (() => {
  const state = { unit: "J", view: "total" };
  const listeners = { unit: [], view: [], theme: [] };

  const parsed = new Map();
  const data = (id) => {
    if (!parsed.has(id)) parsed.set(id, JSON.parse(document.getElementById(id)?.textContent ?? "null"));
    return parsed.get(id);
  };

  const on = (topic, listener) => listeners[topic].push(listener);

  const set = (topic, value) => {
    state[topic] = value;
    for (const listener of listeners[topic]) listener(value);
  };

  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  /* A cell that a spreadsheet would run as a formula is made text. */
  const field = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  const download = (name, rows) => {
    const text = rows.map((row) => row.map(field).join(",")).join("\r\n");
    const url = URL.createObjectURL(new Blob([text, "\r\n"], { type: "text/csv;charset=utf-8" }));
    element("a", { href: url, download: `${name}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };

  const csvButton = (name, label, rows) =>
    element("button", {
      type: "button",
      className: "csv",
      textContent: "CSV",
      ariaLabel: `${label} as CSV`,
      onclick: () => download(name, rows()),
    });

  const slug = (text) => text.trim().toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60) || "table";

  document.documentElement.classList.add("js");
  return { data, state, on, set, element, csvButton, slug };
})();
