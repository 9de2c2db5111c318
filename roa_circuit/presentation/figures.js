// Plots in place of figures, after `plots.js`: each is drawn when it comes near the window. On paper figures stay.
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
    Object.assign(found, { x: [...found.x, ...[...found.x].reverse()], y: [...found.y, ...low], mode: "lines", line: { width: 0 } });
    return { rows: [], drawn: { ...found, fill: "toself", fillcolor: rgb(mixed(colour, colour, 0), 0.18), hoverinfo: "skip" } };
  }
  const line = { color: colour, width: 1.6, dash: trace.dash || "solid", shape: trace.kind === "steps" ? "hv" : "linear" };
  const text = rows.map(row => row < 0 ? "" : texts(table)[row]);
  const dots = { size: narrow && rows.length > 500 ? 0.6 * trace.size : trace.size, color: colour, opacity: trace.alpha };
  return { rows, drawn: { ...found, mode: { dots: "markers", both: "lines+markers" }[trace.kind] || "lines", line, marker: dots, text } };
}
// The cells of an array; where it lies on its side, its rows run along x.
function cells(trace, table, y) {
  const [high, wide] = table.shape, [down, along] = trace.turned ? [wide, high] : [high, wide];
  const rows = range(down).map(i => range(along).map(j => trace.turned ? j * wide + i : i * wide + j));
  const value = reader(table, trace.y, y.size), [zmin, zmax] = y.span;
  const text = rows.map(line => line.map(row => texts(table)[row])), colorscale = trace.scale.map((one, i, all) => [i / (all.length - 1), one]);
  return { rows, drawn: { type: "heatmap", z: rows.map(line => line.map(value)), zmin, zmax, text, colorscale } };
}

function line(mark, n) {
  const x = `x${n}`, y = `y${n}`, shape = { type: "line", layer: "below", xref: x, yref: y, line: { color: style(mark.colour), width: 1, dash: mark.dash || "solid" } };
  if (mark.name) shape.label = { text: mark.name, textposition: "end", yanchor: "bottom", font: { color: style(mark.colour), size: 11 } };
  if (mark.kind === "up") return { ...shape, yref: `${y} domain`, y0: 0, y1: 1, x0: mark.at, x1: mark.at };
  if (mark.kind === "equal") return { ...shape, x0: -mark.at, x1: mark.at, y0: -mark.at, y1: mark.at };
  const across = { ...shape, xref: `${x} domain`, x0: 0, x1: 1, y0: mark.at, y1: mark.at };
  return mark.kind === "strip" ? { ...across, type: "rect", y0: -mark.at, line: { width: 0 }, fillcolor: style(mark.colour) } : across;
}
const axisOf = (one, extra) => axisWith({
  title: { text: one.title }, type: one.log ? "log" : "linear", exponentformat: "power", zeroline: false,
  ...(one.span ? { range: one.log ? one.span.map(Math.log10) : one.span } : { autorange: one.down ? "reversed" : true }),
  ...(one.log ? { dtick: 1 } : {}), ...extra,
});

const isMap = plot => plot.panels.some(panel => panel.traces.some(trace => trace.kind === "heat"));
const narrow = innerWidth < 600;
const besides = (plot, width) => plot.beside && width > 700;
// Where panels stand: [left, right, bottom, top], as shares of the whole; beside each other two or three in a line.
function places(plot, beside) {
  const count = plot.panels.length, bar = isMap(plot) ? 0.06 : 0, many = beside ? (count > 3 ? 2 : count) : 1, lines = Math.ceil(count / many);
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
  return plot.labels.filter(([text, from, to]) => width * (to - from) / whole > 6.5 * text.length).map(([text, from, to]) => ({
    text: plain(text), x: (from + to) / 2, xref: "x", y: 1, yref: "paper", yanchor: "bottom", showarrow: false, font: { size: 11, color: style("soft") },
  }));
}

