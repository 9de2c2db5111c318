// A plot that takes the place of its figure, after `figures.js`: drawn when it comes near the window, steered by keys.
const clipped = (i, many) => Math.min(Math.max(i, 0), many - 1);
const drawn = (curve, i) => curve.rows[i] >= 0 && curve.drawn.x[i] !== null && curve.drawn.y[i] !== null;

class Live {
  constructor(figure, name) {
    Object.assign(this, { name, figure, plot: data.plots[name], at: null });
    const caption = figure.querySelector("figcaption"), still = figure.querySelector(".still");
    const made = (tag, kind) => Object.assign(document.createElement(tag), { className: kind });
    const tall = still.getBoundingClientRect().height;
    const about = { role: "application", "aria-roledescription": "plot", "aria-label": caption.textContent };
    [this.box, this.how, this.heard] = [made("div", "plot"), made("div", "how"), made("p", "heard")];
    this.how.append(`${this.plot.note} ${finger ? FINGER : MOUSE + (isMap(this.plot) ? MAP_KEYS : KEYS)} `.trimStart());
    caption.before(this.box, this.heard);
    caption.append(this.how);
    figure.classList.add("live");
    this.height = heightOf(this.plot, this.box.clientWidth, tall);
    Object.assign(this.box, { id: `plot-${name}`, tabIndex: 0 });
    this.box.style.height = `${this.height}px`;
    this.how.id = `how-${name}`;
    for (const [key, text] of Object.entries({ ...about, "aria-describedby": this.how.id })) this.box.setAttribute(key, text);
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
    if (this.at) this.at.curve = curves[this.curves.indexOf(this.at.curve)];
    this.curves = curves;
    Plotly.react(this.box, curves.map(one => one.drawn), shown, config);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const nearer = () => this.zoom(0.5), further = () => this.zoom(2);
    const actions = { "+": nearer, "=": nearer, "-": further, 0: () => this.seen(this.whole), Escape: () => this.leave() };
    const moves = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
    if (!actions[event.key] && !moves.includes(event.key)) return;
    event.preventDefault();
    (actions[event.key] || (() => this.move(event.key)))();
  }

  // Goes on to another point, which is told as if it were pointed at; the first time, to the first.
  move(key) {
    const told = this.curves.filter(one => one.told), curve = this.at?.curve ?? told[0];
    if (!curve) return;
    const other = told[(told.indexOf(curve) + (["ArrowUp", "PageUp"].includes(key) ? told.length - 1 : 1)) % told.length];
    if (curve.map) this.tell(key.startsWith("Page") && this.at ? other : curve, this.cell(curve, key));
    else if (key.startsWith("Page") || ["ArrowUp", "ArrowDown"].includes(key)) this.tell(...this.beside(this.at ? other : curve));
    else this.tell(curve, this.along(curve, key));
  }

  // [row, column] of the cell that a key leads to.
  cell(curve, key) {
    if (!this.at) return [0, 0];
    const [i, j] = this.at.index, high = curve.rows.length, wide = curve.rows[0].length;
    const down = { ArrowUp: -1, ArrowDown: 1 }[key] || 0, across = { ArrowLeft: -1, ArrowRight: 1 }[key] || 0;
    if (key === "Home" || key === "End") return [i, key === "Home" ? 0 : wide - 1];
    return [clipped(i + down, high), clipped(j + across, wide)];
  }

  // The same point on another curve, if they have points in common, or its first one.
  beside(next) {
    const row = this.at ? this.at.curve.rows[this.at.index] : 0, alike = !this.at || next.table === this.at.curve.table;
    const same = alike ? next.rows.findIndex((one, i) => one >= row && drawn(next, i)) : -1;
    return [next, same >= 0 ? same : range(next.rows.length).find(i => drawn(next, i))];
  }

  along(curve, key) {
    const every = range(curve.rows.length).filter(i => drawn(curve, i)), last = every.length - 1;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key], place = this.at ? every.indexOf(this.at.index) + step : 0;
    return every[{ Home: 0, End: last }[key] ?? clipped(place, every.length)];
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
    const value = curve.drawn[name[0]][index];
    return this.box._fullLayout[name].type === "log" ? Math.log10(value) : value;
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
    if (!this.at) return;
    const point = { curveNumber: this.curves.indexOf(this.at.curve), pointNumber: this.at.index };
    Plotly.Fx.hover(this.box, [point], this.at.curve.subplot);
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
    const own = this.at.curve.subplot.replace(/^x\d*y/, "yaxis"), names = [...new Set([...this.axes(), own])].filter(beyond);
    return this.seen(Object.fromEntries(names.map(name => [name, this.around(name, this.place(name), 1)])));
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
    const href = URL.createObjectURL(new Blob([csv(tableOf(name))], { type: "text/csv" }));
    const file = Object.assign(document.createElement("a"), { download: `${name}.csv`, href });
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
