// The curves, drawn by uPlot: a panel a batch mode. Medians over seeds with a band, each seed faint; `view` says what is shown.
"use strict";
const data = JSON.parse(document.querySelector("#curves").textContent);
const MISSING = 65535, HEIGHT = 270, ZOOM = 0.6, NEAR = 40;

function unpacked(text, scale) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0)), [low, high] = [scale.low, scale.high];
  return Array.from({length: bytes.length / 2}, (_, at) => {
    const code = bytes[2 * at] + 256 * bytes[2 * at + 1], share = code / (MISSING - 1);
    return code === MISSING ? null : scale.log ? low * (high / low) ** share : low + (high - low) * share;
  });
}
for (const candidate of data.candidates) {
  candidate.x = Object.fromEntries(Object.entries(candidate.x).map(([axis, grid]) => [axis, data.grids[grid]]));
  for (const [name, lines] of Object.entries(candidate.y)) {
    const scale = data.metrics[candidate.problem][name];
    for (const line of ["median", "low", "high"]) lines[line] = unpacked(lines[line], scale);
    lines.runs = lines.runs.map(line => unpacked(line, scale));
  }
}
const short = value => value === null || value === undefined ? "none" :
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(3));
const element = (tag, className, text = "") => Object.assign(document.createElement(tag), {className, textContent: text});

class Figure {
  constructor(root) {
    this.root = root;
    this.problem = root.dataset.problem;
    this.every = data.candidates.filter(candidate => candidate.problem === this.problem);
    this.readout = root.querySelector(".readout");
    this.plots = [];
    const table = root.querySelector("details");
    table.addEventListener("toggle", () => this.tabulate());
    this.table = table.querySelector("tbody");
    view.listeners.push(() => this.draw());
    let width = 0;
    new ResizeObserver(() => { if (root.clientWidth !== width) { width = root.clientWidth; this.draw(); } }).observe(root);
  }

  get metric() {
    const known = data.metrics[this.problem], name = view.y in known ? view.y : Object.keys(known)[0];
    return {name, ...known[name]};
  }

  // Where a curve has a point: on a logarithmic axis, which has no 0, from the first step on.
  points(candidate, line) {
    const x = candidate.x[view.x];
    return x.map((at, index) => [at, line[index], index]).filter(([at, y]) => y !== null && (at > 0 || !view.logx) && (y > 0 || !this.log));
  }

  draw() {
    for (const plot of this.plots) plot.destroy();
    const panels = this.root.querySelector(".panels");
    panels.replaceChildren();
    const metric = this.metric;
    this.log = metric.log && view.logy;
    const shown = this.every.filter(candidate => view.shows(candidate.optimizer, candidate.mode) && candidate.y[metric.name]);
    const titles = [...new Set(shown.map(candidate => candidate.title))];
    const across = Math.max(1, Math.min(titles.length, Math.floor(this.root.clientWidth / 330), 3));
    const width = Math.floor((this.root.clientWidth - 12 * (across - 1)) / across);
    const all = shown.flatMap(candidate => this.points(candidate, candidate.y[metric.name].median));
    const edges = side => { const values = all.map(point => point[side]); return values.length ? [Math.min(...values), Math.max(...values)] : [1, 10]; };
    const room = ([low, high], log) => { const pad = log ? (high / low) ** 0.05 : (high - low) * 0.05;
      return low === high ? [low * 0.9, high * 1.1 + (high === 0)] : log ? [low / pad, high * pad] : [low - pad, high + pad]; };
    this.limits = view.zoom || {x: room(edges(0), view.logx), y: room(edges(1), this.log)};
    this.plots = titles.map(title => this.panel(panels, title, shown.filter(candidate => candidate.title === title), width));
    if (!titles.length) panels.append(element("p", "soft", "Nothing is chosen: press the name of an optimizer or of a batch mode."));
    this.readout.textContent = "Hover, or press Tab and the arrow keys, to read values.";
    this.tabulate();
  }

