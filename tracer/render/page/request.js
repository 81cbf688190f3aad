// One request: its head, its timeline, and what became of the objects built in it.

function requestView(process, request, state, take) {
  const spans = process.unpackSpans(request.spans);
  const index = process.numbers.indexOf(request.number);
  const step = (by, text, label) => make("button", {
    type: "button", class: "plain", "aria-label": label, title: label,
    disabled: !process.requests[index + by],
    onclick: () => {
      const next = process.requests[index + by].number;
      const list = document.querySelector(".options");
      take(next);
      if (list) list.dispatchEvent(new CustomEvent("reveal", { detail: next }));
      document.querySelector(`.steps [aria-label="${label}"]`).focus();
    },
  }, text);
  const parts = [
    [statusWords(request), failed(request) ? "alarm" : "strong"],
    request.ending === CUT_OFF ? null : [duration(request.duration), ""],
    request.bytes === null ? null : [size(request.bytes), ""],
    [`process ${process.pid}`, "dim"],
    [`its request ${request.number}`, "dim"],
    [`thread ${clean(request.thread)}`, "dim"],
    [clock(request.started), "dim"],
  ];
  return [
    make("header", { class: "request-head" },
      make("h2", {}, dim(`${clean(request.method)} `), make("bdi", {}, clean(request.path))),
      make("span", { class: "steps" }, step(-1, "‹", "Previous request"), step(1, "›", "Next request")),
      make("p", {}, parts.filter(Boolean).map(([text, mark]) => make("span", { class: mark }, text)))),
    new Timeline(process, spans, request.duration, request, state).element,
    fateView(process, request),
    make("p", { class: "keys dim" },
      "Keys: ↑ ↓ from stage to stage · ← → close and open · Enter lets the axis show one stage · Esc closes the facts"),
  ];
}

// What became, so far, of an object that a request built.
function fateOf(life) {
  const { scope, freed } = life.kind;
  if (scope === "kept") return "kept";
  if (life.freedIn !== null) {
    if (freed === "collector") return "collected";
    return freed === "response" && life.freedIn <= life.builtIn ? "with" : "later";
  }
  return scope === "undecided" && life.requests <= 1 ? "waiting" : "stayed";
}

const FATE_WORDS = {
  with: "freed with it", collected: "freed by the collector", later: "freed late",
  waiting: "undecided until a full collection", stayed: "stay for later requests", kept: "KEPT",
};

// What became of the objects that a request built: a bar, and the same in words.
function fateView(process, request) {
  const born = process.bornIn.get(request.number) ?? [];
  const names = Object.fromEntries(Object.keys(FATE_WORDS).map((name) => [name, []]));
  for (const life of born) names[fateOf(life)].push(life.kind.name);
  const parts = Object.entries(FATE_WORDS).filter(([name]) => names[name].length || name === "kept");
  const bar = make("div", { class: "fate-bar", "aria-hidden": "true" }, parts.map(([name]) =>
    place(make("i", { class: name }), { flexGrow: names[name].length })));
  const list = make("ul", {}, parts.map(([name, words]) => make("li", { class: names[name].length ? name : "none" },
    make("i", { "aria-hidden": "true" }), make("b", {}, formatNumber(names[name].length)), ` ${words}`,
    names[name].length ? dim(` ${groupNames(names[name])}`) : null)));
  const notes = [];
  if (request.imported.length) {
    notes.push(make("details", {}, make("summary", {}, `imported ${plural(request.imported.length, "module")}`),
      make("p", { class: "dim" }, request.imported.map(clean).join(", "))));
  }
  if (request.ending !== "closed") {
    notes.push(make("p", { class: "alarm" }, ENDINGS[request.ending] ?? clean(request.ending)));
  }
  if (request.uncounted) notes.push(make("p", { class: "alarm" }, `${plural(request.uncounted, "more birth")} not watched`));
  const share = request.duration > 0 ? `, ${Math.round((request.watching / request.duration) * 100)} %` : "";
  notes.push(make("p", { class: "dim" }, `the tracer's own share: ${duration(request.watching)}${share}`));
  return make("section", { class: "fate", "aria-label": "What it left behind" },
    heading(3, born.length ? `Born in this request: ${plural(born.length, "object")}` : "Nothing was born in this request"),
    born.length ? [bar, list] : null, notes);
}

const ENDINGS = {
  "never closed": "never closed: the server skipped the response's close()",
  "no response": "no response: an exception left the handler",
  "cut off": "cut off: the process was gone before the request could be written",
};
