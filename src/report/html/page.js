"use strict";
// Draws the runs that stand in the page as data. Only the lines in sight are in the document: a run may
// have tens of thousands. All texts are set as texts, never as HTML.

const data = JSON.parse(document.getElementById("data").textContent);
const ROW = 26;
const MIDDLE = ROW / 2;
// The narrowest lane.
const LANE = 14;
const [AWAY, WAITS, READY, RUNS] = [0, 1, 2, 3];
// The room for the mark of the first difference, above its line.
const GAP = data.parting === null ? 0 : 24;
// How many lines beyond those in sight are drawn.
const MARGIN = 12;

const $ = (id) => document.getElementById(id);
const runs = data.runs.map((run, number) => prepare(run, number));
const count = runs[0].rows.length;
const lanes = data.lanes.length;
const shown = new Map();
const state = { run: 0, line: 0, lane: 0, hover: null, found: "" };
let laneWidth = 40;

/** The rows with names for their parts. */
function prepare(run, number) {
  const rows = run.rows.map((row) => {
    if (!row) return null;
    const [time, step, kind, lane, name, text, to, ready, odd, events] = row;
    return { time, step, kind, lane, name, text, to, ready, odd, events };
  });
  // A step may have several rows, of which each but the last goes on.
  let before = null;
  for (const row of rows) {
    if (!row) continue;
    row.joined = before !== null && together(before, row);
    if (row.joined) before.goes = true;
    before = row;
  }
  return { ...run, number, rows, states: statesOf(run, rows) };
}

/** What each task is about before the first row and after each: not there, waiting, ready or running. */
function statesOf(run, rows) {
  const states = [new Uint8Array(data.lanes.length).fill(AWAY)];
  const born = new Set();
  for (const row of run.left ? rows : []) {
    // Who was there before the page begins most likely waited.
    if (row?.kind === "spawn") row.to.forEach((lane) => born.add(lane));
    if (row && row.lane !== null && !born.has(row.lane)) states[0][row.lane] = WAITS;
    if (row && row.lane !== null) born.add(row.lane);
  }
  // Whether the task whose step it is has been woken in it.
  let woken = false;
  for (const row of rows) {
    const next = states.at(-1).slice();
    if (row) {
      woken = row.ready.includes(row.lane) || (woken && row.joined);
      for (const lane of row.ready) if (next[lane] !== RUNS) next[lane] = READY;
      if (isEnd(row)) next[row.lane] = AWAY;
      else if (row.goes) next[row.lane] = RUNS;
      else if (acts(row)) next[row.lane] = woken ? READY : WAITS;
    }
    states.push(next);
  }
  return states;
}

/** Whether the task of a row did it itself, in a step of its own. */
function acts(row) {
  return row.lane !== null && !(row.kind === "cancel" && row.to.length === 0);
}

function together(a, b) {
  return a.lane === b.lane && a.step === b.step && acts(a) && acts(b) && !isEnd(a);
}

function isEnd(row) {
  return ["return", "panic", "cancelled", "dropped"].includes(row.kind);
}

// Building the document.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function drawn(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  return made;
}

