// One request: what was asked and answered, its timeline, and what it left behind.

function requestView(process, request, state, take) {
  const spans = process.spans(request.spans);
  const index = process.numbers.indexOf(request.number);
  const step = (by, text, label) => make("button", {
    type: "button", class: "plain", "aria-label": label, title: label,
    disabled: !process.all[index + by],
    onclick: () => {
      const next = process.all[index + by].number;
      const list = document.querySelector(".options");
      take(next);
      if (list) list.dispatchEvent(new CustomEvent("reveal", { detail: next }));
      document.querySelector(`.steps [aria-label="${label}"]`).focus();
    },
  }, text);
  const told = [
    [statusWords(request), failed(request) ? "alarm" : "strong"],
    request.ending === CUT_OFF ? null : [duration(request.duration), ""],
    request.bytes === null ? null : [size(request.bytes), ""],
    [`process ${process.pid}`, "quiet"],
    [`its request ${request.number}`, "quiet"],
    [`thread ${clean(request.thread)}`, "quiet"],
    [clock(request.started), "quiet"],
  ];
  return [
    make("header", { class: "request-head" },
      make("h2", {}, quiet(`${clean(request.method)} `), make("bdi", {}, clean(request.path))),
      make("span", { class: "steps" }, step(-1, "‹", "Previous request"), step(1, "›", "Next request")),
      make("p", {}, told.filter(Boolean).map(([text, mark]) => make("span", { class: mark }, text)))),
    new Timeline(process, spans, request.duration, request, state).element,
    fate(process, request),
    make("p", { class: "keys quiet" },
      "Keys: ↑ ↓ from stage to stage · ← → close and open · Enter lets the axis show one stage · Esc closes the facts"),
  ];
}

// What became of one of a request's objects, so far.
function becameOf(life) {
  const { scope, freed } = life.kind;
  if (scope === "kept") return "kept";
  if (life.freedIn !== null) {
    if (freed === "collector") return "collected";
    return freed === "response" && life.freedIn <= life.builtIn ? "with" : "later";
  }
  return scope === "undecided" && life.requests <= 1 ? "waiting" : "stayed";
}

const FATES = {
  with: "freed with it", collected: "freed by the collector", later: "freed later",
  waiting: "undecided until a full collection", stayed: "there for later requests", kept: "KEPT",
};

// What became of the objects that a request gave birth to: one bar, and the same in words.
function fate(process, request) {
  const born = process.bornIn.get(request.number) ?? [];
  const names = Object.fromEntries(Object.keys(FATES).map((name) => [name, []]));
  for (const life of born) names[becameOf(life)].push(life.kind.name);
  const parts = Object.entries(FATES).filter(([name]) => names[name].length || name === "kept");
  const bar = make("div", { class: "fate-bar", "aria-hidden": "true" }, parts.map(([name]) =>
    place(make("i", { class: name }), { flexGrow: names[name].length })));
  const words = make("ul", {}, parts.map(([name, told]) => make("li", { class: names[name].length ? name : "none" },
    make("i", { "aria-hidden": "true" }), make("b", {}, number(names[name].length)), ` ${told}`,
    names[name].length ? quiet(` ${grouped(names[name])}`) : null)));
  const notes = [];
  if (request.imported.length) {
    notes.push(make("details", {}, make("summary", {}, `imported ${many(request.imported.length, "module")}`),
      make("p", { class: "quiet" }, request.imported.map(clean).join(", "))));
  }
  if (request.ending !== "closed") {
    notes.push(make("p", { class: "alarm" }, ENDINGS[request.ending] ?? clean(request.ending)));
  }
  if (request.uncounted) notes.push(make("p", { class: "alarm" }, `${many(request.uncounted, "more birth")} not watched`));
  const share = request.duration > 0 ? `, ${Math.round((request.watching / request.duration) * 100)} %` : "";
  notes.push(make("p", { class: "quiet" }, `the tracer's own share: ${duration(request.watching)}${share}`));
  return make("section", { class: "fate", "aria-label": "What it left behind" },
    heading(3, born.length ? `Born in this request: ${many(born.length, "object")}` : "Nothing was born in this request"),
    born.length ? [bar, words] : null, notes);
}

const ENDINGS = {
  "never closed": "never closed: the server skipped the response's close()",
  "no response": "no response: an exception left the handler",
  "cut off": "cut off: the process was gone before the request could be written",
};