function composed(plot, width, height) {
  const where = places(plot, besides(plot, width)), map = isMap(plot), lowest = Math.min(...where.map(place => place[2]));
  const curves = [], shapes = [], annotations = names(plot, width - 70), axes = {};
  plot.panels.forEach((panel, i) => {
    const n = i ? String(i + 1) : "", [left, right, bottom, top] = where[i], on = { xaxis: `x${n}`, yaxis: `y${n}` };
    for (const trace of panel.traces) {
      const table = tableOf(trace.table), one = trace.kind === "heat" ? cells(trace, table, panel.y) : points(trace, table, plot.x, panel.y);
      const bar = { thickness: 10, outlinewidth: 0, nticks: 5, tickfont: { color: style("soft") }, x: right, xpad: 4, y: (bottom + top) / 2, len: top - bottom, exponentformat: "power" };
      Object.assign(one.drawn, on, { name: plain(trace.name), showlegend: Boolean(trace.name) }, trace.kind === "heat" ? { colorbar: bar } : {});
      if (trace.told) one.drawn.hovertemplate = "%{text}<extra></extra>";
      else Object.assign(one.drawn, { hoverinfo: "skip", text: null });
      curves.push({ ...one, table, told: trace.told && trace.kind !== "band", map: trace.kind === "heat", subplot: on.xaxis + on.yaxis });
    }
    shapes.push(...panel.marks.map(mark => line(mark, n)));
    const titled = bottom === lowest, linked = i ? { matches: "x" } : {};
    axes[`xaxis${n}`] = axisOf(plot.x, { ...linked, domain: [left, right], anchor: on.yaxis, showticklabels: titled, showgrid: !map, ...(titled ? {} : { title: { text: "" } }) });
    axes[`yaxis${n}`] = axisOf(map ? { ...panel.y, span: null } : panel.y, { ...(map && i ? { matches: "y" } : {}), domain: [bottom, top], anchor: on.xaxis, showgrid: !map, ...(left > 0 ? { title: { text: "" } } : {}) });
    if (panel.title) annotations.push({ text: `<b>${plain(panel.title)}</b>`, x: left, xanchor: "left", xref: "paper", y: top, yanchor: "bottom", yref: "paper", showarrow: false, font: { size: 12, color: style("ink") } });
  });
  const above = plot.labels.length ? 58 : 40, inner = height - above - 48;
  const legend = { y: 1 + (plot.labels.length ? 20 : 4) / inner };
  return { curves, layout: layout({ ...axes, shapes, annotations, height, margin: { l: 56, r: 12, t: above, b: 48 }, legend, uirevision: "kept" }) };
}

class Live {
  constructor(figure, name) {
    Object.assign(this, { name, figure, plot: data.plots[name], at: null });
    const caption = figure.querySelector("figcaption"), still = figure.querySelector(".still");
    const made = (tag, kind) => Object.assign(document.createElement(tag), { className: kind });
    const tall = still.getBoundingClientRect().height;
    const about = { role: "application", "aria-roledescription": "plot", "aria-label": caption.textContent, "aria-describedby": `how-${name}` };
    [this.box, this.how, this.heard] = [made("div", "plot"), made("div", "how"), made("p", "heard")];
    this.how.append(`${this.plot.note} ${finger ? FINGER : MOUSE + (isMap(this.plot) ? MAP_KEYS : KEYS)} `.trimStart());
    caption.before(this.box, this.heard);
    caption.append(this.how);
    figure.classList.add("live");
    const wide = this.box.clientWidth, many = this.plot.panels.length;
    this.height = isMap(this.plot) && !besides(this.plot, wide) ? Math.max(90 + (this.plot.beside ? 260 : 150) * many, tall) : Math.min(Math.max(tall, 330), 620);
    Object.assign(this.box, { id: `plot-${name}`, tabIndex: 0 });
    this.box.style.height = `${this.height}px`;
    this.how.id = `how-${name}`;
    for (const [key, text] of Object.entries(about)) this.box.setAttribute(key, text);
    this.heard.setAttribute("aria-live", "polite");
    const names = this.plot.panels.flatMap(panel => panel.traces.map(trace => trace.table));
    this.how.append(...[...new Set(names)].map(link));
    this.draw();
    const linked = Object.keys(this.box._fullLayout).filter(one => /^[xy]axis\d*$/.test(one));
    this.whole = Object.fromEntries(linked.map(one => [one, this.now(one)]));
    this.box.addEventListener("keydown", event => this.key(event));
    whenColoursChange(() => this.draw());
  }

