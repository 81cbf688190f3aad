// The rows of the lifelines, for a window of requests: objects that lived alike share a row, those
// that died in the same column share a line, and lines that do not overlap share a row as well.

const FOLD = 3; // from so many rows on, rows that differ in name alone are drawn as one

// The columns: the time before tracing, boot, requests before the window, then its requests.
class LifelineColumns {
  constructor(process, first, count) {
    const { numbers } = process;
    this.numbers = numbers.slice(first, first + count);
    this.heads = [];
    const phases = process.cached("phases", () => new Set(process.lives.map((life) => life.kind.phase)));
    for (const phase of ["before", "inherited"]) if (phases.has(phase)) this.heads.push(phase);
    this.heads.push("boot");
    this.boot = this.heads.length - 1;
    this.hasOmitted = first > 0 || (numbers.length > 0 && numbers[0] > 1);
    if (this.hasOmitted) this.heads.push("…");
    this.first = this.heads.length;
    this.heads.push(...this.numbers.map((each) => `#${each}`));
    this.hasLater = first + count < numbers.length;
    this.last = this.heads.length - 1;
  }

  // The column of a request; of one without a column, the column before it.
  ofRequest(request) {
    if (request === null || request <= 0) return this.boot;
    let low = 0;
    let high = this.numbers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.numbers[middle] <= request) low = middle + 1;
      else high = middle;
    }
    return this.first + low - 1;
  }

  ofBirth(life) {
    if (life.builtIn !== null) return this.ofRequest(life.builtIn);
    const early = this.heads.indexOf(life.kind.phase);
    if (early >= 0 && early < this.boot) return early;
    return life.builtAfter === null ? this.boot : this.ofRequest(life.builtAfter);
  }

  // Null while it lives, and if it outlives the window.
  ofDeath(life) {
    if (life.freedIn === null) return null;
    if (this.hasLater && this.numbers.length && life.freedIn > this.numbers.at(-1)) return null;
    return Math.max(this.ofRequest(life.freedIn), this.ofBirth(life));
  }

  shows(life) {
    const newest = this.numbers.at(-1);
    if (this.hasLater && (life.builtIn ?? life.builtAfter ?? 0) > newest) return false;
    return !(this.hasOmitted && life.freedIn !== null && life.freedIn < this.numbers[0]);
  }
}

