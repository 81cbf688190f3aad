// The list of a process's requests. Only those in sight are elements: there may be thousands.

const OPTION = 46; // pixels, as in the style sheet
const AROUND = 6; // options drawn above and below those in sight

class RequestList {
  constructor(process, chosen, choose) {
    this.process = process;
    this.chosen = chosen;
    this.choose = choose;
    this.shown = process.requests;
    this.search = make("input", {
      type: "search", id: "search", placeholder: "path, status, #number",
      autocomplete: "off", spellcheck: "false", oninput: () => this.filter(),
    });
    this.kind = make("select", { id: "kind", onchange: () => this.filter() },
      ...Object.entries(KINDS).map(([value, [label]]) => make("option", { value }, label)));
    this.count = make("p", { class: "dim count", role: "status" });
    this.space = make("div", { class: "space" });
    this.box = make("div", {
      role: "listbox", tabindex: "0", class: "options",
      "aria-label": `Requests of process ${process.pid}`,
      onscroll: () => this.draw(), onreveal: (event) => this.show(event.detail), onkeydown: (event) => this.key(event),
    }, this.space);
    this.element = make("section", { class: "requests", "aria-label": "Requests" },
      make("div", { class: "search-fields" },
        make("label", { for: "search", class: "visually-hidden" }, "Find requests"), this.search,
        make("label", { for: "kind", class: "visually-hidden" }, "Show"), this.kind),
      this.count, this.box);
    this.filter();
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  filter() {
    const words = this.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const matches = KINDS[this.kind.value][1];
    this.shown = this.process.requests.filter((request) => {
      if (!matches(request, this.process)) return false;
      if (!words.length) return true;
      const text = `#${request.number} ${request.method} ${clean(request.path)} ${request.status}`;
      return words.every((word) => text.toLowerCase().includes(word));
    });
    const all = this.process.requests.length;
    this.count.textContent = this.shown.length === all
      ? plural(all, "request") : `${formatNumber(this.shown.length)} of ${plural(all, "request")}`;
    this.space.style.height = `${this.shown.length * OPTION}px`;
    this.reveal();
    this.draw();
  }

  get at() {
    return this.shown.findIndex((request) => request.number === this.chosen);
  }

  reveal() {
    const { at, box } = this;
    const top = Math.max(at, 0) * OPTION;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + OPTION > box.scrollTop + box.clientHeight) {
      box.scrollTop = top + OPTION - box.clientHeight;
    }
  }

  draw() {
    const { box, shown } = this;
    const first = Math.max(Math.floor(box.scrollTop / OPTION) - AROUND, 0);
    const last = Math.ceil((box.scrollTop + (box.clientHeight || 600)) / OPTION) + AROUND;
    const options = shown.slice(first, last).map((request, index) =>
      this.option(request, first + index));
    this.space.replaceChildren(...options);
    const active = this.space.querySelector("[aria-selected=true]");
    if (active) box.setAttribute("aria-activedescendant", active.id);
    else box.removeAttribute("aria-activedescendant");
  }

  option(request, index) {
    const kept = this.process.keptBy(request.number);
    const option = make("div", {
      role: "option", id: `request-${request.number}`, class: "option",
      "aria-selected": String(request.number === this.chosen),
      "aria-setsize": this.shown.length, "aria-posinset": index + 1,
      onclick: () => this.take(request.number),
    },
    make("span", { class: "line" },
      make("b", {}, `#${request.number}`),
      make("span", { class: failed(request) ? "alarm" : "dim" },
        request.status === null ? statusWords(request) : request.status),
      kept ? make("span", { class: "alarm" }, `${kept} KEPT`) : null,
      make("span", { class: "took" }, request.ending === CUT_OFF ? "" : duration(request.duration))),
    make("span", { class: "path" }, `${clean(request.method)} ${clean(request.path)}`));
    option.style.top = `${index * OPTION}px`;
    return option;
  }

  show(chosen) {
    this.chosen = chosen;
    this.reveal();
    this.draw();
  }

  take(chosen) {
    this.show(chosen);
    this.choose(chosen);
  }

  key(event) {
    const page = Math.max(Math.floor(this.box.clientHeight / OPTION) - 1, 1);
    const last = this.shown.length - 1;
    const { at } = this;
    const to = {
      ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + page,
      PageUp: at - page,
    }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.take(this.shown[Math.max(0, Math.min(to, last))].number);
  }
}

const KINDS = {
  all: ["all requests", () => true],
  failed: ["that failed", failed],
  missed: ["status 400 and above", (request) => request.status === null || request.status >= 400],
  kept: ["that left something KEPT", (request, process) => process.keptBy(request.number) > 0],
};
