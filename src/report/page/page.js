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
  const all = button.textContent;
  const shown = String(samples.length) === all ? "" : ` ${samples.length} of ${all} are in this page.`;
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
    axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] }, { ...axis, size: 64, values: (_, splits) => splits.map(value => String(Number(value.toPrecision(6)))) }],
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

// Marks of suspect labels. They survive a reload, if the browser keeps data of files.
const marks = new Map();  // place: { mark, label }
const storeName = "pleat marks of " + document.title + " " + JSON.stringify((data.suspects || []).length);

function csvField(text) { return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text; }

function marksCsv() {
  let text = "target,id,group,given,label,kind,mark\n";
  for (const [place, { mark, label }] of [...marks].sort((a, b) => a[0] - b[0])) {
    const suspect = data.suspects[place];
    const written = mark === "fix" ? label : mark === "keep" ? suspect.given : "";
    for (const id of suspect.ids) text += [suspect.target, id, suspect.group, suspect.given, written, suspect.kind, mark].map(csvField).join(",") + "\n";
  }
  return text;
}

function store() {
  try { localStorage.setItem(storeName, JSON.stringify([...marks])); } catch { /* the browser keeps nothing */ }
}

function stored() {
  try { return JSON.parse(localStorage.getItem(storeName)) || []; } catch { return []; }
}

// The class to fix to: the suggestion at first.
function classMenu(field, suspect) {
  const menu = element("select");
  menu.setAttribute("aria-label", "label");
  for (const name of data.targets[suspect.number].classes) menu.append(element("option", name));
  menu.value = suspect.suggested;
  menu.addEventListener("change", () => { setMark(field, "fix"); store(); });
  field.append(menu);
  return menu;
}

function setMark(field, mark, label) {
  const place = Number(field.dataset.suspect), suspect = data.suspects[place];
  let menu = field.querySelector("select");
  if (mark === "fix" && suspect.menu && !menu) menu = classMenu(field, suspect);
  if (menu) menu.hidden = mark !== "fix";
  if (menu && label) menu.value = label;
  if (mark) marks.set(place, { mark, label: menu ? menu.value : suspect.suggested });
  else marks.delete(place);
  field.closest(".card").classList.toggle("marked", mark !== "");
  for (const id of ["export", "clear"]) document.getElementById(id).disabled = marks.size === 0;
  document.getElementById("marks").textContent =
    marks.size === 0 ? "No label is marked." : marks.size === 1 ? "1 label is marked." : marks.size + " labels are marked.";
}

function setAll(list) {
  for (const [place, { mark, label }] of list) {
    const field = document.querySelector(`fieldset[data-suspect="${Number(place)}"]`);
    const input = field && field.querySelector(`input[value="${mark}"]`);
    if (!input) continue;
    input.checked = true;
    setMark(field, mark, label);
  }
}

const exportButton = document.getElementById("export");
if (exportButton) {
  for (const field of document.querySelectorAll("fieldset[data-suspect]")) {
    field.addEventListener("change", event => {
      if (event.target.type !== "radio") return;
      setMark(field, event.target.value);
      store();
    });
  }
  setAll(stored());
  document.getElementById("clear").addEventListener("click", () => {
    setAll([...marks.keys()].map(place => [place, { mark: "" }]));
    store();
  });
  exportButton.addEventListener("click", () => {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([marksCsv()], { type: "text/csv" }));
    link.download = exportButton.dataset.file;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
