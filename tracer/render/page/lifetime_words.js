// Words for how long an object lived, and for its birth and death.

function birthWords(life) {
  if (life.builtIn !== null) return `built in #${life.builtIn}`;
  if (life.kind.phase === "before") return "built before tracing";
  return life.kind.phase === "inherited" ? "built by the parent process" : "built at boot";
}

function endWords(process, life) {
  const { freed, mortal } = life.kind;
  if (life.freedIn === null) {
    if (freed === "process") return "with the process";
    return mortal ? "not seen: it lives on" : "cannot be seen";
  }
  const when = life.builtIn === life.freedIn ? "" : `, by the time of #${life.freedIn}`;
  const how = packed.freed[freed] ?? clean(freed);
  return `${how}${when}`;
}

// The facts of one object, for the card.
function lifeFacts(process, life) {
  const { kind } = life;
  const uses = life.requests === 0 ? "no request" : plural(life.requests, "request");
  const threads = kind.threads > 1 ? `, on ${kind.threads} threads` : "";
  return [
    ["object", clean(kind.name)],
    ["class", clean(kind.class)],
    ["lives for", scopeAndWords(life)[1], `scope ${scopeAndWords(life)[0]}`],
    ["born", `${birthWords(life)}${kind.thread ? ` on ${clean(kind.thread)}` : ""}`],
    ["used by", uses + threads],
    ["freed", endWords(process, life)],
    ["held by", clean(kind.held_by), "alarm"],
  ];
}

// The sentence at the end of a lifeline, the scope first, in about `room` characters.
function lifetimeWords(process, row, room = Infinity) {
  const [life] = row.lives;
  switch (row.scope) {
    case "process": return processWords(row);
    case "thread": return threadWords(row);
    case "connection": {
      const uses = row.lives.map((each) => each.requests);
      const most = Math.max(...uses);
      const upTo = Math.min(...uses) < most ? "up to " : "";
      return most ? `connection · used by ${upTo}${plural(most, "request")}` : "connection";
    }
    case "request": {
      const late = row.lives.some((each) => each.kind.outlived_by);
      if (life.kind.freed === "collector") return `request · freed ${late ? "late, " : ""}by the collector`;
      return late ? outlivedWords("request", row) : "request";
    }
    case "kept":
      return keptWords(row, room);
    default:
      return `undecided · ${whyUndecided(process, life)}`;
  }
}

function processWords(row) {
  const [life] = row.lives;
  if (life.builtIn === null) return "process";
  if (life.kind.by_import) return `process · made by the import of ${clean(life.kind.by_import)} in #${life.builtIn}`;
  if (life.freedIn !== null) return outlivedWords("process", row);
  const unused = row.lives.filter((each) => each.requests <= 1).length;
  if (!unused) return `process · built on first use, in #${life.builtIn}`;
  return `process · built in #${life.builtIn}, ${unused < row.lives.length ? `${unused} ` : ""}not used since`;
}

function threadWords(row) {
  const [life] = row.lives;
  if (row.lives.some((each) => each.freedIn !== null && each.kind.outlived_by)) return outlivedWords("thread", row);
  if (life.kind.root === "running") return `thread · while ${clean(life.kind.held_by)} runs`;
  const threads = new Set(row.lives.map((each) => each.kind.thread));
  const ended = row.lives.every((each) => each.kind.freed === "thread") ? " · ended with it" : "";
  const which = threads.size > 1 ? `one on each of ${threads.size}` : clean([...threads][0]);
  return (which ? `thread · ${which}` : "thread") + ended;
}

function outlivedWords(word, row) {
  const counts = row.lives.map((each) => each.kind.outlived_by);
  const most = Math.max(...counts);
  if (!most) return `${word} · gone before a later request`;
  const upTo = Math.min(...counts) < most ? "up to " : "";
  return `${word} · outlived its request by ${upTo}${plural(most, "request")}`;
}

function keptWords(row, room) {
  const since = Math.min(...row.lives.map((life) => life.builtIn ?? 0));
  const start = row.lives.some((life) => life.kind.one_at_a_time)
    ? "KEPT · one at a time, replaced by each request" : `KEPT since #${since}`;
  const paths = new Set(row.lives.filter((life) => life.freedIn === null && life.kind.held_by)
    .map((life) => life.kind.held_by));
  const spot = row.lives.map((life) => life.kind.spot).find(Boolean) ?? "";
  const holder = clean(paths.size === 1 ? [...paths][0] : spot.replaceAll("[*]", "[…]"));
  if (!holder) return start;
  // The end of a path says most.
  const left = Math.max(room - `${start} · by `.length, 14);
  return `${start} · by ${holder.length > left ? `…${holder.slice(1 - left).replace(/^[./]+/, "")}` : holder}`;
}

function whyUndecided(process, life) {
  if (life.kind.root) return `only ${clean(life.kind.held_by) || "a task"} holds it`;
  if (life.freedIn !== null) {
    return life.requests ? "used again, and gone before its holder was looked for" : "gone before a request used it";
  }
  if (!life.kind.mortal) return "its end cannot be seen";
  if (!process.walks || life.builtIn > process.walked_upto) return "nobody has looked yet for what holds it";
  return life.kind.survived ? "held, but no path to it was found" : "no path to it found: it may wait for the collector";
}