function buildRows(process, columns, scopes) {
  const groups = new Map();
  let gone = 0;
  for (const life of process.lives) {
    const { scope, kind, name } = life.kind;
    if (scopes.size && !scopes.has(scope)) continue;
    // Few objects of thousands of requests are in the window: the cheap check comes first.
    if (!columns.shows(life)) {
      gone += 1;
      continue;
    }
    const key = `${scope}|${kind}|${name}|${alike(life)}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(life);
  }
  const used = columnsOfUse(process, columns);
  let rows = [];
  for (const lives of groups.values()) rows.push(...cohortRows(lives, columns, used));
  rows = foldAlike(mergeHeldTogether(rows), columns);
  const rank = (row) => SCOPES.indexOf(row.scope);
  rows.sort((one, other) => rank(one) - rank(other)
    || one.cohorts[0].start - other.cohorts[0].start || one.lives[0].id - other.lives[0].id);
  return { rows: belowOwners(rows, process), gone };
}

// What the objects of one row have in common besides scope, kind and name: the row's sentence is
// told of all of them, so all that it says must be true of each.
function alike(life) {
  const { scope, freed, outlived_by: outlived, one_at_a_time: single, spot, by_import: module, root } = life.kind;
  const dead = life.freedIn !== null;
  if (scope === "request") return [freed === "collector", dead && outlived > 0];
  if (scope === "kept") return [single, spot];
  if (scope === "process" || scope === "thread") return [module, dead, freed === "thread", root === "running"];
  return [dead, root, life.kind.survived, life.kind.mortal];
}

// The rows for processes side by side: one per class and scope, the same for all processes.
// Classes of one kind that live alike, such as middleware, share one row.
function commonKinds(chosen, scopes, limit) {
  const classes = new Map();
  for (const process of chosen) {
    for (const life of process.lives) {
      const { scope, kind, class: of } = life.kind;
      if (scopes.size && !scopes.has(scope)) continue;
      const key = kindKey(life);
      const known = classes.get(key) ?? { keys: [key], scope, kind, label: of.split(".").at(-1), uses: 0,
        early: life.builtIn ?? (life.kind.phase === "boot" ? 0 : -1), first: life.id };
      known.uses += life.requests;
      classes.set(key, known);
    }
  }
  const together = groupAlike([...classes.values()], ({ scope, kind, early }) =>
    (scope === "process" ? `${kind}|${early}` : null));
  const found = together.flatMap((same) => (same.length < FOLD ? same : [{ ...same[0],
    keys: same.map((one) => one.keys[0]), label: `${same[0].label} + ${same.length - 1}`, counted: true,
    uses: same.reduce((sum, one) => sum + one.uses, 0) }]));
  found.sort((one, other) => SCOPES.indexOf(one.scope) - SCOPES.indexOf(other.scope)
    || one.early - other.early || one.first - other.first);
  return { shown: selectRows(found, limit, (kind) => kind.uses, (scope) => SHARES_BESIDE[scope] ?? 1), found };
}

const kindKey = ({ kind }) => `${kind.scope}|${kind.kind}|${kind.class}`;
const SHARES_BESIDE = { process: 4, thread: 2, connection: 1, request: 3, kept: 2.5, undecided: 0.6 };

// Of too many rows, the most important: scopes with the most rows for their share lose theirs first.
// The picture is drawn to show kept objects; undecided ones matter least.
const SHARES = { kept: Infinity, undecided: 0.5 };

function selectRows(rows, limit, importance, share = (scope) => SHARES[scope] ?? 1) {
  if (rows.length <= limit) return rows;
  const counts = new Map();
  for (const row of rows) counts.set(row.scope, (counts.get(row.scope) ?? 0) + 1);
  const weight = ([scope, count]) => (count > 1 ? count / share(scope) : 0);
  for (let over = rows.length - limit; over > 0; over -= 1) {
    const [scope, count] = [...counts].reduce((one, other) =>
      (weight(other) > weight(one) ? other : one));
    counts.set(scope, count - 1);
  }
  const kept = new Set();
  for (const [scope, count] of counts) {
    rows.filter((row) => row.scope === scope).sort((one, other) => importance(other) - importance(one))
      .slice(0, count).forEach((row) => kept.add(row));
  }
  return rows.filter((row) => kept.has(row));
}

// The rows of such kinds: all objects of a kind on one line, even where they overlap. In a process
// that served nothing, such as a master of workers, all of them are undecided.
function rowsOfKinds(process, columns, kinds) {
  const rows = kinds.map(({ label, scope, counted }) => ({ label, scope, counted, lives: [],
    cohorts: [], depth: 0, outside: 0 }));
  const idle = process.requests.length === 0;
  const keyIn = (key) => (idle ? key.slice(key.indexOf("|")) : key);
  const home = new Map();
  kinds.forEach(({ keys }, index) => {
    for (const key of keys) if (!home.has(keyIn(key))) home.set(keyIn(key), rows[index]);
  });
  for (const life of process.lives) {
    const row = home.get(keyIn(kindKey(life)));
    if (!row) continue;
    if (idle) row.scope = life.kind.scope;
    if (columns.shows(life)) row.lives.push(life);
    else row.outside += 1;
  }
  const used = columnsOfUse(process, columns);
  for (const row of rows) {
    if (row.lives.length) row.cohorts = cohortRows(row.lives, columns, used).flatMap((each) => each.cohorts);
  }
  return rows;
}

// Object id to the columns whose requests used or built it.
function columnsOfUse(process, columns) {
  const found = new Map();
  const add = (id, column) => {
    if (!found.has(id)) found.set(id, new Set());
    found.get(id).add(column);
  };
  columns.numbers.forEach((each, index) => {
    const request = process.request(each);
    for (const id of process.sets[request.used]) add(id, columns.first + index);
    for (const life of process.bornIn.get(each) ?? []) add(life.id, columns.first + index);
  });
  return found;
}

function cohortRows(lives, columns, used) {
  const together = new Map();
  for (const life of lives) {
    const end = columns.ofDeath(life);
    const cohort = together.get(end) ?? { births: new Map(), end, used: new Set(), lives: [] };
    const start = columns.ofBirth(life);
    cohort.births.set(start, (cohort.births.get(start) ?? 0) + 1);
    cohort.lives.push(life);
    for (const column of used.get(life.id) ?? []) cohort.used.add(column);
    together.set(end, cohort);
  }
  const rows = [];
  for (const cohort of together.values()) cohort.start = Math.min(...cohort.births.keys());
  for (const cohort of [...together.values()].sort((one, other) => one.start - other.start)) {
    let row = rows.find(({ cohorts: [...before] }) =>
      before.at(-1).end !== null && before.at(-1).end < cohort.start);
    if (!row) {
      row = { label: lives[0].kind.name, scope: lives[0].kind.scope, lives: [], cohorts: [],
        depth: 0, again: rows.length > 0 };
      rows.push(row);
    }
    row.cohorts.push(cohort);
    row.lives.push(...cohort.lives);
  }
  return rows;
}

function groupAlike(rows, key) {
  const found = new Map();
  rows.forEach((row, index) => {
    const own = key(row) ?? index;
    found.set(own, [...(found.get(own) ?? []), row]);
  });
  return [...found.values()];
}

const holder = (row) => row.lives[0].kind.spot ?? "";

// Kept objects that are held together share a row, as all objects of a kept request do.
function mergeHeldTogether(rows) {
  const key = (row) => (row.scope === "kept" && row.cohorts.length === 1
    ? JSON.stringify([[...row.cohorts[0].births].sort(), row.cohorts[0].end]) : null);
  return groupAlike(rows, key).flatMap((same) => {
    const held = same.filter((row) => holder(row));
    if (same.length < 2 || !held.length) return same;
    const lead = held.sort((one, other) => holder(one).length - holder(other).length)[0];
    const within = same.filter((row) => [".", "["].some((mark) => holder(row).startsWith(holder(lead) + mark)));
    if (!within.length) return same;
    const objects = within.reduce((sum, row) => sum + row.lives.length, 0);
    const times = lead.lives.length > 1 ? ` × ${lead.lives.length}` : "";
    return [{ ...lead, label: `${lead.label}${times} + ${objects}`, counted: true, inside: within },
      ...same.filter((row) => row !== lead && !within.includes(row))];
  });
}

// Rows of one kind that differ in their names alone are merged.
function foldAlike(rows) {
  const key = (row) => {
    const [cohort] = row.cohorts;
    if (row.cohorts.length > 1 || cohort.births.size > 1 || row.scope === "kept") return null;
    const unused = row.scope === "undecided" && !row.lives[0].requests;
    return JSON.stringify([row.scope, cohort.start, cohort.end, unused ? "" : row.lives[0].kind.kind, alike(row.lives[0])]);
  };
  return groupAlike(rows, key).flatMap((same) => {
    if (same.length < FOLD) return same;
    const lives = same.flatMap((row) => row.lives);
    const words = new Set(lives.map((life) => life.kind.name.split(" ")[0]));
    const [cohort] = same[0].cohorts;
    const merged = { births: new Map([[cohort.start, lives.length]]), end: cohort.end, lives,
      start: cohort.start, used: new Set(same.flatMap((row) => [...row.cohorts[0].used])) };
    const one = words.size === 1;
    return [{ label: one ? [...words][0] : `${same[0].label} + ${lives.length - 1}`, counted: !one,
      scope: same[0].scope, lives, cohorts: [merged], depth: 0 }];
  });
}

// A resource stands below the object that owns it.
function belowOwners(rows, process) {
  const home = new Map(rows.flatMap((row) => row.lives.map((life) => [life.id, row])));
  const below = new Map();
  const top = [];
  for (const row of rows) {
    const above = home.get(row.lives[0].owner);
    if (!above || above === row || process.lifeById.get(above.lives[0].owner)) top.push(row);
    else {
      row.depth = 1;
      below.set(above, [...(below.get(above) ?? []), row]);
    }
  }
  return top.flatMap((row) => [row, ...(below.get(row) ?? [])]);
}
