// The HTML page itself: its head, its tabs, and which picture of which process is shown.

const VIEWS = { processes: "Processes", requests: "Requests", lifelines: "Lifelines", ledger: "Ledger", boot: "Boot" };
const views = Object.keys(VIEWS).filter((view) => view !== "boot" || processes.some((one) => one.boot));
const first = processes.findIndex((process) => process.requestRows.length);
const state = {
  view: processes.length > 1 ? "processes" : "requests",
  process: Math.max(first, 0), request: null, scopes: new Set(), firstColumn: 0,
};
let redraw = () => {};

// -- the address, which names what is shown, so that it can be bookmarked ------------------------

function address() {
  const { pid } = processes[state.process] ?? {};
  return `#${state.view}/${state.process + 1}-${pid}${state.request === null ? "" : `/${state.request}`}`;
}

function readAddress() {
  const [view, process, request] = decodeURIComponent(location.hash.slice(1)).split("/");
  const index = Number.parseInt(process, 10) - 1;
  if (views.includes(view)) state.view = view;
  if (processes[index]) state.process = index;
  state.request = Number.parseInt(request, 10) || null;
}

function go(changes, { withoutDrawing = false } = {}) {
  Object.assign(state, changes);
  hideCard();
  if (!withoutDrawing) draw();
  if (location.hash !== address()) history.replaceState(null, "", address());
}

window.addEventListener("hashchange", () => {
  readAddress();
  draw();
});

const open = (view, process, request = null) => {
  go({ view, process, request });
  $("view").focus({ preventScroll: true });
  window.scrollTo(0, 0);
};

// -- the head -------------------------------------------------------------------------------------

function drawHead() {
  const served = processes.reduce((sum, process) => sum + process.served, 0);
  const servers = [...new Set(processes.map((process) => clean(process.server)))].join(", ");
  $("summary").textContent = [plural(processes.length, "process", "processes"),
    plural(served, "request"), servers].filter(Boolean).join(" · ");
  $("process").append(...processes.map((process, index) => make("option", { value: index },
    `${process.pid} · ${clean(process.server)} · ${plural(process.served, "request")}`)));
  $("process").addEventListener("change", () => {
    go({ process: Number($("process").value), request: null,
      view: state.view === "processes" ? "requests" : state.view });
  });
  toggles($("scopes"), SCOPES.map((scope) => ({ name: scope, label: scopeWord(scope), scope })),
    state.scopes, () => redraw());
  const tabs = views.map((view) => make("button", {
    type: "button", role: "tab", id: `tab-${view}`, "aria-controls": "view", "data-label": VIEWS[view], onclick: () => go({ view }),
  }, VIEWS[view]));
  $("tabs").append(...tabs);
  $("tabs").addEventListener("keydown", (event) => {
    const at = views.indexOf(state.view);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: views.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go({ view: views[(to + views.length) % views.length] });
    $(`tab-${state.view}`).focus();
  });
}

function drawTheme() {
  const button = $("theme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("tracer-theme");
    } catch {
      return null; // Some browsers have no storage for files.
    }
  };
  let chosen = stored();
  const apply = () => {
    const now = chosen ?? (dark.matches ? "dark" : "light");
    if (chosen) document.documentElement.dataset.theme = chosen;
    button.textContent = now === "dark" ? "☀ light" : "☾ dark";
    button.setAttribute("aria-label", `Use ${now === "dark" ? "light" : "dark"} colours`);
  };
  button.addEventListener("click", () => {
    const now = chosen ?? (dark.matches ? "dark" : "light");
    chosen = now === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("tracer-theme", chosen);
    } catch {
      // As above: the choice holds until the page is closed.
    }
    apply();
  });
  dark.addEventListener("change", apply);
  apply();
}

// -- the pictures ---------------------------------------------------------------------------------

function draw() {
  const process = processes[state.process];
  $("process").value = String(state.process);
  for (const view of views) {
    const tab = $(`tab-${view}`);
    tab.setAttribute("aria-selected", String(view === state.view));
    tab.tabIndex = view === state.view ? 0 : -1;
  }
  $("view").setAttribute("aria-label", VIEWS[state.view]);
  document.body.dataset.view = state.view;
  if (!process) {
    $("view").replaceChildren(make("p", { class: "empty" }, "There is no process here."));
    return;
  }
  const plain = (view) => {
    redraw = () => {
      $("view").replaceChildren(view());
      Lifelines.measureAll();
    };
    redraw();
  };
  if (state.view === "processes") plain(() => processesView(state, open));
  else if (state.view === "ledger") plain(() => ledgerView(process, state));
  else if (state.view === "boot") plain(() => bootView(process, state));
  else if (state.view === "lifelines") drawLifelines(process);
  else drawRequests(process);
}

function drawLifelines(process) {
  const lines = new Lifelines(process, state, {
    open: (request) => open("requests", process.index, request),
  });
  lines.reveal(state.request);
  redraw = () => lines.draw();
  $("view").replaceChildren(make("section", { class: "all-lines" },
    heading(2, `Lifelines of process ${process.pid}`, dim(
      ` ${serverWords(process)} · ${plural(process.served, "request")} · one column per request`)),
    lines.element, legend()));
  Lifelines.measureAll();
}

function legend() {
  const marks = [["●", "born"], ["○", "freed"], ["━", "used by this request"],
    ["─", "alive, but not used"], ["▶", "lives on, or lived until the process ended"]];
  return make("p", { class: "legend" }, marks.map(([mark, means]) =>
    make("span", {}, make("b", { "aria-hidden": "true" }, mark), ` ${means}`)));
}

function drawRequests(process) {
  if (!process.requests.length) {
    $("view").replaceChildren(make("p", { class: "empty" }, "This process served no request yet."));
    return;
  }
  if (!process.request(state.request)) state.request = process.requests.at(-1).number;
  const shown = make("section", { class: "chosen-request", "aria-label": "The chosen request" });
  const show = () => shown.replaceChildren(...requestView(process, process.request(state.request), state, take));
  const take = (request) => {
    go({ request }, { withoutDrawing: true });
    show();
  };
  const list = new RequestList(process, state.request, take);
  redraw = show;
  show();
  $("view").replaceChildren(make("div", { class: "request-layout" }, list.element, shown));
  list.reveal();
  list.draw();
}

drawHead();
drawTheme();
readAddress();
draw();
