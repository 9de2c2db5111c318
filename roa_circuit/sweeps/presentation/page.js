// The plots of a sweep's report, after `plots.js`; metrics are in percent.
const form = document.getElementById("controls");
const { axes, metrics } = data;
const quantity = value => prefixed(value, "", 3)[0];
const scaled = (axis, value) => prefixed(value, axis.unit, 3);  // as the tables have them
function said(axis, value) {
  const [number, prefix] = axis.words ? [String(value), ""] : scaled(axis, value);
  return number + (axis.unit ? ` ${prefix}${axis.unit}` : "");
}
const percent = (value, more) => value === null ? "failed" : value.toFixed(more ? 1 : 2) + "\u00a0%";
const margin = (half, metric) => half ? ` ± ${percent(half, metric.more)}` : "";
// An interval about a share of the answers ends where shares do.
const above = (mean, half, metric) => metric.more ? Math.min(half, Math.max(100 - mean, 0)) : half;
const below = (mean, half) => Math.min(half, mean);
const count = data.mean[0].length;

// Points: a grid's are counted with the last axis fastest, those of other designs have their values.
const strides = data.points ? [] : axes.map((_, a) => axes.slice(a + 1).reduce((n, axis) => n * axis.levels.length, 1));
const level = (point, a) => Math.floor(point / strides[a]) % axes[a].levels.length;
const value = (point, a) => data.points ? data.points[point][a] : axes[a].levels[level(point, a)];
const thirds = axes.map((axis, a) => {
  if (!data.points || axis.words) return null;
  const sorted = data.points.map(values => values[a]).sort((x, y) => x - y);
  return [sorted[Math.floor(count / 3)], sorted[Math.floor(2 * count / 3)]];
});

function select(name, label, options, chosen) {
  const wrap = document.createElement("label"), box = document.createElement("select");
  wrap.append(label, box);
  box.name = name;
  options.forEach((text, i) => box.add(new Option(text, i, false, i === chosen)));
  form.append(wrap);
  return box;
}

const least = Math.min(1, axes.length - 1);
const titles = axes.map(axis => axis.title);
const metricBox = select("metric", "Metric", metrics.map(one => one.title), data.metric);
const alongBox = select("along", "Along", titles, 0);
const byBox = select("by", "Lines, and up the map", titles, least);
if (axes.length < 2) for (const box of [alongBox, byBox]) box.parentElement.style.display = "none";
const places = axes.map((axis, a) => {
  const words = data.points
    ? ["all", ...(axis.words ? axis.levels : ["lowest third", "middle third", "highest third"])]
    : axis.levels.map(one => said(axis, one));
  return select(axis.name, axis.title, words, data.points ? 0 : data.start[a]);
});
const pointBox = data.points && select("point", "Point", range(count).map(i => String(i + 1)), 0);

function shown(point, but = []) {
  return axes.every((axis, a) => {
    const chosen = Number(places[a].value);
    if (but.includes(a)) return true;
    if (!data.points) return level(point, a) === chosen;
    if (chosen === 0) return true;
    if (axis.words) return value(point, a) === axis.levels[chosen - 1];
    const x = value(point, a), [low, high] = thirds[a];
    return chosen === 1 ? x < low : chosen === 2 ? x >= low && x < high : x >= high;
  });
}

const selected = () => data.points
  ? Number(pointBox.value)
  : axes.reduce((n, _, a) => n + strides[a] * Number(places[a].value), 0);

function choose(point) {
  if (data.points) pointBox.value = point;
  else axes.forEach((_, a) => { places[a].value = level(point, a); });
  draw();
}

let paper = false;

const hues = total => range(total).map(i => total < 3
  ? mixed(style(i ? "red" : "blue"), style("blue"), 0)
  : i < (total - 1) / 2
    ? mixed(style("blue"), style("violet"), 2 * i / (total - 1))
    : mixed(style("violet"), style("red"), 2 * i / (total - 1) - 1));

