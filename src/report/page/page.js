"use strict";
// The page's script: photos, examples of a matrix' cells, learning curves, and marks of suspect labels. It makes elements
// and sets their text, never markup.
const data = JSON.parse(document.getElementById("page-data").textContent);

function element(tag, text, classes) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

function setPicture(image, number) {
  image.onload = () => image.classList.toggle("small", image.naturalWidth < 64);
  image.src = data.pictures[number];
}

for (const image of document.querySelectorAll("img[data-picture]")) setPicture(image, Number(image.dataset.picture));

// Examples of a cell.
function exampleOf(sample, classes) {
  const item = element("li");
  if (sample.photo !== undefined) {
    const image = element("img");
    image.alt = "";
    setPicture(image, sample.photo);
    item.append(image);
  }
  item.append(element("p", sample.id, "name"));
  const where = (sample.group === undefined ? "" : "group " + sample.group + ", ") + "fold " + sample.fold;
  item.append(element("p", where, "mute"));
  for (const [code, probability] of sample.probs) {
    const given = code === sample.given ? " (given)" : "";
    item.append(element("p", classes[code] + given + ": " + probability.toFixed(3)));
  }
  return item;
}

function showCell(button, table) {
  const number = table.dataset.target, target = data.targets[number];
  for (const other of table.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
  const place = document.querySelector(`[data-examples="${number}"]`);
  const list = element("ul", undefined, "found");
  const samples = target.cells[button.dataset.cell] || [];
  for (const sample of samples) list.append(exampleOf(data.samples[sample], target.classes));
  const shown = samples.length ? "" : " None of them is in this page.";
  place.replaceChildren(element("h4", button.getAttribute("aria-label") + "." + shown), list);
}

// One stop of the tab key for a matrix; arrow keys move inside.
function moveInMatrix(table, event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step || event.target.tagName !== "BUTTON") return;
  event.preventDefault();
  const rows = [...table.tBodies[0].rows];
  let row = rows.indexOf(event.target.closest("tr")), column = event.target.closest("td").cellIndex;
  for (;;) {
    row += step[0];
    column += step[1];
    const cell = rows[row] && rows[row].cells[column];
    if (!cell) return;
    const button = cell.querySelector("button");
    if (!button) continue;
    event.target.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
    return;
  }
}

for (const table of document.querySelectorAll("table.matrix")) {
  table.querySelectorAll("button").forEach((button, i) => {
    button.tabIndex = i === 0 ? 0 : -1;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => showCell(button, table));
  });
  table.addEventListener("keydown", event => moveInMatrix(table, event));
}

// Learning curves.
function color(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function drawPanel(place, chart, panel) {
  const axis = { stroke: () => color("--mute"), grid: { stroke: () => color("--line"), width: 1 }, ticks: { stroke: () => color("--line"), width: 1 } };
  const series = panel.lines.map((line, i) => ({
    label: line.name, width: 2, stroke: () => color("--c" + i % 8), dash: i < 8 ? [] : [6, 4], spanGaps: true,
    value: (_, value) => value === null ? "–" : String(Number(value.toPrecision(4))), points: { show: chart.x.length < 3 },
  }));
  const width = Math.min(900, place.parentElement.clientWidth);
  place.replaceChildren();
  return new uPlot({
    width, height: 260, scales: { x: { time: false } }, series: [{ label: "epoch" }, ...series],
    axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] }, { ...axis, size: 64 }],
  }, [chart.x, ...panel.lines.map(line => line.values)], place);
}

const plots = [];
for (const place of document.querySelectorAll(".curves")) {
  const chart = data.curves[Number(place.dataset.chart)];
  const buttons = element("div", undefined, "panels"), area = element("div", undefined, "plot");
  buttons.setAttribute("role", "group");
  buttons.setAttribute("aria-label", "Quantity");
  place.append(buttons, area);
  const state = { place, plot: null };
  plots.push(state);
  chart.panels.forEach((panel, i) => {
    const button = element("button", panel.name);
    button.type = "button";
    button.addEventListener("click", () => {
      for (const other of buttons.children) other.setAttribute("aria-pressed", String(other === button));
      if (state.plot) state.plot.destroy();
      state.plot = drawPanel(area, chart, panel);
    });
    buttons.append(button);
    if (i === 0) button.click();
  });
}
addEventListener("resize", () => {
  for (const { place, plot } of plots) plot.setSize({ width: Math.min(900, place.clientWidth), height: 260 });
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach(({ plot }) => plot.redraw()));

// Marks of suspect labels.
const marks = new Map();

function csvField(text) { return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text; }

function marksCsv() {
  let text = "target,id,group,given,label,kind,mark\n";
  for (const [place, mark] of [...marks].sort((a, b) => a[0] - b[0])) {
    const suspect = data.suspects[place];
    const label = mark === "fix" ? suspect.suggested : mark === "keep" ? suspect.given : "";
    for (const id of suspect.ids) text += [suspect.target, id, suspect.group, suspect.given, label, suspect.kind, mark].map(csvField).join(",") + "\n";
  }
  return text;
}

const exportButton = document.getElementById("export");
if (exportButton) {
  for (const field of document.querySelectorAll("fieldset[data-suspect]")) {
    field.addEventListener("change", event => {
      marks.set(Number(field.dataset.suspect), event.target.value);
      field.closest(".card").classList.add("marked");
      exportButton.disabled = false;
      document.getElementById("marks").textContent = marks.size === 1 ? "1 label is marked." : marks.size + " labels are marked.";
    });
  }
  exportButton.addEventListener("click", () => {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([marksCsv()], { type: "text/csv" }));
    link.download = exportButton.dataset.file;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
