// The timeline of a request or of a boot: every stage in order, on one time axis.

const TIMELINE_ROWS = 400; // rows drawn until the button for all of them is pressed
const CROPPED_AT_START = new Set(["resolve", "hook", "view", "template", "compile"]);

class Timeline {
  // `spans` are the stages and `longest` is how long they took; `request` is null for a boot.
  constructor(process, spans, longest, request, state) {
    this.process = process;
    this.request = request;
    this.state = state;
    this.spans = spans;
    this.roots = buildTree(spans);
    this.whole = [0, Math.max(longest, 1, ...spans.map((span) => span.end))];
    this.range = this.whole;
    this.closed = new Set();
    this.opened = new Set();
    this.stages = new Set();
    this.all = false;
    this.element = make("div", { class: "timeline" });
    this.tools = make("div", { class: "tools" });
    this.zoomed = make("button", {
      type: "button", class: "plain", hidden: true, onclick: () => this.zoom(null),
    }, "↔ the whole again");
    this.grid = make("div", {});
    this.element.append(this.tools, this.grid);
    this.drawTools();
    this.draw();
  }

  drawTools() {
    const counts = new Map();
    for (const { stage } of this.spans) counts.set(stage, (counts.get(stage) ?? 0) + 1);
    if (counts.size < 2) return;
    const choices = [...counts].map(([name, count]) => ({ name, label: `${name} ${count}` }));
    const group = make("div", { class: "toggles", role: "group", "aria-label": "Show only stages" });
    toggles(group, choices, this.stages, () => this.draw());
    this.tools.append(
      make("details", { class: "stages" }, make("summary", {}, "Filter by stage"), group),
      this.zoomed);
  }

  matches({ node }) {
    const { span } = node;
    if (this.stages.size && !this.stages.has(span.stage)) return false;
    const { scopes } = this.state;
    return !scopes.size || scopes.has(scopeAndWords(this.process.lifeById.get(span.object))[0]);
  }

  draw(focused = null) {
    let rows = filterRows(visibleRows(this.roots, this.closed, this.opened), (row) => this.matches(row));
    const total = rows.length;
    if (!this.all) rows = rows.slice(0, TIMELINE_ROWS);
    const grid = make("div", {
      role: "treegrid", class: "stages-grid", "aria-rowcount": total + 1,
      "aria-label": this.request ? `Timeline of request ${this.request.number}` : "How it booted",
    }, this.head());
    let streamed = false;
    rows.forEach((row, index) => {
      if (row.node.span.stage === "body" && !streamed) {
        streamed = true;
        grid.append(make("div", { class: "phase", role: "presentation" },
          "the body, streamed after every middleware had returned"));
      }
      grid.append(this.row(row, index));
    });
    if (!rows.length) {
      grid.append(make("p", { class: "empty" }, this.spans.length
        ? "No stage matches the filter." : "No stage was recorded."));
    }
    moveByKeys(grid, ".row", (event, element) => this.act(event.key, element.row));
    this.grid.replaceChildren(grid, ...this.more(total - rows.length));
    this.zoomed.hidden = this.range === this.whole;
    const again = focused && [...grid.querySelectorAll(".row")].find(
      (each) => each.row.node.index === focused.node.index);
    if (again) again.focus({ preventScroll: true });
  }

  more(count) {
    if (!count) return [];
    return [make("button", {
      type: "button", class: "more",
      onclick: () => {
        this.all = true;
        this.draw();
      },
    }, `Draw ${plural(count, "more row")}`)];
  }

  head() {
    const [from, to] = this.range;
    const { step, labels } = ticks(to - from);
    this.step = (step / (to - from)) * 100;
    const axis = make("span", { class: "axis" }, ...labels.map(([at, label]) =>
      place(make("span", {}, label), { left: `${(at / (to - from)) * 100}%` })));
    const cell = (name, ...inside) => make("span", { role: "columnheader", class: name }, ...inside);
    return make("div", { role: "row", class: "heads" }, cell("name", "stage"),
      make("span", { role: "columnheader", class: "bar", "aria-label": "time" }, axis),
      cell("ms", "ms"), cell("lives", "lives for"), cell("object", "object"));
  }

