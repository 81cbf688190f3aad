// The lifelines of one process: one row per object, one column per request, a window of requests.

const LIFELINE_ROWS = 44; // rows drawn until the button for all of them is pressed
const MIN_COLUMN = 36; // pixels of a request's column, at least
const ROW_HEIGHT = 24;

class Lifelines {
  static unmeasured = [];

  // `kinds`: the rows to draw, the same for processes side by side; a click on a request calls `open`.
  constructor(process, state, { kinds = null, open = () => {} } = {}) {
    this.process = process;
    this.state = state;
    this.kinds = kinds;
    this.compact = kinds !== null;
    this.open = open;
    this.limit = LIFELINE_ROWS;
    this.from = null;
    this.width = 0;
    this.element = make("div", { class: `lifelines ${kinds ? "compact" : ""}` });
    this.tools = make("div", { class: "tools" });
    this.grid = make("div", {});
    this.element.append(this.tools, this.grid);
    this.drawTools();
    new ResizeObserver(() => this.measure()).observe(this.grid);
    Lifelines.unmeasured.push(this);
  }

  // A width is known only in the document: draws all lifelines that were just put there.
  static measureAll() {
    for (const lines of Lifelines.unmeasured.splice(0)) lines.measure();
  }

  measure() {
    const width = Math.floor(this.grid.clientWidth);
    if (width && width !== this.width) {
      this.width = width;
      this.draw();
    }
  }

  // Widths in pixels: of labels, of words, of each early column and of each request's column.
  get layout() {
    const { width, compact, process } = this;
    const narrow = width < 700;
    const label = compact || narrow ? Math.min(150, Math.floor(width * 0.31)) : 230;
    const words = compact || width < 900 ? 0 : Math.min(380, Math.floor(width * 0.3));
    const { heads } = new LifelineColumns(process, 1, 0);
    const early = compact || narrow ? 30 : heads.includes("inherited") ? 66 : 54;
    const room = width - label - words - heads.length * early - 26;
    const least = compact ? 15 : narrow ? 18 : MIN_COLUMN;
    const count = Math.max(1, Math.min(Math.floor(room / least), process.requests.length || 1));
    const each = Math.min(Math.max(room / count, least), 90);
    return { label, words, early, count, each };
  }

  drawTools() {
    const step = (by) => () => {
      this.from = (this.from ?? 0) + Math.sign(by) * Math.max(1, Math.floor(this.count * Math.abs(by)));
      this.draw();
    };
    const button = (text, label, onclick) =>
      make("button", { type: "button", class: "plain", "aria-label": label, title: label, onclick }, text);
    this.slider = make("input", {
      type: "range", min: 0, max: 0, value: 0, "aria-label": "First request shown",
      oninput: () => {
        this.from = Number(this.slider.value);
        this.draw();
      },
    });
    this.earlier = button("‹", "Earlier requests", step(-0.8));
    this.later = button("›", "Later requests", step(0.8));
    this.range = make("span", { class: "dim", role: "status" });
    this.tools.append(this.earlier, this.slider, this.later, this.range);
  }

  // Moves the window so that it holds this request.
  reveal(chosen) {
    const at = this.process.numbers.indexOf(chosen);
    if (at < 0) return;
    this.from = null;
    this.wanted = at;
  }

  draw(chosen = this.state.request) {
    if (!this.width) return;
    const { process } = this;
    const layout = this.layout;
    const last = Math.max(process.requests.length - layout.count, 0);
    const start = this.from ?? (this.wanted === undefined ? 0 : this.wanted - Math.floor(layout.count / 2));
    this.from = Math.max(0, Math.min(start, last));
    this.count = layout.count;
    const columns = new LifelineColumns(process, this.from, layout.count);
    const { rows, gone } = this.kinds
      ? { rows: rowsOfKinds(process, columns, this.kinds), gone: 0 }
      : buildRows(process, columns, this.state.scopes);
    this.updateTools(columns, last);
    const starts = columns.heads.map((_, index) => (index < columns.first ? index * layout.early
      : columns.first * layout.early + (index - columns.first) * layout.each));
    const end = starts.length > columns.first ? starts.at(-1) + layout.each : columns.first * layout.early;
    this.geometry = { ...layout, starts, end, columns };
    const shown = this.chosenRows(rows);
    const grid = make("div", { class: "lines", role: "table",
      "aria-label": `Lifelines of process ${process.pid}` }, this.head(chosen),
    ...shown.map((row) => this.row(row, chosen)));
    grid.style.setProperty("--label", `${layout.label}px`);
    grid.style.setProperty("--chart", `${end + 22}px`);
    moveByKeys(grid, ".line-row");
    this.grid.replaceChildren(grid, this.notes(rows, shown, gone));
  }