  panel(panels, title, candidates, width) {
    const root = element("div", "panel"), lines = [], metric = this.metric, bands = [];
    const [first, second] = title.split("\n");
    root.append(element("strong", "", first), element("span", "soft", second || ""));
    for (const candidate of candidates) {
      const {median, low, high, runs} = candidate.y[metric.name];
      const line = (values, style) => lines.push({points: this.points(candidate, values), candidate, values, style}) ;
      if (view.seeds && runs.length > 1) runs.forEach(run => line(run, {stroke: candidate.colour + "55", width: 0.7}));
      if (runs.length > 1) {
        line(high, {stroke: "transparent"});
        line(low, {stroke: "transparent"});
        bands.push({series: [lines.length - 1, lines.length], fill: candidate.colour + "22"});
      }
      line(median, {stroke: candidate.colour, width: 2, dash: candidate.dash.map(part => part * 2)});
    }
    const joined = uPlot.join(lines.map(({points}) => [points.map(point => point[0]), points.map(point => point[1])]));
    const axis = (log, at, label, size) => ({values: (_, ticks) => ticks.map(tick => tick === null ? "" : short(tick)), label, size,
      labelSize: 18, labelFont: "12px system-ui", font: "11px system-ui", stroke: "#333", grid: {stroke: "#0001"}, ticks: {size: 4},
      ...(log ? {splits: (_, at, low, high) => this.decades(low, high), filter: (_, ticks) => ticks} : {})});
    const plot = new uPlot({
      width, height: HEIGHT, legend: {show: false}, bands,
      cursor: {points: {show: false}, drag: {x: true, y: true, uni: 20, setScale: false}},
      scales: {
        x: {time: false, distr: view.logx ? 3 : 1, range: () => this.limits.x},
        y: {distr: this.log ? 3 : 1, range: () => this.limits.y},
      },
      axes: [axis(view.logx, 0, data.axes[view.x], 30), axis(this.log, 1, metric.label, 48)],
      series: [{}, ...lines.map(({style}) => ({spanGaps: true, points: {show: false}, ...style}))],
      hooks: {setCursor: [plot => this.hover(plot, candidates)], setSelect: [plot => this.select(plot)]},
    }, joined, root);
    plot.over.addEventListener("mouseenter", () => plot.syncRect(true));  // what was opened above moved it
    plot.over.addEventListener("dblclick", () => view.change({zoom: null}));
    plot.over.append(element("span", "dot"));
    plot.root.tabIndex = 0;
    plot.root.setAttribute("role", "application");
    plot.root.setAttribute("aria-roledescription", "chart");
    plot.root.setAttribute("aria-label", `${first}: ${metric.label} of ${candidates.map(({name}) => name).join(", ")}. Arrow keys read values, + and - zoom, 0 shows all.`);
    plot.root.addEventListener("keydown", event => this.press(event, plot, candidates));
    panels.append(root);
    return plot;
  }

  // The ticks of a logarithmic axis: powers of ten, or 1, 2 and 5 times these where there are few.
  decades(low, high) {
    const [first, last] = [low, high].map(end => Math.floor(Math.log10(end))), leads = Math.log10(high / low) < 2 ? [1, 2, 5] : [1];
    const each = Math.ceil((last - first) / 6) || 1, ticks = [];
    for (let power = first; power <= last; power += each) ticks.push(...leads.map(lead => lead * 10 ** power));
    return ticks.filter(tick => tick >= low && tick <= high);
  }

  hover(plot, candidates) {
    const {left, top} = plot.cursor;
    if (left < 0) return;
    let best = {distance: NEAR};
    for (const candidate of candidates) {
      const {median, runs} = candidate.y[this.metric.name], lines = view.seeds && runs.length > 1 ? runs.map((run, at) => [run, at]) : [[median, -1]];
      for (const [line, run] of lines) for (const [x, y, index] of this.points(candidate, line)) {
        const distance = Math.hypot(plot.valToPos(x, "x") - left, plot.valToPos(y, "y") - top);
        if (distance < best.distance) best = {distance, candidate, index, run};
      }
    }
    if (best.candidate) this.tell(plot, best.candidate, best.index, best.run);
  }

