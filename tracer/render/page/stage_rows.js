// The rows of a timeline: stages nested and in order, with runs of alike ones folded.

const MIN_RUN = 5; // from so many alike stages in a row on, they are folded
const SHOWN_OF_RUN = 2; // how many stages of a folded run are drawn one by one
const MAX_PERIOD = 3; // up to so many stages that alternate are a run
const ALIKE_WHATEVER_NAME = new Set(["import", "collection"]);

function buildTree(spans) {
  const nodes = spans.map((span, index) => ({ span, index, children: [], depth: 0, parent: null }));
  const roots = [];
  for (const node of nodes) {
    const parent = node.span.parent === null ? null : nodes[node.span.parent];
    if (parent && !isBelow(parent, node)) {
      node.parent = parent;
      parent.children.push(node);
    } else roots.push(node);
  }
  const byStart = (one, other) => one.span.start - other.span.start;
  const shapes = new Map();
  const ordered = [];
  const stack = [...roots];
  while (stack.length) {
    const node = stack.pop();
    node.depth = node.parent ? node.parent.depth + 1 : 0;
    node.children.sort(byStart);
    ordered.push(node);
    stack.push(...node.children);
  }
  for (const node of ordered.reverse()) {
    const { stage, name, thread, error } = node.span;
    const key = JSON.stringify([stage, ALIKE_WHATEVER_NAME.has(stage) ? "" : name, thread, error,
      node.children.map((child) => child.shape)]);
    if (!shapes.has(key)) shapes.set(key, shapes.size);
    node.shape = shapes.get(key);
  }
  return roots.sort(byStart);
}

// Whether a node is the other one or nested in it. In a damaged journal, parents may form a circle.
function isBelow(from, node) {
  for (let at = from; at; at = at.parent) if (at === node) return true;
  return false;
}

// The rows to draw. `closed` holds nodes that hide what is nested in them, `opened` opened runs.
function visibleRows(siblings, closed, opened, rows = []) {
  for (const row of fold(siblings, opened)) {
    rows.push(row);
    if (!row.folded && row.node.children.length && !closed.has(row.node.index)) {
      visibleRows(row.node.children, closed, opened, rows);
    }
  }
  return rows;
}

function fold(siblings, opened) {
  const rows = [];
  let index = 0;
  while (index < siblings.length) {
    const [period, times] = siblings.length < MIN_RUN ? [1, 1] : findRun(siblings, index);
    if (times < MIN_RUN) {
      rows.push({ node: siblings[index] });
      index += 1;
      continue;
    }
    const end = index + times * period;
    const from = index + SHOWN_OF_RUN * period;
    const isOpen = opened.has(siblings[from].index);
    for (let at = index; at < (isOpen ? end : from); at += 1) rows.push({ node: siblings[at] });
    if (!isOpen) {
      for (let offset = 0; offset < period; offset += 1) {
        const nodes = [];
        for (let at = from + offset; at < end; at += period) nodes.push(siblings[at]);
        rows.push({ node: nodes[0], folded: nodes, key: siblings[from].index });
      }
    }
    index = end;
  }
  return rows;
}

function findRun(siblings, start) {
  for (let period = 1; period <= MAX_PERIOD; period += 1) {
    let index = start + period;
    while (index < siblings.length && siblings[index].shape === siblings[index - period].shape) {
      index += 1;
    }
    const times = Math.floor((index - start) / period);
    if (times >= MIN_RUN) return [period, times];
  }
  return [1, 1];
}

// Rows that match, and faintly those that enclose them, so that the nesting stays readable.
function filterRows(rows, matches) {
  const wanted = new Set();
  for (const row of rows) {
    row.faint = !matches(row);
    if (!row.faint) for (let node = row.node; node; node = node.parent) wanted.add(node.index);
  }
  return rows.filter((row) => !row.faint || (wanted.has(row.node.index) && !row.folded));
}

// The pieces of a stage's bar: [start, end, heavy], heavy while the stage itself ran.
function barPieces(node) {
  const { start, end } = node.span;
  const inner = node.children.map((child) => child.span)
    .filter((span) => span.end <= end && span.end > span.start);
  const found = [];
  let at = start;
  for (const span of inner) {
    if (span.start > at) found.push([at, span.start, true]);
    if (span.end > at) found.push([Math.max(at, span.start), span.end, false]);
    at = Math.max(at, span.end);
  }
  if (at < end) found.push([at, end, true]);
  return found;
}

const ownTime = (node) => barPieces(node).reduce((sum, [from, to, own]) => sum + (own ? to - from : 0), 0);