function axisOf(axis, extra = {}) {
  return axisWith({
    title: { text: axis.title + (axis.unit ? ` [${axis.unit}]` : "") }, type: axis.words ? "category" : axis.log ? "log" : "linear",
    ...(axis.log ? { dtick: 1 } : {}), ...extra,
  });
}
const shares = { tickformat: ".3~f", ticksuffix: " %" };
const metricAxis = metric => axisWith({ title: { text: metric.title }, ...shares });
const onPage = extra => layout({ ...extra, ...(paper ? { autosize: false, width: 620, height: extra.height || 300 } : {}) });

function hover(point, m) {
  const lines = axes.map((axis, a) => plain(`${axis.title}: ${said(axis, value(point, a))}`));
  const metric = metrics[m], mean = data.mean[m][point], half = data.half[m][point];
  lines.push(mean === null ? plain(`failed: ${data.failed[point]}`)
    : `<b>${metric.title}: ${percent(mean, metric.more)}</b>` + margin(half, metric));
  if (mean !== null && data.chips > 1) lines.push(`worst chip: ${percent(data.worst[m][point], metric.more)}`);
  return lines.join("<br>");
}

function curves(m, x, by) {
  const metric = metrics[m], traces = [];
  if (data.points) {
    const points = range(count).filter(p => shown(p));
    const colours = points.map(p => axes[by].words ? axes[by].levels.indexOf(value(p, by)) : value(p, by));
    traces.push({
      type: "scatter", mode: "markers", showlegend: false, x: points.map(p => value(p, x)), y: points.map(p => data.mean[m][p]),
      marker: { size: 7, color: colours, colorscale: "Viridis", showscale: true, colorbar: bar(axes[by].title) },
      customdata: points, text: points.map(p => hover(p, m)), hovertemplate: "%{text}<extra></extra>",
    });
  } else {
    const but = by === x ? [x] : [x, by], lines = by === x ? [null] : range(axes[by].levels.length);
    const colours = hues(lines.length);
    lines.forEach((line, i) => {
      const points = range(count).filter(p => shown(p, but) && (line === null || level(p, by) === line));
      const xs = points.map(p => value(p, x)), ys = points.map(p => data.mean[m][p]);
      const halves = points.map(p => data.half[m][p] || 0), name = line === null ? "" : plain(said(axes[by], axes[by].levels[line]));
      if (halves.some(half => half > 0)) traces.push({
        type: "scatter", mode: "lines", x: [...xs, ...[...xs].reverse()], hoverinfo: "skip", showlegend: false, legendgroup: name,
        y: [...ys.map((y, j) => y + above(y, halves[j], metric)), ...ys.map((y, j) => y - below(y, halves[j])).reverse()],
        fill: "toself", fillcolor: rgb(colours[i], 0.12), line: { width: 0 },
      });
      traces.push({
        type: "scatter", mode: "lines+markers", x: xs, y: ys, name, legendgroup: name, showlegend: line !== null,
        line: { color: rgb(colours[i]), width: 2 }, marker: { size: 5 },
        customdata: points, text: points.map(p => hover(p, m)), hovertemplate: "%{text}<extra></extra>",
      });
    });
  }
  traces.push(mark(value(selected(), x), data.mean[m][selected()]));
  const unit = axes[by].unit ? ` [${axes[by].unit}]` : "";
  const legend = { title: { text: axes[by].title + unit, side: "top", font: { size: 12, color: style("soft") } } };
  Plotly.react("curves", traces, onPage({ xaxis: axisOf(axes[x]), yaxis: metricAxis(metric), legend }), config);
}

const bar = title => ({
  title: { text: title, side: "right" }, thickness: 12, outlinewidth: 0, tickfont: { color: style("soft") },
});
const mark = (x, y, size = 15) => ({
  type: "scatter", mode: "markers", x: [x], y: [y], hoverinfo: "skip", showlegend: false,
  marker: { size, symbol: "circle-open", color: style("ink"), line: { width: 2 } },
});

