// Plots in place of figures, after `plots.js`: their numbers, and what plotly draws of them. `live.js` is next.
const kinds = { f4: Float32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array };
function numbers(one) {
  const bytes = Uint8Array.from(atob(one.bdata), char => char.charCodeAt(0));
  const found = new kinds[one.dtype](bytes.buffer);
  return one.same ? new kinds[one.dtype](one.same).fill(found[0]) : found;
}

const tables = {};
function tableOf(name) {
  if (!tables[name]) {
    const { columns, shape } = data.tables[name], found = {};
    for (const [key, one] of Object.entries(columns)) found[key] = { ...one, values: numbers(one) };
    const titled = Object.values(found).filter(one => one.title);
    tables[name] = { columns: found, titled, shape, count: Math.max(...Object.values(found).map(one => one.values.length)) };
  }
  return tables[name];
}

// What a column says of a row: a word, or a number with its unit; nothing where it has none.
function said(column, row) {
  const value = column.values[row];
  if (column.words) return column.words[value];
  if (!Number.isFinite(value)) return "";
  const [number, prefix] = prefixed(value, column.unit, column.digits);
  return (number + (column.unit && `\u00a0${prefix}${column.unit}`)).replace("-", "−");
}
const told = (table, row) => table.titled.map(one => [one.title, said(one, row)])
  .filter(([, text]) => text).map(pair => pair.join(": "));
function texts(table) {
  table.texts ??= range(table.count).map(row => told(table, row).map(plain).join("<br>"));
  return table.texts;
}

// What plotly draws of each trace, and the row that each of its points is: -1 where a line breaks.
function rowsOf(trace, table) {
  const rows = trace.rows ? [...numbers(trace.rows)] : range(table.count), by = table.columns[trace.gaps]?.values;
  return by ? rows.flatMap((row, i) => i && by[row] !== by[rows[i - 1]] ? [-1, row] : [row]) : rows;
}
function reader(table, name, size) {
  const values = table.columns[name]?.values;
  return row => row < 0 || !values || !Number.isFinite(values[row]) ? null : values[row] / size;
}
function points(trace, table, x, y) {
  const rows = rowsOf(trace, table), colour = style(trace.colour) || trace.colour;
  const found = { type: "scatter", x: rows.map(reader(table, trace.x, x.size)), y: rows.map(reader(table, trace.y, y.size)) };
  if (trace.kind === "band") {
    const low = rows.map(reader(table, trace.low, y.size)).reverse();
    const around = { x: [...found.x, ...[...found.x].reverse()], y: [...found.y, ...low], fill: "toself" };
    const filled = { fillcolor: rgb(mixed(colour, colour, 0), 0.18), mode: "lines", line: { width: 0 }, hoverinfo: "skip" };
    return { rows: [], drawn: { ...found, ...around, ...filled } };
  }
  const line = { color: colour, width: 1.6, dash: trace.dash || "solid", shape: trace.kind === "steps" ? "hv" : "linear" };
  const text = rows.map(row => row < 0 ? "" : texts(table)[row]);
  const dots = { size: narrow && rows.length > 500 ? 0.6 * trace.size : trace.size, color: colour, opacity: trace.alpha };
  const mode = { dots: "markers", both: "lines+markers" }[trace.kind] || "lines";
  return { rows, drawn: { ...found, mode, line, marker: dots, text } };
}
// The cells of an array; where it lies on its side, its rows run along x.
function cells(trace, table, y) {
  const [high, wide] = table.shape, [down, along] = trace.turned ? [wide, high] : [high, wide];
  const rows = range(down).map(i => range(along).map(j => trace.turned ? j * wide + i : i * wide + j));
  const value = reader(table, trace.y, y.size), [zmin, zmax] = y.span;
  const text = rows.map(line => line.map(row => texts(table)[row]));
  const colorscale = trace.scale.map((one, i, all) => [i / (all.length - 1), one]);
  return { rows, drawn: { type: "heatmap", z: rows.map(line => line.map(value)), zmin, zmax, text, colorscale } };
}

function line(mark, n) {
  const x = `x${n}`, y = `y${n}`, color = style(mark.colour);
  const shape = { type: "line", layer: "below", xref: x, yref: y, line: { color, width: 1, dash: mark.dash || "solid" } };
  if (mark.name) shape.label = { text: plain(mark.name), textposition: "end", yanchor: "bottom", font: { color, size: 11 } };
  if (mark.kind === "up") return { ...shape, yref: `${y} domain`, y0: 0, y1: 1, x0: mark.at, x1: mark.at };
  if (mark.kind === "equal") return { ...shape, x0: -mark.at, x1: mark.at, y0: -mark.at, y1: mark.at };
  const across = { ...shape, xref: `${x} domain`, x0: 0, x1: 1, y0: mark.at, y1: mark.at };
  return mark.kind === "strip" ? { ...across, type: "rect", y0: -mark.at, line: { width: 0 }, fillcolor: color } : across;
}
const axisOf = (one, extra) => axisWith({
  title: { text: plain(one.title) }, type: one.log ? "log" : "linear", exponentformat: "power", zeroline: false,
  ...(one.span ? { range: one.log ? one.span.map(Math.log10) : one.span } : { autorange: one.down ? "reversed" : true }),
  ...(one.log ? { dtick: 1 } : {}), ...extra,
});

