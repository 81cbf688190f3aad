// All processes side by side: when they served, what they are, how long their objects live.

const MAX_COLUMNS = 4; // processes side by side, at most
const COMMON_KINDS = 22; // kinds of objects in the lifelines of processes side by side
const MAX_TRACKS = 6; // tracks of requests at the same time, at most

function processesView(state, open) {
  const element = make("section", { class: "all-processes" });
  const beside = Math.max(2, Math.min(MAX_COLUMNS, Math.floor((window.innerWidth - 40) / 400)));
  const from = Math.min(state.firstColumn, Math.max(processes.length - 1, 0));
  // Processes that served come first: a master of workers shows less.
  const ordered = [...processes].sort((one, other) => Math.sign(other.served) - Math.sign(one.served));
  const chosen = ordered.slice(from, from + beside);
  const turn = (by) => () => {
    state.firstColumn = Math.max(0, Math.min(from + by * beside, processes.length - 1));
    element.replaceWith(processesView(state, open));
    Lifelines.measureAll();
    say(`Processes from number ${state.firstColumn + 1} on.`);
  };
  if (processes.length > beside) {
    element.append(make("p", { class: "pager" },
      make("button", { type: "button", class: "plain", disabled: from === 0, onclick: turn(-1) }, "‹ earlier"),
      ` Processes ${from + 1} to ${from + chosen.length} of ${formatNumber(processes.length)} `,
      make("button", { type: "button", class: "plain",
        disabled: from + chosen.length >= processes.length, onclick: turn(1) }, "later ›")));
  }
  element.append(loadChart(chosen));
  const { shown, found } = commonKinds(chosen, state.scopes, COMMON_KINDS);
  element.append(make("div", { class: "process-columns" },
    chosen.map((process) => column(process, state, open, shown))));
  if (shown.length < found.length) {
    element.append(make("p", { class: "dim" }, `Lifelines of the ${shown.length} kinds of objects that were used most, `
      + `of ${found.length}. Each process shows the same kinds, in the same order.`));
  }
  element.append(comparedLedgers(chosen, state));
  return element;
}

// When each process served, on one axis of the wall clock.
function loadChart(chosen) {
  const times = chosen.flatMap((process) => [process.started,
    ...process.requests.map((request) => request.started + request.duration / TENTHS)]);
  const from = times.reduce((one, other) => Math.min(one, other), Infinity);
  const to = Math.max(times.reduce((one, other) => Math.max(one, other), from), from + 1);
  const { step, labels } = ticks((to - from) * TENTHS);
  const rows = chosen.map((process) => make("div", { class: "load-row" },
    make("span", { class: "label" }, `process ${process.pid}`),
    make("span", { class: "chart", role: "img",
      "aria-label": `Process ${process.pid}: ${plural(process.served, "request")}, started ${clock(process.started)}` },
    requestBars(process, from, to))));
  const axis = make("span", { class: "axis" }, labels.map(([at, label]) =>
    place(make("span", {}, label), { left: `${(at / TENTHS / (to - from)) * 100}%` })));
  const element = make("section", { class: "load" },
    heading(2, "When they served", dim(` from ${clock(from)}, on one clock: `), key("start", "process began"),
      key("ok", "request"), key("bad", "request that failed")),
    make("div", { class: "load-row heads", "aria-hidden": "true" }, make("span", { class: "label" }),
      make("span", { class: "chart" }, axis)), rows);
  element.style.setProperty("--step", `${(step / TENTHS / (to - from)) * 100}%`);
  return element;
}

const key = (mark, text) => make("span", { class: "key dim" }, make("i", { class: mark, "aria-hidden": "true" }), text);