function plural(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function writeHead() {
  $("title").textContent = data.title;
  if (runs[0].failure) {
    $("failure").textContent = runs[0].failure;
    $("failure").hidden = false;
  }
  for (const [word, text] of data.facts) {
    const line = element("dd");
    if (word === "replay now") {
      const copy = element("button", { type: "button" }, "copy");
      copy.addEventListener("click", () => {
        navigator.clipboard?.writeText(text).then(() => { copy.textContent = "copied"; }, () => {});
      });
      line.append(element("code", {}, text), copy);
    } else {
      line.append(text);
    }
    $("facts").append(element("dt", {}, word), line);
  }
  if (runs.length > 1) {
    for (const run of runs) {
      const tab = element("button", { type: "button", "aria-pressed": run.number === 0 }, run.name);
      tab.addEventListener("click", () => pick(run.number, nearest(run.number, state.line)));
      $("tabs").append(tab);
    }
  }
  for (const run of runs) {
    const is = !runs[0].failure ? null : run.number === 0 ? "fails" : "passes";
    const counts = [
      plural(run.events, "event"), plural(run.steps, "step"), run.time,
    ].join(" · ") + (run.left ? " · the beginning is left out" : "");
    const first = element("p", {}, element("span", { class: "name" }, run.name));
    if (run.schedule !== null) first.append(" ", element("code", {}, run.schedule || "d1:"));
    first.append(element("span", { class: "count" }, counts));
    const names = element("div", { class: "names" });
    data.lanes.forEach((name) => names.append(element("bdi", { title: name }, name)));
    $("heads").append(element("div", { class: "run", "data-run": run.number, "data-is": is }, first, names, element("span", { class: "now" })));
  }
  $("sheet").setAttribute("aria-rowcount", count);
  $("sheet").style.height = `${topOf(count) + 8}px`;
  document.body.style.setProperty("--runs", runs.length);
  document.body.style.setProperty("--lanes", lanes);
  if (data.parting !== null) {
    const line = element("div", { class: "parting" }, element("span", {}, "first difference"));
    line.style.top = `${data.parting * ROW}px`;
    $("sheet").append(line);
  }
}

/** As wide as there is room, so that names stand above their lanes, or slanted if there is not. */
function layOut() {
  const width = $("scroll").clientWidth;
  const narrow = width < 820;
  const gutter = narrow ? 88 : 114;
  const beside = !narrow && width >= runs.length * (gutter + lanes * LANE + 200);
  document.body.toggleAttribute("data-narrow", narrow);
  document.body.toggleAttribute("data-one", runs.length > 1 && !beside);
  const room = width / (beside ? runs.length : 1) - gutter;
  // Even, so that what stands in the middle is sharp.
  laneWidth = Math.max(LANE, Math.min(72, 2 * Math.floor((room * (lanes > 8 ? 0.25 : 0.19)) / lanes)));
  const slanted = laneWidth < 48;
  const style = document.body.style;
  style.setProperty("--lane", `${laneWidth}px`);
  style.setProperty("--gutter", `${gutter}px`);
  style.setProperty("--least", `${gutter + lanes * laneWidth + 170}px`);
  for (const names of document.querySelectorAll(".names")) {
    names.toggleAttribute("data-slanted", slanted);
    [...names.children].forEach((name, lane) => {
      name.style.left = slanted ? `${center(lane) + 5}px` : `${lane * laneWidth + 3}px`;
      name.style.width = slanted ? "" : `${laneWidth - 6}px`;
    });
  }
  const longest = Math.max(...[...document.querySelectorAll(".names bdi")].map((name) => name.offsetWidth));
  style.setProperty("--names", slanted ? `${Math.ceil(longest * 0.79) + 14}px` : "28px");
  $("ruler").hidden = topOf(count) <= $("scroll").clientHeight - $("heads").offsetHeight;
  for (const line of shown.values()) line.remove();
  shown.clear();
  draw();
}

/** Where a line begins. */
function topOf(line) {
  return line * ROW + (data.parting !== null && line >= data.parting ? GAP : 0);
}

function center(lane) {
  return lane * laneWidth + laneWidth / 2;
}

/** The lines in sight, and no others. */
function draw() {
  const top = $("scroll").scrollTop;
  const first = Math.max(0, Math.floor((top - GAP) / ROW) - MARGIN);
  const last = Math.min(count - 1, Math.ceil((top + $("scroll").clientHeight) / ROW) + MARGIN);
  for (const [number, line] of shown) {
    // Who has the keyboard stays.
    if ((number < first || number > last) && number !== state.line) {
      line.remove();
      shown.delete(number);
    }
  }
  for (let number = first; number <= last; number += 1) show(number);
  // What time it is at the upper edge, once the line that says so is out of sight.
  const edge = Math.floor((top - GAP) / ROW);
  document.querySelectorAll(".now").forEach((now, run) => {
    now.textContent = edge > 0 ? previous(runs[run], edge + 1)?.time ?? "" : "";
  });
}

function show(number) {
  if (shown.has(number) || number < 0 || number >= count) return shown.get(number);
  const line = element("div", { class: "line", role: "row", "aria-rowindex": number + 1 });
  line.style.top = `${topOf(number)}px`;
  for (const run of runs) line.append(side(run, number));
  shown.set(number, line);
  $("sheet").append(line);
  return line;
}

function side(run, number) {
  const row = run.rows[number];
  const before = previous(run, number);
  const selected = run.number === state.run && number === state.line;
  const made = element("div", {
    class: "side", role: "gridcell", id: `e${run.number}-${number}`, "data-run": run.number, "data-line": number,
    tabindex: number === state.line && row ? 0 : -1,
    "aria-selected": selected, "aria-label": row ? sentence(row) : "nothing",
    "data-kind": row && row.kind, "data-odd": row && row.odd.length > 0,
    "data-jump": row && row.kind === "jump",
    "data-same": run.number > 0 && data.parting !== null && number < data.parting,
    "data-found": Boolean(row && state.found && matches(row)),
  });
  const time = element("span", { class: "time" }, row && before?.time !== row.time ? row.time : "");
  const step = element("span", { class: "step" }, row && row.step && before?.step !== row.step ? row.step : "");
  const what = element("span", { class: "what" });
  if (row) {
    if (row.kind === "jump") what.append(`… ${row.text} …`);
    else what.append(element("span", { class: "text" }, element("bdi", {}, row.name), row.text));
    for (const [choice, odd] of row.odd) what.append(chip(odd || choice));
  }
  made.append(time, step, picture(run, number), what);
  return made;
}

function previous(run, number) {
  for (let other = number - 1; other >= 0; other -= 1) if (run.rows[other]) return run.rows[other];
  return null;
}

function sentence(row) {
  const parts = row.kind === "jump" ? [`${row.text} of time passes`] : [`${row.name} ${row.text}`];
  if (row.step) parts.push(`step ${row.step}`);
  parts.push(`at ${row.time}`);
  for (const [choice, odd] of row.odd) parts.push(`deviation: ${choice}${odd && `, ${odd}`}`);
  return parts.join(", ");
}

function chip(text) {
  return element("span", { class: "odd", title: text }, `◀ ${text}`);
}

/** The lanes of one line. Each line is drawn for itself, so that any of them may be left out. */
function picture(run, number) {
  const row = run.rows[number];
  const [above, below] = [run.states[number], run.states[number + 1]];
  const made = drawn("svg", { width: lanes * laneWidth, height: ROW, "aria-hidden": "true" });
  const paths = { waits: "", ready: "", jumps: "" };
  for (let lane = 0; lane < lanes; lane += 1) {
    const x = center(lane);
    const halves = [[above[lane], number === data.parting ? -GAP : 0, MIDDLE], [below[lane], MIDDLE, ROW]];
    for (const [is, from, to] of halves) {
      if (is === AWAY) continue;
      const kind = row && row.kind === "jump" && is === WAITS ? "jumps" : is === READY ? "ready" : "waits";
      paths[kind] += `M${x} ${from}V${to}`;
    }
  }
  for (const [kind, path] of Object.entries(paths)) {
    if (path) made.append(drawn("path", { class: kind, d: path }));
  }
  if (row) drawRow(made, row, number === data.parting ? -GAP : 0);
  return made;
}

function drawRow(made, row, start) {
  const cancel = row.kind === "cancel";
  const from = row.lane === null ? null : center(row.lane);
  for (const lane of row.to) {
    const to = center(lane);
    if (from === null) {
      made.append(drawn("path", { class: "tip", d: `M${to - 5} ${ROW - 11}h10l-5 8z` }));
    } else if (to !== from) {
      const way = Math.sign(to - from);
      made.append(
        drawn("path", { class: "arrow", "data-cancel": cancel, d: `M${from} ${MIDDLE}H${to - way * 7}` }),
        drawn("path", { class: "tip", "data-cancel": cancel, d: `M${to - way} ${MIDDLE}l${-way * 8} -4.5v9z` }),
      );
    }
  }
  if (from === null) return;
  if (acts(row) && row.step && (row.joined || !["dropped", "cancelled"].includes(row.kind))) {
    const top = row.joined ? start : MIDDLE;
    made.append(drawn("path", { class: "runs", d: `M${from} ${top}V${row.goes ? ROW : MIDDLE + 0.01}` }));
  }
  if (row.odd.length) {
    made.append(drawn("path", { class: "turn", d: `M${from} ${MIDDLE - 8}l8 8l-8 8l-8 -8z` }));
  } else if (isEnd(row)) {
    const bad = row.kind === "panic";
    const cross = `M${from - 5} ${MIDDLE - 5}l10 10m0 -10l-10 10`;
    const is = { class: "end", "data-bad": bad, "data-quiet": !bad && row.kind !== "return" };
    if (row.kind === "return") made.append(drawn("rect", { ...is, x: from - 5, y: MIDDLE - 5, width: 10, height: 10, rx: 2 }));
    else made.append(drawn("path", { ...is, d: cross, "stroke-linecap": "round" }));
  } else if (row.kind === "wait") {
    made.append(drawn("circle", { class: "dot", cx: from, cy: MIDDLE, r: 2.2 }));
  }
}

function drawRuler() {
  const mark = (line, is) => {
    const made = element("i", { "data-is": is });
    made.style.top = `${(100 * line) / count}%`;
    $("ruler").append(made);
  };
  runs[0].rows.forEach((row, line) => {
    if (row?.odd.length) mark(line, "odd");
    if (row?.kind === "panic") mark(line, "panic");
  });
  if (data.parting !== null) mark(data.parting, "parting");
}

// The picked event.

/** Picks the event of a run at a line, and brings it into sight. */
function pick(run, line, focus = true) {
  if (line === null || !runs[run].rows[line]) return;
  const old = shown.get(state.line);
  state.run = run;
  state.line = line;
  const row = runs[run].rows[line];
  if (row.lane !== null) state.lane = row.lane;
  if (old) for (const cell of old.children) {
    cell.tabIndex = -1;
    cell.setAttribute("aria-selected", "false");
  }
  document.body.dataset.run = run;
  [...$("tabs").children].forEach((tab, number) => tab.setAttribute("aria-pressed", number === run));
  const heads = $("heads").offsetHeight;
  const [top, height] = [topOf(line), $("scroll").clientHeight - heads];
  const scrolled = $("scroll").scrollTop;
  if (top < scrolled + ROW) $("scroll").scrollTop = Math.max(0, top - 3 * ROW);
  else if (top > scrolled + height - 3 * ROW) $("scroll").scrollTop = top - height + 4 * ROW;
  draw();
  const cells = show(line).children;
  for (const cell of cells) if (runs[cell.dataset.run].rows[line]) cell.tabIndex = 0;
  cells[run].setAttribute("aria-selected", "true");
  if (focus) cells[run].focus({ preventScroll: true });
  for (const names of document.querySelectorAll(".names")) {
    [...names.children].forEach((name, lane) => {
      name.toggleAttribute("data-picked", row.lane === lane);
    });
  }
  describe(line);
}

/** The events of a line, in full, and who was ready. */
function describe(line) {
  $("detail").replaceChildren(...runs.map((run) => {
    const row = run.rows[line];
    const part = element("div", { "data-run": run.number });
    if (!row) return part;
    const place = [row.time, row.step ? `step ${row.step}` : ""].filter(Boolean).join(" · ");
    const title = element("h2", {}, element("bdi", {}, row.name || "the clock"), element("small", {}, place));
    for (const [choice, odd] of row.odd) title.append(chip(`${choice}${odd && `: ${odd}`}`));
    const list = element("ol");
    for (const text of row.events) list.append(element("li", {}, text));
    part.append(title, list);
    const ready = data.lanes.filter((_, lane) => run.states[line + 1][lane] === READY);
    if (ready.length) part.append(element("p", {}, `ready: ${ready.slice(0, 12).join(", ")}${ready.length > 12 ? ", …" : ""}`));
    return part;
  }));
}

/** The nearest line at which a run has an event, for one that fits. */
function nearest(run, line, fits = () => true) {
  for (let away = 0; away < count; away += 1) {
    for (const other of [line + away, line - away]) {
      const row = runs[run].rows[other];
      if (row && fits(row)) return other;
    }
  }
  return null;
}

/** The next line in a direction at which the run has an event, for one that fits. */
function next(way, fits = () => true, from = state.line) {
  const { rows } = runs[state.run];
  for (let line = from + way; line >= 0 && line < count; line += way) {
    if (rows[line] && fits(rows[line])) return line;
  }
  return null;
}

function toLane(way) {
  for (let lane = state.lane + way; lane >= 0 && lane < lanes; lane += way) {
    const line = nearest(state.run, state.line, (row) => row.lane === lane);
    if (line !== null) return line;
  }
  return null;
}

function page(way) {
  const by = Math.max(1, Math.floor($("scroll").clientHeight / ROW) - 4);
  return nearest(state.run, Math.max(0, Math.min(count - 1, state.line + way * by)));
}

function along() {
  const row = runs[state.run].rows[state.line];
  const whom = row.to.find((lane) => lane !== row.lane);
  return whom === undefined ? null : next(1, (other) => other.lane === whom);
}

function back() {
  const { lane } = runs[state.run].rows[state.line];
  return next(-1, (other) => other.lane !== lane && other.to.includes(lane));
}

function matches(row) {
  return `${row.name} ${row.text}`.toLowerCase().includes(state.found);
}

const MOVES = {
  ArrowDown: () => next(1), j: () => next(1), ArrowUp: () => next(-1), k: () => next(-1),
  ArrowRight: () => toLane(1), l: () => toLane(1), ArrowLeft: () => toLane(-1), h: () => toLane(-1),
  J: () => next(1, (row) => row.lane === state.lane), K: () => next(-1, (row) => row.lane === state.lane),
  PageDown: () => page(1), PageUp: () => page(-1), Home: () => next(1, () => true, -1), End: () => next(-1, () => true, count),
  n: () => next(1, (row) => row.odd.length > 0), p: () => next(-1, (row) => row.odd.length > 0),
  d: () => (data.parting === null ? null : nearest(state.run, data.parting)), f: along, b: back,
};

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (event.target === $("find")) {
    if (event.key === "Escape") pick(state.run, state.line);
    if (event.key === "Enter" && state.found) {
      const found = next(1, matches) ?? next(1, matches, -1);
      pick(state.run, found, false);
    }
    return;
  }
  if (event.key === "?") $("help").showModal();
  else if (event.key === "t") turn();
  else if (event.key === "/") $("find").focus();
  else if (event.target.closest("button") || !(event.key in MOVES)) return;
  else pick(state.run, MOVES[event.key]());
  event.preventDefault();
}