  row(row, index) {
    const { node, folded } = row;
    const { span } = node;
    const life = this.process.lifeById.get(span.object);
    const [scope, lives] = scopeAndWords(life);
    const spans = folded ? folded.map((each) => each.span) : [span];
    const took = spans.reduce((sum, each) => sum + Math.max(each.end - each.start, 0), 0);
    const object = folded ? [[`${formatNumber(folded.length + SHOWN_OF_RUN)} in all`, ""]]
      : this.describe(span, life);
    const opens = folded || node.children.length > 0;
    const isOpen = !folded && !this.closed.has(node.index);
    const element = make("div", {
      role: "row", class: `row ${row.faint ? "faint" : ""}`, tabindex: "-1",
      "aria-level": node.depth + 1, "aria-rowindex": index + 2,
      "aria-expanded": opens ? String(isOpen) : null,
      ondblclick: () => this.act("Enter", row),
    },
    this.name(row, opens, isOpen),
    make("span", { role: "gridcell", class: `bar ${scope ?? "none"}`, "aria-hidden": "true" },
      this.bar(row)),
    make("span", { role: "gridcell", class: "ms" }, took ? milliseconds(took) : ""),
    make("span", { role: "gridcell", class: "lives" }, scope ? scopeLabel(scope, lives) : ""),
    make("span", { role: "gridcell", class: "object" },
      ...object.map(([text, mark], at) => make("span", { class: mark }, at ? ` · ${text}` : text))));
    element.style.setProperty("--depth", Math.min(node.depth, 14));
    element.style.setProperty("--step", `${this.step}%`);
    element.row = row;
    return withCard(element, () => this.facts(row, life, took));
  }

  name({ node, folded }, opens, isOpen) {
    const { span } = node;
    let word = packed.words[span.stage] ?? (this.request ? "" : span.stage);
    let name = clean(span.name);
    if (span.name === span.stage || name.toLowerCase().startsWith(word.toLowerCase())) word = "";
    if (folded && span.stage === "import") name = "";
    const element = make("span", { role: "gridcell", class: "name" },
      make("i", { class: opens ? `expander ${isOpen ? "open" : ""}` : "expander none", "aria-hidden": "true" }),
      word ? dim(`${word} `) : null,
      make("span", { class: `what ${CROPPED_AT_START.has(span.stage) ? "end" : ""}` }, make("bdi", {}, name)),
      folded ? dim(` × ${folded.length} more`) : null,
      span.error && span.stage !== "exception" ? make("span", { class: "alarm" }, " ⚠") : null);
    element.firstChild.addEventListener("click", () => this.act("toggle", { node, folded }));
    return element;
  }

  bar({ node, folded }) {
    const [from, to] = this.range;
    const scale = 1000 / (to - from);
    const at = (time) => Math.max(-5, Math.min((time - from) * scale, 1005));
    const nodes = folded ?? [node];
    if (nodes.every(({ span }) => span.end <= span.start)) {
      return nodes.filter(({ span }) => span.start >= from && span.start <= to).map(({ span }) =>
        place(make("b", { class: "instant" }, "◆"), { left: `${at(span.start) / 10}%` }));
    }
    let heavy = "";
    let light = "";
    const least = 3000 / barWidth();
    for (const each of nodes) {
      const { start, end } = each.span;
      if (end < from || start > to) continue;
      let last = -1;
      for (const [begin, stop, own] of folded ? [[start, end, true]] : barPieces(each)) {
        const left = at(begin);
        const right = at(stop);
        if (own && (right - left >= 1 || left - last >= least)) {
          heavy += `M${left.toFixed(1)} 4H${right.toFixed(1)}V16H${left.toFixed(1)}Z`;
          last = right;
        } else if (!own) light += `M${left.toFixed(1)} 9H${right.toFixed(1)}V11H${left.toFixed(1)}Z`;
      }
      // Both ends of a bar are heavy, so that they can be seen.
      const ends = [start >= from ? at(start) : null, end <= to ? Math.max(at(end) - least, at(start)) : null];
      for (const left of ends.filter((each) => each !== null)) {
        heavy += `M${left.toFixed(1)} 4h${least}V16h-${least}Z`;
      }
    }
    return make("svg:svg", { viewBox: "0 0 1000 20", preserveAspectRatio: "none", focusable: "false" },
      make("svg:path", { class: "light", d: light }), make("svg:path", { class: "heavy", d: heavy }));
  }