function requestBars(process, from, to) {
  const scale = 1000 / (to - from);
  const ends = [];
  const paths = { ok: "", bad: "" };
  const sorted = [...process.requests].sort((one, other) => one.started - other.started);
  for (const request of sorted) {
    const start = (request.started - from) * scale;
    const end = Math.max(start + (request.duration / TENTHS) * scale, start + 1.2);
    let track = ends.findIndex((last) => last <= start);
    if (track < 0) track = Math.min(ends.length, MAX_TRACKS - 1);
    ends[track] = end;
    const [x, y] = [start.toFixed(1), track * 6];
    const bar = `M${x} ${y + 1}H${end.toFixed(1)}v4H${x}Z`;
    if (failed(request)) paths.bad += `${bar}M${(start - 2.5).toFixed(1)} ${y}h5l-2.5 6Z`;
    else paths.ok += bar;
  }
  const height = Math.max(ends.length, 1) * 6 + 2;
  const begin = ((process.started - from) * scale).toFixed(1);
  return make("svg:svg", { viewBox: `0 0 1000 ${height}`, preserveAspectRatio: "none", height: height * 1.6 },
    make("svg:path", { class: "alive", d: `M${begin} 0h1.5V${height}h-1.5Z` }),
    make("svg:path", { class: "ok", d: paths.ok }), make("svg:path", { class: "bad", d: paths.bad }));
}

function column(process, state, open, kinds) {
  const lines = new Lifelines(process, state, {
    kinds, open: (request) => open("requests", process.index, request),
  });
  const button = (view, label) => make("button", { type: "button", class: "plain",
    onclick: () => open(view, process.index) }, label);
  return make("article", { class: "one-process", "aria-label": `Process ${process.pid}` },
    heading(2, `Process ${process.pid}`, dim(` ${serverWords(process)}`)),
    figures(process), facts(process), lines.element,
    make("p", { class: "links" }, button("requests", "its requests"), button("lifelines", "all lifelines"),
      button("ledger", "ledger"), process.boot ? button("boot", "boot") : null));
}

// A process in six numbers.
function figures(process) {
  const took = process.requests.map((request) => request.duration).sort((one, other) => one - other);
  const kept = process.ledgerRows.reduce((sum, row) => sum + (row.scopes.kept ?? 0), 0);
  const outside = process.lives.filter((life) => life.builtIn === null).length;
  const built = process.ledgerRows.reduce((sum, row) => sum + row.built, 0);
  const figure = (value, label, mark = "") => make("div", { class: mark },
    make("dt", {}, label), make("dd", {}, value));
  return make("dl", { class: "figures" },
    figure(formatNumber(process.served), process.served === 1 ? "request" : "requests"),
    figure(formatNumber(process.requests.filter(failed).length), "failed"),
    figure(took.length ? duration(took[Math.floor(took.length / 2)]) : "–", "median"),
    figure(formatNumber(outside), "built outside requests"),
    figure(formatNumber(Math.max(built - outside, 0)), "born in requests"),
    figure(formatNumber(kept), "KEPT", kept ? "alarm" : ""));
}

function facts(process) {
  const texts = [
    `Python ${clean(process.python)} · Django ${clean(process.django)}`,
    `parent ${process.parent}`, `started ${clock(process.started)}`,
    process.inherited ? `its application was built by ${process.parent} and handed down by fork` : null,
    process.ended ? "ended in an orderly way" : "no orderly end was recorded",
  ];
  return make("p", { class: "facts dim" }, texts.filter(Boolean).join(" · "));
}

function bootView(process, state) {
  const { boot } = process;
  if (!boot) {
    return make("section", {}, heading(2, `Boot of process ${process.pid}`),
      make("p", { class: "empty" }, "Its boot is not known: the tracer started later."));
  }
  const spans = process.unpackSpans(boot.spans);
  const longest = Math.max(1, ...spans.map((span) => span.end));
  const heaviest = boot.heaviest.map((row) => unpack("import", row));
  const most = Math.max(1, ...heaviest.map((each) => each.own));
  return make("section", { class: "booting" },
    heading(2, `How process ${process.pid} booted`, dim(
      ` ${duration(longest)} · ${plural(boot.modules, "module")} imported in ${duration(boot.importing)}`)),
    new Timeline(process, spans, longest, null, state).element,
    heaviest.length ? make("table", { class: "heaviest" },
      make("caption", {}, "The heaviest imports, by their own code"),
      make("tbody", {}, heaviest.map((each) => make("tr", {},
        make("th", { scope: "row" }, clean(each.name)),
        make("td", { class: "number with-bar process" }, countBar(each.own, most), `${milliseconds(each.own)} ms`),
        make("td", { class: "dim" }, `${milliseconds(each.total)} ms with what it imported`))))) : null);
}