const mapMargin = { l: 56, r: 12, t: 36, b: 48 };
function map(m, x, y) {
  if (!document.getElementById("map")) return;
  const metric = metrics[m], traces = [], scale = { colorscale: "Viridis", reversescale: !metric.more };
  if (x === y) return Plotly.react("map", [], onPage({
    xaxis: { visible: false }, yaxis: { visible: false },
    annotations: [{ text: "choose two fields for a map", showarrow: false, font: { color: style("soft") } }],
  }), config);
  if (data.points) {
    const points = range(count).filter(p => shown(p));
    traces.push({
      type: "scatter", mode: "markers", showlegend: false, x: points.map(p => value(p, x)), y: points.map(p => value(p, y)), customdata: points,
      marker: { size: 9, color: points.map(p => data.mean[m][p]), ...scale, showscale: true, colorbar: { ...bar(metric.title), ...shares } },
      text: points.map(p => hover(p, m)), hovertemplate: "%{text}<extra></extra>",
    });
    traces.push(mark(value(selected(), x), value(selected(), y)));
    return Plotly.react("map", traces, onPage({ xaxis: axisOf(axes[x]), yaxis: axisOf(axes[y]), margin: mapMargin }), config);
  }
  // Levels by their number: cells of one size, whatever the distance of their values.
  const cells = axes[y].levels.map((_, j) => axes[x].levels.map((_, i) => range(count).find(
    p => shown(p, [x, y]) && level(p, x) === i && level(p, y) === j)));
  const levels = a => axisOf({ ...axes[a], words: false, log: false }, {
    tickvals: range(axes[a].levels.length), ticktext: names(a), showgrid: false, zeroline: false,
  });
  const names = a => axes[a].levels.map(one => axes[a].words ? String(one) : scaled(axes[a], one).join(""));
  const all = cells.flat().map(p => data.mean[m][p]).filter(one => one !== null);
  const room = paper ? 620 : document.getElementById("map").clientWidth;
  const few = room > 120 + 32 * axes[x].levels.length && axes[y].levels.length <= 16, zmin = Math.min(...all), zmax = Math.max(...all);
  const dark = z => ((z - zmin) / (zmax - zmin || 1) > 0.55) === Boolean(scale.reversescale);
  traces.push({
    type: "heatmap", x: range(names(x).length), y: range(names(y).length), z: cells.map(row => row.map(p => data.mean[m][p])), zmin, zmax, ...scale,
    customdata: cells, text: cells.map(row => row.map(p => hover(p, m))), hovertemplate: "%{text}<extra></extra>", xgap: 1, ygap: 1,
    colorbar: { ...bar(metric.title), ...shares },
  });
  const labels = !few ? [] : cells.flatMap((row, j) => row.map((p, i) => ({
    x: i, y: j, showarrow: false, text: data.mean[m][p] === null ? "–" : metric.more ? data.mean[m][p].toFixed(1) : quantity(data.mean[m][p]),
    font: { size: 10, color: data.mean[m][p] === null ? style("soft") : dark(data.mean[m][p]) ? "#ffffff" : "#111111" }, captureevents: false,
  })));
  traces.push(mark(level(selected(), x), level(selected(), y), 32));
  Plotly.react("map", traces, onPage({
    xaxis: levels(x), yaxis: levels(y), annotations: labels, margin: mapMargin,
  }), config);
}

const barMargin = { l: 56, r: 12, t: 68, b: 48 };  // the buttons stand above the legend
function sized(name, height) {
  document.getElementById(name).style.height = `${height}px`;
  return height;
}