  updateTools(columns, last) {
    const { numbers } = columns;
    const total = this.process.requests.length;
    this.tools.hidden = last === 0;
    this.slider.max = last;
    this.slider.value = this.from;
    this.earlier.disabled = this.from === 0;
    this.later.disabled = this.from >= last;
    const range = numbers.length ? `#${numbers[0]} to #${numbers.at(-1)}` : "no requests";
    this.range.textContent = `${range} of ${formatNumber(total)}`;
    this.slider.setAttribute("aria-valuetext", range);
  }

  chosenRows(rows) {
    if (this.kinds) return rows;
    const shown = selectRows(rows, this.limit, (row) => Math.max(...row.lives.map((life) => life.requests))
      * 1000 + row.cohorts.length * 100 + Math.min(row.lives.length, 99));
    // A row needs no label if the row above it has the same.
    shown.forEach((row, index) => {
      row.again = row.again && shown[index - 1]?.label === row.label && shown[index - 1].scope === row.scope;
    });
    return shown;
  }

  head(chosen) {
    const { columns, starts } = this.geometry;
    const { each } = this.geometry;
    const tight = each < 34;
    const apart = Math.ceil(28 / each); // so many columns share one number, where they are narrow
    const heads = columns.heads.map((head, index) => {
      const request = index < columns.first ? null : columns.numbers[index - columns.first];
      if (request !== null && (index - columns.first) % apart && request !== chosen) return null;
      const text = tight && request ? head.slice(1) : head;
      const narrow = { before: "pre", inherited: "fork" };
      const label = this.compact || this.width < 700 ? narrow[text] ?? text : text;
      const element = request === null ? make("span", { title: HEAD_TITLES[head] ?? "" }, label)
        : make("button", {
          type: "button", class: request === chosen ? "chosen" : "",
          tabindex: columns.numbers.includes(chosen) ? (request === chosen ? "0" : "-1") : index === columns.first ? "0" : "-1",
          "aria-label": `Open request ${request}`, onclick: () => this.open(request),
        }, label);
      element.style.left = `${starts[index]}px`;
      return element;
    }).filter(Boolean);
    return make("div", { role: "row", class: "line-heads", onkeydown: moveBetweenHeads },
      make("span", { role: "columnheader", class: "label" }, "object"),
      make("span", { role: "columnheader", class: "chart", "aria-label": "time" }, heads),
      make("span", { role: "columnheader", class: "words" }, this.geometry.words ? "lives for" : ""));
  }

  row(row, chosen) {
    const alone = row.lives.length <= (this.compact ? 1 : row.cohorts.length);
    const times = alone || row.counted ? "" : ` × ${formatNumber(row.lives.length)}`;
    const label = clean(row.label) + times;
    const room = this.geometry.words ? this.geometry.words / 8 : Infinity;
    const words = row.lives.length ? lifetimeWords(this.process, row, room) : this.absent(row);
    const element = make("div", { role: "row", class: `line-row ${row.scope} ${row.lives.length ? "" : "absent"}`, tabindex: "-1" },
      make("span", { role: "rowheader", class: `label depth-${row.depth} ${row.again ? "again" : ""}` },
        make("bdi", {}, label)),
      make("span", { role: "cell", class: "chart" }, this.chart(row, chosen),
        make("span", { class: row.lives.length ? "visually-hidden" : "nothing" }, this.describe(row))),
      make("span", { role: "cell", class: this.geometry.words ? "words" : "words visually-hidden" },
        scopeLabel(row.scope, words)));
    return withCard(element, () => this.facts(row, label, words));
  }

  absent(row) {
    return row.outside ? `${formatNumber(row.outside)} outside this window` : "none in this process";
  }

