"use strict";
/* Figures in the unit of the page, from figures in joules.
 *
 * layout.meta.energy names what carries joules: "x", "y" (all axes of that letter), "z" (colours of a heat map) or
 * "values" (areas of a treemap). Those numbers, what stands beside them (errors, ranges, ticks, shapes) and the
 * spelled energies in titles, labels and hover texts are converted; what else a figure holds stays as it is.
 */
const Figures = (() => {
  const TYPES = { f8: Float64Array, f4: Float32Array, i4: Int32Array, u4: Uint32Array, i2: Int16Array, u2: Uint16Array, i1: Int8Array, u1: Uint8Array };
  const TEXTS = new Set(["text", "hovertext", "customdata", "hovertemplate", "texttemplate", "name"]);

  /* Plotly writes arrays of numbers as base64; plain arrays are easier to convert and export. */
  const decoded = (item) => {
    if (Array.isArray(item)) return item.map(decoded);
    if (item === null || typeof item !== "object") return item;
    if (typeof item.bdata === "string" && item.dtype in TYPES) return unpacked(item);
    return Object.fromEntries(Object.entries(item).map(([key, value]) => [key, decoded(value)]));
  };

  const unpacked = ({ bdata, dtype, shape }) => {
    const bytes = Uint8Array.from(atob(bdata), (sign) => sign.charCodeAt(0));
    const flat = Array.from(new TYPES[dtype](bytes.buffer));
    const [, width] = shape ? String(shape).split(",").map(Number) : [];
    if (!width) return flat;
    return Array.from({ length: flat.length / width }, (_, row) => flat.slice(row * width, (row + 1) * width));
  };

  const scaled = (item, by) => {
    if (Array.isArray(item)) return item.map((part) => scaled(part, by));
    return typeof item === "number" ? item * by : item;
  };

  const worded = (item) => {
    if (typeof item === "string") return Units.rewritten(item);
    return Array.isArray(item) ? item.map(worded) : item;
  };

  const SHORT = /(%\{[^}]*\})[ ]?J(?![\w])/g;

  const convertTexts = (item) => {
    for (const [key, value] of Object.entries(item)) {
      if (TEXTS.has(key) || key === "meta" || key === "labels") item[key] = worded(value);
      if (key.endsWith("template") && typeof value === "string") {
        item[key] = Units.rewritten(value).replace(SHORT, (_, number) => `${number} ${Units.symbol()}`);
      }
    }
  };

  const ERRORS = ["array", "arrayminus", "value"];

  const convertTrace = (trace, energy, by) => {
    convertTexts(trace);
    for (const key of ["x", "y"].filter((letter) => energy.has(letter))) {
      trace[key] = scaled(trace[key], by);
      const error = trace[`error_${key}`];
      for (const name of ERRORS) if (error && error.type !== "percent" && name in error) error[name] = scaled(error[name], by);
      const along = (trace.orientation === "h") === (key === "x");
      if (trace.type === "bar" && along && "base" in trace) trace.base = scaled(trace.base, by);
    }
    if (energy.has("z")) for (const key of ["z", "zmin", "zmax", "zmid"]) if (key in trace) trace[key] = scaled(trace[key], by);
    if (energy.has("values")) trace.values = scaled(trace.values, by);
    if (energy.has("z") && trace.colorbar) convertTitle(trace.colorbar);
  };

  const convertTitle = (holder) => {
    const title = typeof holder.title === "string" ? { text: holder.title } : holder.title;
    if (title?.text) holder.title = { ...title, text: title.text.replace(/\bJ\b/, Units.symbol()) };
  };

  const convertAxis = (axis, by) => {
    convertTitle(axis);
    const isLog = axis.type === "log";
    if (axis.range) axis.range = axis.range.map((end) => (isLog ? end + Math.log10(by) : end * by));
    for (const key of ["tickvals", "tick0"]) if (key in axis && !isLog) axis[key] = scaled(axis[key], by);
    if (!isLog && typeof axis.dtick === "number") axis.dtick *= by;
    if (isLog && axis.tickvals) axis.tickvals = scaled(axis.tickvals, by);
    if (axis.ticktext) axis.ticktext = worded(axis.ticktext);
  };

  const convertLayout = (layout, energy, by) => {
    for (const [name, axis] of Object.entries(layout)) {
      const letter = /^([xy])axis\d*$/.exec(name)?.[1];
      if (letter && energy.has(letter)) convertAxis(axis, by);
      if (/^coloraxis\d*$/.test(name) && energy.has("z") && axis.colorbar) convertTitle(axis.colorbar);
    }
    for (const shape of layout.shapes ?? []) {
      for (const letter of ["x", "y"].filter((item) => energy.has(item))) {
        if (/paper|domain/.test(shape[`${letter}ref`] ?? "")) continue;
        for (const end of ["0", "1"]) if (`${letter}${end}` in shape) shape[`${letter}${end}`] *= by;
      }
    }
    for (const note of layout.annotations ?? []) convertNote(note, layout, energy, by);
    if (layout.title?.text) layout.title.text = Units.rewritten(layout.title.text);
  };

  const convertNote = (note, layout, energy, by) => {
    if (note.text) note.text = Units.rewritten(note.text);
    if (note.hovertext) note.hovertext = Units.rewritten(note.hovertext);
    for (const letter of ["x", "y"].filter((item) => energy.has(item))) {
      const ref = note[`${letter}ref`] ?? letter;
      if (/paper|domain/.test(ref) || typeof note[letter] !== "number") continue;
      const axis = layout[`${letter}axis${ref.slice(1)}`];
      note[letter] = axis?.type === "log" ? note[letter] + Math.log10(by) : note[letter] * by;
    }
  };

  const converted = (figure) => {
    const made = structuredClone(figure);
    if (Page.state.unit === "J") return made;
    const energy = new Set(made.layout.meta?.energy ?? []);
    for (const trace of made.data) convertTrace(trace, energy, Units.factor());
    convertLayout(made.layout, energy, Units.factor());
    return made;
  };

  /* Rows of a figure for a spreadsheet, in joules: one for each point, with the name of its trace. */
  const KEYS = ["x", "y", "z", "ids", "labels", "parents", "values", "text", "hovertext"];

  const heading = (figure, key) => {
    const title = figure.layout[`${key}axis`]?.title?.text;
    return title ? `${key}: ${plainText(title)}` : key;
  };

  const plainText = (markup) =>
    typeof markup === "string" ? new DOMParser().parseFromString(markup.replaceAll("<br>", " "), "text/html").body.textContent : markup;

  const cellsOf = (trace, keys) => {
    if (Array.isArray(trace.z?.[0])) {
      const cells = trace.z.flatMap((row, i) => row.map((z, j) => ({ x: trace.x?.[j] ?? j, y: trace.y?.[i] ?? i, z })));
      return cells.filter(({ z }) => z !== null);
    }
    const length = Math.max(...keys.map((key) => trace[key].length));
    return Array.from({ length }, (_, i) => ({
      ...Object.fromEntries(keys.map((key) => [key, plainText(trace[key][i])])),
      error_x: trace.error_x?.array?.[i],
      error_y: trace.error_y?.array?.[i],
    }));
  };

  /* A trace whose points share one place, such as a violin, with that place beside each of them. */
  const spread = (trace) => (typeof trace.y0 === "string" && Array.isArray(trace.x) ? { ...trace, y: trace.x.map(() => trace.y0) } : trace);

  const rows = (figure) => {
    const points = figure.data.map(spread).flatMap((trace) => {
      const keys = KEYS.filter((key) => Array.isArray(trace[key]));
      const name = plainText(Array.isArray(trace.meta) && typeof trace.meta[0] === "string" ? trace.meta[0] : trace.name ?? "");
      return keys.length ? cellsOf(trace, keys).map((cells) => ({ trace: name, ...cells })) : [];
    });
    const columns = ["trace", ...KEYS, "error_x", "error_y"].filter((key) => points.some((point) => point[key] !== undefined && point[key] !== ""));
    return [columns.map((key) => heading(figure, key)), ...points.map((point) => columns.map((key) => point[key]))];
  };

  return { decoded, converted, rows };
})();