  draw() {
    const { curves, layout: shown } = composed(this.plot, this.box.clientWidth, this.height);
    this.curves = curves;
    Plotly.react(this.box, curves.map(one => one.drawn), shown, config);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = { "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.seen(this.whole), Escape: () => this.leave() }[event.key];
    const moves = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
    if (!action && !moves.includes(event.key)) return;
    event.preventDefault();
    if (action) action();
    else this.move(event.key);
  }

  // Goes on to another point, which is told as if it were pointed at.
  move(key) {
    const told = this.curves.filter(one => one.told);
    const curve = this.at?.curve && told.includes(this.at.curve) ? this.at.curve : told[0];
    if (!curve) return;
    const other = told[(told.indexOf(curve) + (["ArrowUp", "PageUp"].includes(key) ? told.length - 1 : 1)) % told.length];
    const across = { ArrowLeft: -1, ArrowRight: 1 }[key] || 0, down = { ArrowUp: -1, ArrowDown: 1 }[key] || 0;
    const clipped = (i, many) => Math.min(Math.max(i, 0), many - 1);
    if (curve.map) {
      const next = key.startsWith("Page") && this.at ? other : curve, [i, j] = this.at ? this.at.index : [0, 0], high = next.rows.length, wide = next.rows[0].length;
      const ends = { Home: [i, 0], End: [i, wide - 1] }[key] || [clipped(i + (this.at ? down : 0), high), clipped(j + (this.at ? across : 0), wide)];
      return this.tell(next, ends);
    }
    const there = one => i => one.rows[i] >= 0 && one.drawn.x[i] !== null && one.drawn.y[i] !== null;
    if (down || key.startsWith("Page")) {
      const next = this.at ? other : curve, row = this.at ? curve.rows[this.at.index] : 0;
      const same = next.table === curve.table ? next.rows.findIndex((one, i) => one >= row && there(next)(i)) : -1;
      return this.tell(next, same >= 0 ? same : range(next.rows.length).find(there(next)));
    }
    const every = range(curve.rows.length).filter(there(curve)), place = this.at ? every.indexOf(this.at.index) + across : 0;
    this.tell(curve, every[{ Home: 0, End: every.length - 1 }[key] ?? clipped(place, every.length)]);
  }

  tell(curve, index) {
    if (index === undefined) return;
    this.at = { curve, index };
    const row = curve.map ? curve.rows[index[0]][index[1]] : curve.rows[index];
    this.heard.textContent = told(curve.table, row).join("; ");
    this.show();
  }

  leave() {
    this.at = null;
    this.heard.textContent = "";
    Plotly.Fx.unhover(this.box);
  }

  // The axes that keys zoom: along x, and along y where both axes are of one kind.
  axes() {
    const both = isMap(this.plot) || this.plot.panels.some(panel => panel.marks.some(mark => mark.kind === "equal"));
    return both ? ["xaxis", "yaxis"] : ["xaxis"];
  }
  now(name) { return this.box._fullLayout[name].range.map(Number); }

  // Where the chosen point is on an axis, as the axis counts; nothing before one is chosen.
  place(name) {
    if (!this.at) return null;
    const { curve, index } = this.at;
    if (curve.map) return index[name[0] === "x" ? 1 : 0];
    return this.box._fullLayout[name].type === "log" ? Math.log10(curve.drawn[name[0]][index]) : curve.drawn[name[0]][index];
  }

  // Shows a part of an axis around a place, but nothing beyond the whole.
  around(name, middle, share) {
    const [from, to] = this.now(name), [first, last] = this.whole[name], half = share * (to - from) / 2;
    const sign = Math.sign(last - first), most = Math.abs(last - first);
    if (2 * Math.abs(half) >= most) return [first, last];
    const begin = Math.max((middle - half - first) * sign, 0), shift = Math.min(most - 2 * Math.abs(half), begin);
    return [first + sign * shift, first + sign * shift + 2 * half];
  }

  async seen(ranges) {
    const changed = Object.entries(ranges).map(([name, range]) => [`${name}.range`, range]);
    if (changed.length) await Plotly.relayout(this.box, Object.fromEntries(changed));
    if (this.at) Plotly.Fx.hover(this.box, [{ curveNumber: this.curves.indexOf(this.at.curve), pointNumber: this.at.index }], this.at.curve.subplot);
  }

  zoom(share) {
    const middle = name => this.place(name) ?? this.now(name).reduce((a, b) => a + b) / 2;
    return this.seen(Object.fromEntries(this.axes().map(name => [name, this.around(name, middle(name), share)])));
  }

  // Moves what is seen to where the chosen point is.
  show() {
    const beyond = name => {
      const [low, high] = this.now(name).sort((a, b) => a - b), at = this.place(name);
      return at < low || at > high;
    };
    return this.seen(Object.fromEntries(this.axes().filter(beyond).map(name => [name, this.around(name, this.place(name), 1)])));
  }
}

const MOUSE = "Point at it for numbers, drag to zoom, double-click for all. ";
const FINGER = "Tap it for numbers; the buttons above zoom.";
const KEYS = "Keys: ← → next point, ↑ ↓ next curve, + − zoom, 0 all.";
const MAP_KEYS = "Keys: arrows next cell, page keys next map, + − zoom, 0 all.";

// The points of a table as CSV, by the same rules as the tables' own links.
const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
function cell(value) {
  const text = typeof value === "number" ? (Number.isFinite(value) ? String(Number(value.toPrecision(7))) : "") : value;
  const safe = /^[=+\-@\t\r]/.test(text) && !number.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
function csv(table) {
  const head = table.titled.map(one => one.title + (one.unit ? ` [${one.unit}]` : ""));
  const rows = range(table.count).map(row => table.titled.map(one => one.words ? one.words[one.values[row]] : one.values[row]));
  return "\ufeff" + [head, ...rows].map(row => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
function link(name) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "points", textContent: `${name}.csv` });
  button.setAttribute("aria-label", `save these points: ${name}.csv`);
  button.addEventListener("click", () => {
    const file = Object.assign(document.createElement("a"), { download: `${name}.csv`, href: URL.createObjectURL(new Blob([csv(tableOf(name))], { type: "text/csv" })) });
    file.click();
    setTimeout(() => URL.revokeObjectURL(file.href), 1000);
  });
  return button;
}

let library = null;
const watch = new IntersectionObserver(async seen => {
  for (const { target } of seen.filter(one => one.isIntersecting)) {
    watch.unobserve(target);
    await (library ??= unpacked());
    new Live(target, target.dataset.plot);
  }
}, { rootMargin: "400px" });
for (const one of document.querySelectorAll("figure[data-plot]")) if (data.plots[one.dataset.plot]) watch.observe(one);
