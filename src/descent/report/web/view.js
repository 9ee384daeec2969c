// What is shown: which optimizers and batch modes, on which axes. It lies in the link (location.hash), so that a link keeps the view.
"use strict";
const view = {
  off: new Set(),  // optimizers, and batch modes as "@full", that are not shown
  x: "examples", y: "", logx: true, logy: true, seeds: true, zoom: null, q: "",
  listeners: [],
  shows(optimizer, mode) { return !this.off.has(optimizer) && !this.off.has("@" + mode); },
  read() {
    const kept = new URLSearchParams(location.hash.slice(1));
    if (location.hash && ![...kept].some(([, value]) => value)) return false;  // a link to a section
    this.off = new Set((kept.get("off") || "").split(",").filter(Boolean).map(decodeURIComponent));
    this.x = kept.get("x") || "examples";
    this.y = kept.get("y") || "";
    this.q = kept.get("q") || "";
    for (const name of ["logx", "logy", "seeds"]) this[name] = kept.get(name) !== "0";
    const zoom = (kept.get("zoom") || "").split(",").map(Number);
    this.zoom = zoom.length === 4 && zoom.every(Number.isFinite) ? {x: zoom.slice(0, 2), y: zoom.slice(2)} : null;
    return true;
  },
  write() {
    const kept = new URLSearchParams();
    if (this.off.size) kept.set("off", [...this.off].map(encodeURIComponent).join(","));
    if (this.x !== "examples") kept.set("x", this.x);
    if (this.y) kept.set("y", this.y);
    for (const name of ["logx", "logy", "seeds"]) if (!this[name]) kept.set(name, "0");
    if (this.zoom) kept.set("zoom", [...this.zoom.x, ...this.zoom.y].map(value => +value.toPrecision(4)).join(","));
    if (this.q) kept.set("q", this.q);
    const link = kept.toString();
    history.replaceState(null, "", link ? "#" + link : location.pathname + location.search);
  },
  change(part) {
    Object.assign(this, part);
    this.write();
    this.tell();
  },
  tell() { for (const listener of this.listeners) listener(); },
};

// The controls: buttons with aria-pressed, and lists.
const controls = document.querySelector("#controls");
for (const button of controls.querySelectorAll("button[data-toggle]")) {
  button.addEventListener("click", () => {
    const name = button.dataset.toggle;
    const off = new Set(view.off);
    off.has(name) ? off.delete(name) : off.add(name);
    view.change({off});
  });
}
for (const button of controls.querySelectorAll("button[data-switch]"))
  button.addEventListener("click", () => view.change({[button.dataset.switch]: !view[button.dataset.switch], zoom: null}));
for (const list of controls.querySelectorAll("select"))
  list.addEventListener("change", () => view.change({[list.id]: list.value, zoom: null}));
controls.querySelector("#reset").addEventListener("click", () =>
  view.change({off: new Set(), x: "examples", y: "", logx: true, logy: true, seeds: true, zoom: null, q: ""}));
const box = controls.querySelector("#filter"), count = controls.querySelector("#found");
box.addEventListener("input", () => view.change({q: box.value}));
view.listeners.push(() => {
  for (const button of controls.querySelectorAll("button[data-toggle]"))
    button.setAttribute("aria-pressed", String(!view.off.has(button.dataset.toggle)));
  for (const button of controls.querySelectorAll("button[data-switch]"))
    button.setAttribute("aria-pressed", String(view[button.dataset.switch]));
  for (const list of controls.querySelectorAll("select")) list.value = view[list.id] || list.options[0].value;
  if (box.value !== view.q) box.value = view.q;
});

// The tables: rows are filtered by the legend and by words, and sorted by a click on a header.
const rows = [...document.querySelectorAll("tbody tr")].map(row => {
  const table = row.closest("table");
  return {row, setting: table.classList.contains("settings"), text: `${table.dataset.about} ${row.textContent}`.toLowerCase()};
});
view.listeners.push(() => {
  const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
  for (const {row, text} of rows) {
    const optimizers = (row.dataset.optimizers || "").split(" ").map(decodeURIComponent);
    row.hidden = !words.every(word => text.includes(word)) || optimizers.some(name => !view.shows(name, row.dataset.mode));
  }
  for (const part of document.querySelectorAll("[data-part]"))
    part.hidden = view.off.has("@" + part.dataset.part);
  const settings = rows.filter(({setting}) => setting), seen = settings.filter(({row}) => !row.hidden);
  count.textContent = seen.length < settings.length ? `${seen.length} of ${settings.length} settings` : "";
});
for (const table of document.querySelectorAll("table.settings, table.pairs")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[column].dataset.key;
    const number = text => text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text);
    const words = head.classList.contains("word");
    const order = (a, b) => words ? a.localeCompare(b, undefined, {numeric: true}) : number(a) === number(b) ? 0 : number(a) - number(b);
    const sorted = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      return x === "" || y === "" ? (x === "") - (y === "") : up ? order(x, y) : order(y, x);
    });
    table.tBodies[0].append(...sorted);
  }));
}

addEventListener("hashchange", () => { if (view.read()) view.tell(); });
document.documentElement.classList.add("scripted");