  // The words of a row for its stage and for the object that took part: [text, class].
  describe(span, life) {
    const parts = [];
    if (span.error && (span.stage !== "exception" || span.error !== span.name)) {
      parts.push([clean(span.stage === "exception" ? span.error : `raises ${span.error}`), "alarm"]);
    }
    if (span.detail) parts.push([clean(span.detail), ""]);
    if (!life) return parts;
    if (life.kind.scope === "kept") {
      const held = life.kind.held_by;
      parts.push([held ? `held by ${clean(held)}` : "left behind", "alarm"]);
    }
    const origin = this.origin(life);
    if (origin !== "new" || !/^(new|compiled)/.test(span.detail)) {
      const own = span.name.includes(life.kind.name) || life.kind.name.includes(span.name);
      const name = clean(life.kind.name);
      parts.push([own ? origin : origin === "new" ? `new ${name}` : `${name} ${origin}`, "dim"]);
    }
    return parts;
  }

  origin(life) {
    if (!this.request || life.builtIn === this.request.number) return "new";
    return `${birthWords(life)} · use ${this.process.useNumber(life, this.request.number)}`;
  }

  facts({ node, folded }, life, took) {
    const { span } = node;
    const own = folded ? took : ownTime(node);
    const facts = [
      ["took", took ? duration(took) : "an instant"],
      own < took ? ["itself", `${duration(own)}, and waited ${duration(took - own)}`] : null,
      ["began after", duration(span.start)],
      ["thread", clean(span.thread)],
      ["detail", clean(span.detail)],
      ["raised", clean(span.error), "alarm"],
      ...(life ? lifeFacts(this.process, life) : []),
    ];
    const times = folded ? ` × ${folded.length} more` : "";
    return {
      title: clean(span.name) + times, lesson: packed.lessons[span.stage], facts,
      scope: scopeAndWords(life)[0],
    };
  }

  act(key, row) {
    const { node, folded } = row;
    const opens = folded || node.children.length > 0;
    const isOpen = !folded && !this.closed.has(node.index);
    const toggle = key === "toggle" || key === " ";
    if (opens && ((key === "ArrowRight" && !isOpen) || (key === "ArrowLeft" && isOpen) || toggle)) {
      if (folded) this.opened.add(row.key);
      else if (isOpen) this.closed.add(node.index);
      else this.closed.delete(node.index);
      this.draw(row);
      return true;
    }
    if (key === "ArrowLeft" && node.parent) {
      const parent = [...this.grid.querySelectorAll(".row")].find((each) => each.row.node === node.parent);
      if (parent) parent.focus();
      return Boolean(parent);
    }
    if (key === "Enter") {
      this.zoom(folded ? null : row);
      return true;
    }
    return false;
  }

  // Makes the axis show one stage; the second time, or with null, all of them.
  zoom(row) {
    const span = row?.node.span;
    const same = span && this.range[0] === span.start && this.range[1] === span.end;
    this.range = !span || same || span.end <= span.start ? this.whole : [span.start, span.end];
    this.draw(row);
    say(this.range === this.whole ? "The axis shows all of it." : `The axis shows ${clean(span.name)}.`);
  }
}

// About how many pixels a bar column has: shorter bars than three of them are drawn as three.
const barWidth = () => (window.innerWidth < 700 ? window.innerWidth - 40
  : Math.max(120, (window.innerWidth - 360) * 0.29));

// Round numbers along an axis: the step between them, and [time, label].
function ticks(length) {
  const unit = length < TENTHS ? ["µs", 10] : length < 2000 * TENTHS ? ["ms", TENTHS] : ["s", 1000 * TENTHS];
  const wanted = length / unit[1] / (window.innerWidth < 700 ? 4 : 6);
  let step = 10 ** Math.floor(Math.log10(wanted));
  step *= [1, 2, 2.5, 5, 10].find((factor) => step * factor >= wanted) ?? 10;
  const labels = [];
  for (let count = 0; count * step * unit[1] < length * 0.94; count += 1) {
    const value = formatNumber(Number((count * step).toFixed(6)));
    labels.push([count * step * unit[1], count ? value : `${value} ${unit[0]}`]);
  }
  return { step: step * unit[1], labels };
}