function swings() {
  if (!document.getElementById("tornado")) return;
  const metric = metrics[data.metric], rows = [...data.swings].reverse(), base = data.swings[0].base;
  const height = sized("tornado", 134 + 52 * rows.length);
  const bars = (key, end, colour, width) => ({
    type: "bar", orientation: "h", name: `at the ${end} end`, base, width, y: rows.map(one => one.title),
    x: rows.map(one => one[key] - base), marker: { color: style(colour) },
    error_x: {
      type: "data", symmetric: false, array: rows.map(one => above(one[key], one[key + "_half"] || 0, metric)),
      arrayminus: rows.map(one => below(one[key], one[key + "_half"] || 0)), color: style("ink"), thickness: 1.2, width: 3,
    },
    text: rows.map(one => one[key + "_said"]), textposition: "none",
    customdata: rows.map(one => percent(one[key], metric.more)),
    hovertemplate: "%{y} %{text}<br><b>" + metric.title + " %{customdata}</b><extra></extra>",
  });
  Plotly.react("tornado", [bars("low", "low", "blue", 0.8), bars("high", "high", "red", rows.map(one => one.covers ? 0.35 : 0.8))], onPage({
    barmode: "overlay", height, margin: barMargin, xaxis: metricAxis(metric), yaxis: { automargin: true },
    shapes: [{ type: "line", x0: base, x1: base, yref: "paper", y0: 0, y1: 1, line: { color: style("ink"), width: 1, dash: "dot" } }],
  }), config);
}

function indices() {
  if (!document.getElementById("sobol")) return;
  const rows = [...data.indices].reverse();
  const height = sized("sobol", 134 + 60 * rows.length);
  const bars = (key, name, colour) => ({
    type: "bar", orientation: "h", name, y: rows.map(one => one.title), x: rows.map(one => one[key]), marker: { color: style(colour) },
    error_x: { type: "data", array: rows.map(one => one[key + "_half"]), color: style("ink"), thickness: 1.2, width: 3 },
    hovertemplate: "%{y}<br><b>%{x:.3f}</b><extra>" + name + "</extra>",
  });
  Plotly.react("sobol", [bars("total", "with all others", "violet"), bars("first", "alone", "blue")], onPage({
    barmode: "group", height, margin: barMargin, yaxis: { automargin: true },
    xaxis: axisWith({ title: { text: "share of the variance" }, zerolinecolor: style("faint") }),
  }), config);
}

function point() {
  const p = selected(), varied = axes.map((axis, a) => ` --vary ${axis.name}=${value(p, a)}`).join("");
  document.getElementById("command").textContent = data.command + varied + data.options;
  const cells = metrics.map((metric, m) => {
    const mean = data.mean[m][p], half = data.half[m][p];
    return `${metric.title} ${percent(mean, metric.more)}` + (mean === null ? "" : margin(half, metric));
  });
  const failed = data.failed[p] ? [`failed: ${data.failed[p]}`] : cells;
  document.getElementById("chosen").textContent =
    axes.map((axis, a) => `${axis.title} ${said(axis, value(p, a))}`).join(", ") + ": " + failed.join("; ");
}

function draw() {
  const [m, x, by] = [metricBox, alongBox, byBox].map(box => Number(box.value));
  curves(m, x, by);
  map(m, x, by);
  point();
}

function drawAll() { draw(); swings(); indices(); }

function print(now) {
  if (now === paper) return;
  paper = now;
  document.documentElement.classList.toggle("paper", now);  // light, before the medium changes
  drawAll();
}

async function start() {
  await unpacked();
  drawAll();
  form.addEventListener("change", draw);
  for (const id of ["curves", "map"]) document.getElementById(id)?.on("plotly_click", event => {
    const hit = event.points[0].customdata;
    if (hit !== undefined) choose(Array.isArray(hit) ? hit[0] : hit);
  });
  whenColoursChange(drawAll);
  matchMedia("print").addEventListener("change", event => print(event.matches));
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  document.getElementById("copy").addEventListener("click", async event => {
    const button = event.target, text = document.getElementById("command");
    getSelection().selectAllChildren(text);
    try { await navigator.clipboard.writeText(text.textContent); button.textContent = "Copied"; }
    catch { button.textContent = "Selected"; }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  document.documentElement.dataset.drawn = "yes";
}

start();