  tell(plot, candidate, index, run) {
    const {median, low, high, runs} = candidate.y[this.metric.name], axis = data.axes[view.x], x = candidate.x[view.x][index];
    const y = run < 0 ? median[index] : runs[run][index];
    const spread = runs.length > 1 ? ` (quartiles ${short(low[index])} to ${short(high[index])}, n = ${runs.length})` : "";
    const seed = run < 0 ? "" : `; seed ${candidate.seeds[run]}: ${short(y)}`;
    this.readout.textContent = `${candidate.name}, ${candidate.title.split(":")[0]}, at ${short(x)} ${axis} (step ${short(candidate.x.step[index])}): median ${this.metric.label} ${short(median[index])}${spread}${seed}`;
    for (const other of this.plots) other.over.querySelector(".dot").hidden = other !== plot;
    const dot = plot.over.querySelector(".dot");
    dot.style.transform = `translate(${plot.valToPos(x, "x")}px, ${plot.valToPos(y, "y")}px)`;
    dot.style.background = candidate.colour;
    plot.at = {candidate, index};
  }

  select(plot) {
    const {left, top, width, height} = plot.select;
    if (width < 5 && height < 5) return;
    const x = width < 5 ? this.limits.x : [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    const y = height < 5 || height > plot.over.clientHeight - 1 ? this.limits.y : [plot.posToVal(top + height, "y"), plot.posToVal(top, "y")];
    setTimeout(() => view.change({zoom: {x, y}}));  // not while the mouse is let go of: the browser loses the next click
  }

  // The limits, `factor` times as wide around the point that is read.
  scaled(factor, plot) {
    const around = ([low, high], log, middle) => {
      const [to, from] = log ? [Math.log, Math.exp] : [value => value, value => value];
      return [low, high].map(end => from(to(middle) + factor * (to(end) - to(middle))));
    };
    const middle = ([low, high], log) => log ? Math.sqrt(low * high) : (low + high) / 2, {candidate, index} = plot.at || {};
    const x = candidate ? candidate.x[view.x][index] : middle(this.limits.x, view.logx);
    const y = candidate ? candidate.y[this.metric.name].median[index] : middle(this.limits.y, this.log);
    return {x: around(this.limits.x, view.logx, x), y: around(this.limits.y, this.log, y)};
  }

  press(event, plot, candidates) {
    const number = this.plots.indexOf(plot);
    if ("+-=0".includes(event.key)) {
      view.change({zoom: event.key === "0" ? null : this.scaled(event.key === "-" ? 1 / ZOOM : ZOOM, plot)});
      if (this.plots[number]) { this.plots[number].at = plot.at; this.plots[number].root.focus(); }
    } else if (event.key.startsWith("Arrow")) {
      const known = plot.at && candidates.includes(plot.at.candidate), at = known ? plot.at : {candidate: candidates[0], index: -1};
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key] || 0, turn = {ArrowDown: 1, ArrowUp: -1}[event.key] || 0;
      const candidate = candidates[(candidates.indexOf(at.candidate) + turn + candidates.length) % candidates.length];
      const there = this.points(candidate, candidate.y[this.metric.name].median).map(point => point[2]);
      const next = step < 0 ? there.filter(index => index < at.index).pop() : there.find(index => index >= at.index + step);
      if (there.length) this.tell(plot, candidate, next ?? (step < 0 ? there[0] : there[there.length - 1]), -1);
    } else return;
    event.preventDefault();
  }

  tabulate() {
    if (!this.table.closest("details").open) return;
    const metric = this.metric.name, shown = this.every.filter(candidate => view.shows(candidate.optimizer, candidate.mode) && candidate.y[metric]);
    this.table.replaceChildren(...shown.map(candidate => {
      const row = element("tr", ""), points = this.points(candidate, candidate.y[metric].median);
      row.append(Object.assign(element("th", "word", `${candidate.name}, ${candidate.title.split(":")[0]}`), {scope: "row"}));
      for (let part = 0; part < 5; part++) {
        const point = points[Math.round(part / 4 * (points.length - 1))];
        row.append(element("td", "", point ? `${short(point[1])} at ${short(point[0])}` : ""));
      }
      return row;
    }));
  }
}
for (const root of document.querySelectorAll(".curves")) new Figure(root);
view.read();
view.tell();