const isMap = plot => plot.panels.some(panel => panel.traces.some(trace => trace.kind === "heat"));
const narrow = innerWidth < 600;
const besides = (plot, width) => plot.beside && width > 700;
// Where panels stand: [left, right, bottom, top], as shares of the whole; two or three in a line where they are beside each other.
function places(plot, beside) {
  const count = plot.panels.length, bar = isMap(plot) ? 0.06 : 0;
  const many = beside ? (count > 3 ? 2 : count) : 1, lines = Math.ceil(count / many);
  const gap = bar ? 0.09 : 0.05, whole = range(lines).reduce((sum, i) => sum + plot.panels[i * many].share, 0);
  let top = 1;
  return range(lines).flatMap(i => {
    const from = Math.max(top - (1 - gap * (lines - 1)) * plot.panels[i * many].share / whole, 0), to = top;
    top = from - gap;
    return range(many).map(j => [j / many + (j ? 0.03 : 0), (j + 1) / many - bar, from, to]);
  });
}

// A name of a stretch of the x axis, where it is wide enough for it.
function names(plot, width) {
  const ends = plot.labels.flatMap(([, from, to]) => [from, to]), whole = Math.max(...ends) - Math.min(...ends);
  const wide = plot.labels.filter(([text, from, to]) => width * (to - from) / whole > 6.5 * text.length);
  const above = { xref: "x", y: 1, yref: "paper", yanchor: "bottom", showarrow: false, font: { size: 11, color: style("soft") } };
  return wide.map(([text, from, to]) => ({ ...above, text: plain(text), x: (from + to) / 2 }));
}

// A trace on its axes, with what keys and pointers need of it.
function curve(plot, panel, trace, on, [, right, bottom, top]) {
  const table = tableOf(trace.table), map = trace.kind === "heat";
  const one = map ? cells(trace, table, panel.y) : points(trace, table, plot.x, panel.y);
  Object.assign(one.drawn, on, { name: plain(trace.name), showlegend: Boolean(trace.name) });
  if (map) {
    const bar = { thickness: 10, outlinewidth: 0, nticks: 5, tickfont: { color: style("soft") }, exponentformat: "power" };
    one.drawn.colorbar = { ...bar, x: right, xpad: 4, y: (bottom + top) / 2, len: top - bottom };
  }
  if (trace.told) one.drawn.hovertemplate = "%{text}<extra></extra>";
  else Object.assign(one.drawn, { hoverinfo: "skip", text: null });
  return { ...one, table, map, told: trace.told && trace.kind !== "band", subplot: on.xaxis + on.yaxis };
}

function composed(plot, width, height) {
  const where = places(plot, besides(plot, width)), map = isMap(plot), lowest = Math.min(...where.map(place => place[2]));
  const curves = [], shapes = [], annotations = names(plot, width - 70), axes = {}, untitled = { title: { text: "" } };
  plot.panels.forEach((panel, i) => {
    const n = i ? String(i + 1) : "", [left, right, bottom, top] = where[i], on = { xaxis: `x${n}`, yaxis: `y${n}` };
    curves.push(...panel.traces.map(trace => curve(plot, panel, trace, on, where[i])));
    shapes.push(...panel.marks.map(mark => line(mark, n)));
    const x = { domain: [left, right], anchor: on.yaxis, showgrid: !map, ...(i ? { matches: "x" } : {}) };
    const y = { domain: [bottom, top], anchor: on.xaxis, showgrid: !map, ...(map && i ? { matches: "y" } : {}) };
    axes[`xaxis${n}`] = axisOf(plot.x, { ...x, ...(bottom === lowest ? {} : { showticklabels: false, ...untitled }) });
    axes[`yaxis${n}`] = axisOf(map ? { ...panel.y, span: null } : panel.y, { ...y, ...(left > 0 ? untitled : {}) });
    const title = { x: left, xanchor: "left", xref: "paper", y: top, yanchor: "bottom", yref: "paper", showarrow: false };
    const text = `<b>${plain(panel.title)}</b>`, font = { size: 12, color: style("ink") };
    if (panel.title) annotations.push({ ...title, text, font });
  });
  const above = plot.labels.length ? 58 : 40, legend = { y: 1 + (plot.labels.length ? 20 : 4) / (height - above - 48) };
  const margin = { l: 56, r: 12, t: above, b: 48 };
  return { curves, layout: layout({ ...axes, shapes, annotations, height, margin, legend, uirevision: "kept" }) };
}

// How high a plot is: as its figure, unless maps that stood beside each other are now one above the other.
function heightOf(plot, width, tall) {
  if (!isMap(plot) || besides(plot, width)) return Math.min(Math.max(tall, 330), 620);
  return Math.max(90 + (plot.beside ? 260 : 150) * plot.panels.length, tall);
}
