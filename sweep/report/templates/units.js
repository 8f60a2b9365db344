"use strict";
/* Joules in another unit, everywhere: in texts, tables and figures.
 *
 * Every energy in a text is spelled "12.3 kJ". At the start each becomes <data value="12300">12.3 kJ</data>, which is
 * rewritten when the unit changes; the exact joules stay in its value. Texts of users (code, pre, data-verbatim) stay.
 */
const Units = (() => {
  const JOULES = { GJ: 1e9, MJ: 1e6, kJ: 1e3, J: 1, mJ: 1e-3, "µJ": 1e-6, nJ: 1e-9 };
  const SPELLED = /(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)[ \u00a0](GJ|MJ|kJ|J|mJ|µJ|nJ)(?![\w/])/g;
  const NAMED = /\b(measured|modelled|replayed|unknown origin) J\b/g;
  const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
  const VERBATIM = "code, pre, data, script, style, select, textarea, noscript, .plot, [data-verbatim]";
  const gramsPerJoule = Page.data("page-data")?.co2e.g_per_j ?? null;

  const FACTORS = { J: 1, Wh: 1 / 3600, gCO2e: gramsPerJoule };
  const SYMBOLS = { J: "J", Wh: "Wh", gCO2e: "g CO2e" };

  const factor = () => FACTORS[Page.state.unit];
  const symbol = () => SYMBOLS[Page.state.unit];

  const threeDigits = (amount) => {
    const decimals = amount === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(amount))));
    return amount.toFixed(Math.min(decimals, 2));
  };

  const told = (joules, unit = Page.state.unit) => {
    const amount = joules * FACTORS[unit];
    if (amount === 0) return `0 ${SYMBOLS[unit]}`;
    const known = unit === "J" ? PREFIXES.slice(0, 5) : PREFIXES;
    const [size, prefix] = known.find(([size]) => Math.abs(amount) >= 0.9995 * size) ?? known.at(-1);
    return `${threeDigits(amount / size)} ${prefix}${SYMBOLS[unit]}`;
  };

  /* Made in any unit, it goes back to joules like the texts that the file came with. */
  const node = (joules) => {
    const made = Page.element("data", { value: String(joules), textContent: told(joules) });
    made.dataset.joules = told(joules, "J");
    return made;
  };

  /* What the page holds exactly, by its spelling: a sentence says the same as the number beside it, in any unit. */
  const known = new Map();
  const learn = (root) => {
    for (const item of root.querySelectorAll("data[value]")) if (!known.has(item.textContent)) known.set(item.textContent, Number(item.value));
  };
  const read = (spelled, number, unit) => known.get(spelled) ?? Number(number) * JOULES[unit];

  /* A text with its energies, and the unit of an axis or of a picture ("measured J"), in the page's unit. */
  const rewritten = (text) => {
    if (Page.state.unit === "J") return text;
    const numbers = text.replace(SPELLED, (...found) => told(read(...found)));
    return numbers.replace(NAMED, (_, provenance) => `${provenance} ${symbol()}`);
  };

  const wrapText = (text) => {
    const parts = [];
    let end = 0;
    for (const found of text.data.matchAll(SPELLED)) {
      parts.push(text.data.slice(end, found.index));
      parts.push(Page.element("data", { value: String(read(...found)), textContent: found[0] }));
      end = found.index + found[0].length;
    }
    if (end) text.replaceWith(...parts, text.data.slice(end));
  };

  const wrap = (root) => {
    learn(root);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (text) =>
      text.parentElement.closest(VERBATIM) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    texts.forEach(wrapText);
  };

  const update = () => {
    for (const item of document.querySelectorAll("data[value]")) {
      item.dataset.joules ??= item.textContent;
      item.textContent = Page.state.unit === "J" ? item.dataset.joules : told(Number(item.value));
    }
  };

  return { factor, symbol, told, node, rewritten, wrap, update };
})();
