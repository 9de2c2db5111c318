"use strict";
// What the programs of all pages share. Everything is in the page: the numbers, and plotly, packed.
const data = JSON.parse(document.getElementById("data").textContent);
const range = count => Array.from({ length: count }, (_, i) => i);

// plotly reads some tags and formulas in the texts that it draws; what comes from a file is neither.
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", $: "&#36;" };
const plain = text => String(text).replace(/[&<>$]/g, one => entities[one]);

// A number with so many digits, and its prefix. Only a plain unit takes one: neither 1/K nor a count do.
function prefixed(value, unit, digits) {
  const x = Number(Number(value).toPrecision(digits)), prefixes = ["f", "p", "n", "µ", "m", "", "k", "M", "G"];
  if (!x || !/^[A-Za-zΩ]+$/.test(unit)) return [String(x), ""];
  const thousands = Math.min(Math.max(Math.floor(Math.log10(Math.abs(x)) / 3), -5), 3);
  return [String(Number((x / 1000 ** thousands).toPrecision(digits))), prefixes[thousands + 5]];
}

// Colours: those of the page, as it is now.
const style = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const rgb = (colour, alpha = 1) => `rgba(${colour.join(",")},${alpha})`;
function mixed(from, to, share) {
  const [a, b] = [from, to].map(hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16)));
  return a.map((one, i) => Math.round(one + share * (b[i] - one)));
}

// A finger that moves over a plot scrolls the page; the buttons above the plot zoom.
const finger = matchMedia("(pointer: coarse)").matches;
function layout(extra) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", dragmode: finger ? false : "zoom",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: style("soft") },
    margin: { l: 56, r: 12, t: 12, b: 48 }, autosize: true, ...extra,
    modebar: { bgcolor: "rgba(0,0,0,0)", color: style("faint"), activecolor: style("ink") },
    hoverlabel: { align: "left", bgcolor: style("card"), bordercolor: style("faint"), font: { color: style("ink") } },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: style("soft") }, ...(extra.legend || {}) },
  };
}
// plotly offers to upload a plot to its makers; a page sends nothing.
const unsent = { showSendToCloud: false, plotlyServerURL: "" };
const config = { responsive: true, displaylogo: false, ...unsent, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
const axisWith = extra => ({
  gridcolor: style("grid"), zerolinecolor: style("grid"), linecolor: style("faint"), automargin: true, ...extra,
});

// Unpacks plotly and runs it; the page's policy knows its hash.
async function unpacked() {
  const bytes = Uint8Array.from(atob(document.getElementById("library").textContent), one => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

const whenColoursChange = draw => matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