  chart(row, chosen) {
    const { starts, end, columns, each, early } = this.geometry;
    const middle = ROW_HEIGHT / 2;
    const small = each < 24;
    const right = (column) => starts[column] + (column < columns.first ? early : each);
    const parts = [];
    const at = columns.numbers.indexOf(chosen);
    if (at >= 0) {
      parts.push(make("svg:rect", { class: "column", x: starts[columns.first + at], y: 0,
        width: each, height: ROW_HEIGHT }));
    }
    parts.push(make("svg:path", { class: "grid",
      d: starts.map((x) => `M${(x + 5).toFixed(1)} 0V${ROW_HEIGHT}`).join("") }));
    for (const cohort of row.cohorts) {
      let heavy = "";
      let light = "";
      const lasts = cohort.end === null ? end + 6 : right(cohort.end) - (small ? 3 : 9);
      for (let column = cohort.start; column <= (cohort.end ?? columns.last); column += 1) {
        const from = starts[column] + 5;
        const to = column === (cohort.end ?? columns.last) ? lasts : right(column) + 5;
        const piece = `M${from.toFixed(1)} ${middle}H${to.toFixed(1)}`;
        if (cohort.used.has(column)) heavy += piece;
        else light += piece;
      }
      parts.push(make("svg:path", { class: "alive", d: light }),
        make("svg:path", { class: "used", d: heavy }));
      for (const column of cohort.births.keys()) {
        parts.push(make("svg:circle", { class: "born", cx: starts[column] + 5, cy: middle, r: small ? 3.6 : 4.5 }));
      }
      parts.push(cohort.end === null
        ? make("svg:path", { class: "on", d: `M${end + 4} ${middle - 5.5}L${end + 15} ${middle}L${end + 4} ${middle + 5.5}Z` })
        : make("svg:circle", { class: "freed", cx: lasts, cy: middle, r: small ? 2.8 : 3.8 }));
    }
    return make("svg:svg", { width: end + 20, height: ROW_HEIGHT, "aria-hidden": "true", focusable: "false" }, ...parts);
  }

  describe(row) {
    if (!row.lives.length) return this.absent(row);
    const { heads } = this.geometry.columns;
    return row.cohorts.slice(0, 12).map((cohort) => {
      const born = [...cohort.births.keys()].map((column) => heads[column]).join(", ");
      return `born ${born}, ${cohort.end === null ? "lives on" : `freed ${heads[cohort.end]}`}`;
    }).join("; ");
  }

  facts(row, label, words) {
    if (!row.lives.length) return { title: label, scope: row.scope, facts: [["here", words]] };
    if (row.lives.length === 1) {
      return { title: label, scope: row.scope, facts: lifeFacts(this.process, row.lives[0]) };
    }
    const ends = new Map();
    for (const life of row.lives) {
      const how = endWords(this.process, life).replace(/, by the time.*/, "");
      ends.set(how, (ends.get(how) ?? 0) + 1);
    }
    const names = [...new Set(row.lives.map((life) => clean(life.kind.name)))];
    const inside = (row.inside ?? []).flatMap((each) => each.lives.map((life) => life.kind.name));
    const uses = row.lives.map((life) => life.requests);
    const [least, most] = [Math.min(...uses), Math.max(...uses)];
    return {
      title: label, scope: row.scope,
      facts: [
        ["objects", formatNumber(row.lives.length)],
        names.length > 1 ? ["names", names.slice(0, 8).join(", ") + (names.length > 8 ? ` and ${names.length - 8} more` : "")] : null,
        ["class", clean(row.lives[0].kind.class)],
        ["lives for", lifetimeWords(this.process, row), `scope ${row.scope}`],
        ["each used by", least === most ? plural(most, "request") : `${least} to ${plural(most, "request")}`],
        ["freed", [...ends].map(([how, count]) => `${formatNumber(count)} ${how}`).join(" · ")],
        inside.length ? ["with them", groupNames(inside)] : null,
      ],
    };
  }

  notes(rows, shown, gone) {
    const pieces = [];
    if (shown.length < rows.length) {
      const hidden = rows.length - shown.length;
      pieces.push(make("button", { type: "button", class: "more", onclick: () => {
        this.limit = Infinity;
        this.draw();
      } }, `Draw ${plural(hidden, "more row")}`));
    }
    if (!rows.length) pieces.push(make("p", { class: "empty" }, "No object matches the filter."));
    if (gone && !this.compact) pieces.push(dim(`${plural(gone, "object")} lived outside this window. `));
    if (this.process.forced && !this.compact) {
      pieces.push(dim("The tracer ran a full collection at the end, to see which objects are held."));
    }
    return pieces.length ? make("div", { class: "notes" }, pieces) : "";
  }
}

// Arrows move from one column's head to the next.
function moveBetweenHeads(event) {
  const { key, target } = event;
  const next = { ArrowRight: target.nextElementSibling, ArrowLeft: target.previousElementSibling }[key];
  if (!next?.matches("button")) return;
  event.preventDefault();
  [target.tabIndex, next.tabIndex] = [-1, 0];
  next.focus();
}

const HEAD_TITLES = {
  before: "What existed when tracing began", inherited: "Built by the parent process, and received through a fork",
  boot: "Built after that, outside any request", "…": "Requests before those shown",
};
