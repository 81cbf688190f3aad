// The ledger of one process, and those of several processes side by side.

const mostFrequentScope = (row) => Object.entries(row.scopes).sort((one, other) => other[1] - one[1])[0]?.[0]
  ?? "undecided";
const rankOf = (row) => SCOPES.indexOf(mostFrequentScope(row));
const matchesScopes = (row, scopes) => !scopes.size || Object.keys(row.scopes).some((scope) => scopes.has(scope));

function scopeLabels(row) {
  const counts = Object.entries(row.scopes).sort((one, other) => other[1] - one[1]);
  return counts.map(([scope, count]) =>
    scopeLabel(scope, (counts.length > 1 ? `${formatNumber(count)} ` : "") + scopeWord(scope)));
}

// Classes that share a name are shown with their kind.
function namesOf(rows) {
  const counts = new Map();
  for (const row of rows) counts.set(row.name, (counts.get(row.name) ?? 0) + 1);
  return new Map(rows.map((row) =>
    [row, clean(counts.get(row.name) > 1 ? `${row.name} (${row.kind})` : row.name)]));
}

function firstIn(row) {
  if (row.first_built !== null) return `#${row.first_built}`;
  return row.first_phase === "request" ? "boot" : clean(row.first_phase);
}

function ledgerView(process, state) {
  const rows = process.ledgerRows.filter((row) => matchesScopes(row, state.scopes))
    .sort((one, other) => rankOf(one) - rankOf(other) || other.built - one.built
      || one.name.localeCompare(other.name));
  const names = namesOf(rows);
  const most = Math.max(1, ...rows.map((row) => row.built));
  const head = (text, mark = "") => make("th", { scope: "col", class: mark }, text);
  const freed = (row) => Object.entries(row.freed).sort((one, other) => other[1] - one[1])
    .map(([how, count]) => `${formatNumber(count)} ${packed.freed[how] ?? clean(how)}`).join(" · ");
  const body = rows.map((row) => make("tr", {},
    make("th", { scope: "row", title: clean(row.class) }, breakable(names.get(row))),
    make("td", { class: `number with-bar ${mostFrequentScope(row)}` }, countBar(row.built, most), formatNumber(row.built)),
    make("td", { class: "number dim" }, row.alive ? formatNumber(row.alive) : "–"),
    make("td", { class: "scopes" }, scopeLabels(row)),
    make("td", { class: "dim" }, firstIn(row)),
    make("td", { class: "number" }, row.requests ? formatNumber(row.requests) : "–"),
    make("td", { class: "dim" }, freed(row))));
  return make("section", { class: "ledger" },
    heading(2, `Ledger of process ${process.pid}`, dim(
      ` ${plural(process.served, "request")} · ${plural(rows.length, "kind of object", "kinds of objects")}`)),
    make("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": "Ledger" },
      make("table", {}, make("thead", {}, make("tr", {}, head("object"), head("built", "number"),
        head("alive", "number"), head("lives for"), head("first in"), head("requests", "number"),
        head("freed"))), make("tbody", {}, body))));
}

// A bar behind a number, as long as its square root, so that small numbers are visible too.
const countBar = (count, most) =>
  place(make("i", { "aria-hidden": "true" }), { width: `${Math.sqrt(count / most) * 100}%` });

const COMPARED_ROWS = 40;

// What each of several processes built: a row for each class, a column for each process.
function comparedLedgers(chosen, state, all = false) {
  const kinds = new Map();
  chosen.forEach((process, index) => {
    for (const row of process.ledgerRows) {
      const key = `${row.kind}|${row.class}`;
      if (!kinds.has(key)) kinds.set(key, { row, cells: [] });
      kinds.get(key).cells[index] = row;
    }
  });
  const found = [...kinds.values()].filter(({ row }) => matchesScopes(row, state.scopes))
    .sort((one, other) => rankOf(one.row) - rankOf(other.row)
      || mostBuilt(other) - mostBuilt(one) || one.row.name.localeCompare(other.row.name));
  const shown = all ? found : found.slice(0, COMPARED_ROWS);
  const names = namesOf(found.map(({ row }) => row));
  const most = Math.max(1, ...found.map(mostBuilt));
  const rows = shown.map(({ row, cells }) => {
    const built = chosen.map((_, index) => cells[index]?.built ?? 0);
    const same = built.every((count) => count === built[0]);
    return make("tr", { class: same ? "" : "differs" },
      make("th", { scope: "row", title: clean(row.class) }, breakable(names.get(row))),
      chosen.map((_, index) => comparedCell(cells[index], most)),
      make("td", { class: "dim" }, same ? "alike" : "differs"));
  });
  const section = make("section", { class: "ledger compared" },
    heading(2, "What each of them built"),
    make("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": "What each of them built" },
      make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "object"),
        chosen.map((process) => make("th", { scope: "col" }, `process ${process.pid}`)),
        make("th", { scope: "col" }, make("span", { class: "visually-hidden" }, "alike or not")))),
      make("tbody", {}, rows))));
  if (shown.length < found.length) {
    section.append(make("button", { type: "button", class: "more",
      onclick: () => section.replaceWith(comparedLedgers(chosen, state, true)) },
    `Draw ${plural(found.length - shown.length, "more row")}`));
  }
  return section;
}

const mostBuilt = ({ cells }) => Math.max(0, ...cells.filter(Boolean).map((row) => row.built));

function comparedCell(row, most) {
  if (!row) return make("td", { class: "dim" }, "none");
  return make("td", {}, make("span", { class: "side" },
    make("span", { class: `number with-bar ${mostFrequentScope(row)}` }, countBar(row.built, most), formatNumber(row.built)),
    make("span", { class: "scopes" }, scopeLabels(row))));
}
