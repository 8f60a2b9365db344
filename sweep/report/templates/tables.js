"use strict";
/* Every table sorts by a click on a heading and downloads as CSV, with exact numbers where the page holds them.
 *
 * Limits: a table whose rows span columns (totals) is not sorted. A text of three digits stays so in the CSV, unless it
 * carries its exact one (data-csv).
 */
const Tables = (() => {
  const NUMBER = /^[-+−]?(?:\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|∞)/;

  const withoutAside = (cell) => {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll("small").forEach((item) => item.remove());
    return copy;
  };

  /* Joules of a cell that holds nothing else: [energy] or [energy, ± of it]. */
  const joules = (cell) => {
    const found = [...cell.querySelectorAll("data")];
    return found.map((item) => item.textContent).join(" ± ") === cell.textContent.trim() ? found.map((item) => Number(item.value)) : [];
  };

  /* The exact number or text of a cell, else its text. */
  const exact = (cell) => {
    if (cell.dataset.exact !== undefined) return Number(cell.dataset.exact);
    const csv = cell.querySelector("[data-csv]")?.dataset.csv;
    if (csv !== undefined) return Number.isFinite(Number(csv)) ? Number(csv) : csv;
    const main = withoutAside(cell);
    const [energy] = joules(main);
    return energy ?? main.textContent.trim().replace(/\s+/g, " ");
  };

  const key = (cell) => {
    const found = exact(cell);
    if (typeof found === "number") return found;
    const energy = cell.querySelector("data");
    if (energy && found.startsWith(energy.textContent)) return Number(energy.value);
    const number = NUMBER.exec(found)?.[0].replaceAll(",", "").replace("−", "-").replace("∞", "Infinity");
    return number === undefined ? found : Number(number);
  };

  /* Numbers before texts, nothing last, whichever way it is sorted. */
  const compared = (a, b, sign) => {
    if (a === "" || b === "" || a === null || b === null) return (a === "" || a === null) - (b === "" || b === null);
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return sign * (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  };

  const sign = (heading) => (heading.getAttribute("aria-sort") === "ascending" ? -1 : 1);

  const mark = (headings, chosen, direction) => {
    for (const heading of headings) heading.removeAttribute("aria-sort");
    chosen.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
  };

  /* Makes the headings buttons; sort is given the column and the sign. */
  const sortable = (table, sort) => {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      if (!heading.textContent.trim()) return;
      const button = Page.element("button", { type: "button", className: "sort" }, ...heading.childNodes);
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const direction = sign(heading);
        mark(headings, heading, direction);
        sort(column, direction);
      });
    });
  };

  const sortRows = (body) => (column, direction) => {
    const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
    rows.sort(([a], [b]) => compared(a, b, direction));
    body.append(...rows.map(([, row]) => row));
  };

  const names = (table) => [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());

  const rows = (table) => {
    const body = [...table.tBodies, ...(table.tFoot ? [table.tFoot] : [])].flatMap((part) => [...part.rows]);
    const cells = body.map((row) => [...row.cells].flatMap((cell) => [cell, ...Array(cell.colSpan - 1).fill(null)]));
    const hasAside = names(table).map((_, column) => cells.some((row) => row[column] && aside(row[column]) !== ""));
    const isEnergy = names(table).map((_, column) => cells.some((row) => row[column] && joules(withoutAside(row[column])).length));
    const head = names(table).flatMap((name, column) => {
      const full = isEnergy[column] ? `${name} (J)` : name;
      return hasAside[column] ? [full, `${full}, aside`] : [full];
    });
    const told = (cell, column) => {
      const own = cell ? exact(cell) : "";
      return hasAside[column] ? [own, cell ? aside(cell) : ""] : [own];
    };
    return [head, ...cells.map((row) => row.flatMap(told))];
  };

  /* What a cell tells beside its number: the ± of joules, or what stands small. */
  const aside = (cell) => {
    const spread = joules(withoutAside(cell))[1];
    const small = cell.querySelector("small");
    return spread ?? small?.querySelector("data")?.value ?? small?.textContent.replace(/^SD /, "") ?? "";
  };

  const label = (table) => {
    const own = table.closest("details")?.querySelector("summary") ?? table.closest(".card")?.querySelector("h3");
    return (own ?? table.closest("section")?.querySelector("h2") ?? document.querySelector("h1")).textContent.trim();
  };

  const start = () => {
    for (const table of document.querySelectorAll("main table:not(#trials-table)")) {
      const simple = table.tHead?.rows.length === 1 && !table.querySelector("tbody [colspan]");
      if (simple && table.tBodies[0].rows.length > 1) sortable(table, sortRows(table.tBodies[0]));
      if (table.tHead?.rows.length !== 1) continue;
      const button = Page.csvButton(Page.slug(label(table)), label(table), () => rows(table));
      (table.closest(".scroll") ?? table).after(Page.element("div", { className: "tools" }, button));
    }
  };

  return { start, sortable, compared };
})();