function turn() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("dacapo-theme", root.dataset.theme); } catch { /* It is not kept then. */ }
}

function listen() {
  try { document.documentElement.dataset.theme = localStorage.getItem("dacapo-theme") ?? ""; } catch { /* As the system has it. */ }
  const cellOf = (event) => event.target.closest?.(".side");
  $("scroll").addEventListener("scroll", draw, { passive: true });
  $("sheet").addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (cell) pick(Number(cell.dataset.run), Number(cell.dataset.line));
  });
  $("sheet").addEventListener("focusin", (event) => {
    const cell = cellOf(event);
    if (cell && Number(cell.dataset.run) !== state.run) pick(Number(cell.dataset.run), Number(cell.dataset.line));
  });
  $("sheet").addEventListener("mouseover", (event) => {
    const cell = cellOf(event);
    if (cell) describe(Number(cell.dataset.line));
  });
  $("sheet").addEventListener("mouseleave", () => describe(state.line));
  $("find").addEventListener("input", () => {
    state.found = $("find").value.toLowerCase();
    layOut();
  });
  $("ruler").addEventListener("click", (event) => {
    const line = Math.floor((count * event.offsetY) / $("ruler").clientHeight);
    if (event.target === $("ruler")) pick(state.run, nearest(state.run, line));
  });
  $("theme").addEventListener("click", turn);
  $("ask").addEventListener("click", () => $("help").showModal());
  document.addEventListener("keydown", press);
  addEventListener("resize", layOut);
}

