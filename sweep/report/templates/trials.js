"use strict";
/* The table of trials: sorted, filtered and shown a page at a time, from data that hold every trial. */
const Trials = (() => {
  const data = Page.data("page-data")?.trials;
  const shown = { text: "", state: "", column: 0, sign: 1, page: 0 };
  const byId = (name) => document.getElementById(`trials-${name}`);
  const TOLD = {
    text: (cell) => String(cell),
    number: (cell) => (Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(4)))),
    quality: (cell) => (data.in_points ? `${(100 * cell).toFixed(1)} %` : String(Number(cell.toPrecision(4)))),
    energy: (cell) => Units.node(cell),
    seconds: (cell) => duration(Math.round(cell)),
  };

  const duration = (whole) => {
    const two = (number) => String(number).padStart(2, "0");
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
    return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  };

  const told = (cell, column) => {
    if (cell === null) return "";
    return (typeof cell === "number" && column.kind === "text" ? TOLD.number : TOLD[column.kind])(cell);
  };

  const stateColumn = () => data.columns.findIndex((column) => column.name === "ended by" && !column.verbatim);

  const words = new Map();
  const searched = (row) => {
    if (!words.has(row)) words.set(row, row.filter((cell) => cell !== null).join("\u0000").toLowerCase());
    return words.get(row);
  };

  const selected = () => {
    const at = stateColumn();
    const text = shown.text.trim().toLowerCase();
    const rows = data.rows.filter((row) => (!shown.state || row[at] === shown.state) && (!text || searched(row).includes(text)));
    return rows.sort((a, b) => Tables.compared(a[shown.column], b[shown.column], shown.sign));
  };

  const line = (row) => {
    const made = document.createElement("tr");
    row.forEach((cell, index) => {
      const column = data.columns[index];
      const td = Page.element("td", { className: `${column.kind === "text" ? "" : "n"} ${column.view}` }, told(cell, column));
      if (column.verbatim) td.dataset.verbatim = "";
      made.append(td);
    });
    return made;
  };

  const show = () => {
    const rows = selected();
    const last = Math.max(0, Math.ceil(rows.length / data.n_shown) - 1);
    shown.page = Math.min(shown.page, last);
    const first = shown.page * data.n_shown;
    byId("table").tBodies[0].replaceChildren(...rows.slice(first, first + data.n_shown).map(line));
    byId("count").textContent = `${rows.length} of ${data.rows.length} trials`;
    byId("page").textContent = `page ${shown.page + 1} of ${last + 1}`;
    byId("before").disabled = shown.page === 0;
    byId("after").disabled = shown.page === last;
  };

  const change = (what) => {
    Object.assign(shown, { page: 0 }, what);
    show();
  };

  const csv = () => [
    data.columns.map(({ name, kind }) => (kind === "energy" ? `${name} (J)` : kind === "seconds" ? `${name} (s)` : name)),
    ...selected(),
  ];

  const start = () => {
    if (!data?.rows.length) return;
    const at = stateColumn();
    byId("state").append(...[...new Set(data.rows.map((row) => row[at]))].sort().map((state) => new Option(state, state)));
    byId("text").addEventListener("input", (event) => change({ text: event.target.value }));
    byId("state").addEventListener("change", (event) => change({ state: event.target.value }));
    byId("before").addEventListener("click", () => change({ page: shown.page - 1 }));
    byId("after").addEventListener("click", () => change({ page: shown.page + 1 }));
    Tables.sortable(byId("table"), (column, sign) => change({ column, sign }));
    byId("table").closest(".scroll").after(Page.element("div", { className: "tools" }, Page.csvButton("trials", "Trials", csv)));
    show();
  };

  return { start };
})();