/** The signs, drawn as they are in a lane. */
function writeSigns() {
  const row = (kind, more = {}) => ({ kind, lane: 0, step: 1, to: [], ready: [], odd: [], ...more });
  const signs = [
    [row("run", { joined: true, goes: true }), [RUNS, RUNS], "runs"],
    [null, [READY, READY], "is ready, and has no turn yet"],
    [row("wait", { joined: true }), [WAITS, WAITS], "begins to wait"],
    [row("wake", { to: [1] }), [RUNS, RUNS], "spawns or wakes another"],
    [row("cancel", { to: [1] }), [RUNS, RUNS], "asks another to end"],
    [row("run", { odd: [[]] }), [WAITS, WAITS], "not what an event loop does by itself"],
    [row("return", { joined: true }), [RUNS, AWAY], "returns"],
    [row("panic", { joined: true }), [RUNS, AWAY], "panics"],
    [row("cancelled"), [WAITS, AWAY], "is cancelled or dropped"],
    [row("jump", { lane: null, to: [0] }), [WAITS, READY], "the clock jumps, and wakes it"],
  ];
  const old = laneWidth;
  laneWidth = 26;
  for (const [sign, [above, below], text] of signs) {
    const fill = (is) => Uint8Array.from(data.lanes, (_, lane) => (lane === 0 ? is : AWAY));
    const made = picture({ rows: [sign], states: [fill(above), fill(below)] }, 0);
    made.setAttribute("width", 58);
    $("signs").append(made, element("span", {}, text));
  }
  laneWidth = old;
}

writeHead();
writeSigns();
drawRuler();
listen();
layOut();
pick(0, data.parting === null ? nearest(0, 0) : nearest(0, data.parting), false);
document.documentElement.dataset.drawn = "true";
