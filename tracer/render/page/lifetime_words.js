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
  const late = life.freedIn - (life.builtIn ?? 0);
  const when = life.builtIn === life.freedIn ? "" : `, by the time of #${life.freedIn}`;
  const how = packed.freed[freed] ?? clean(freed);
  if (freed === "response" && late > 0) return `when nothing held it any more${when}`;
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

// The words at the end of a lifeline, the scope first, in about `room` characters.
function lifetimeWords(process, row, room = Infinity) {
  const [life] = row.lives;
  switch (row.scope) {
    case "process":
      return life.builtIn === null ? "process" : `process · built on first use, in #${life.builtIn}`;
    case "thread": {
      const threads = new Set(row.lives.map((each) => each.kind.thread));
      const ended = life.kind.freed === "thread" ? " · ended with it" : "";
      const which = threads.size > 1 ? `one on each of ${threads.size}` : clean([...threads][0]);
      return (which ? `thread · ${which}` : "thread") + ended;
    }
    case "connection": {
      const uses = row.lives.map((each) => each.requests);
      const most = Math.max(...uses);
      const upTo = Math.min(...uses) < most ? "up to " : "";
      return most ? `connection · open in ${upTo}${plural(most, "request")}` : "connection";
    }
    case "request": {
      const late = row.lives.some((each) => each.freedIn !== null && each.freedIn > each.builtIn);
      if (life.kind.freed === "collector") return `request · freed ${late ? "late, " : ""}by the collector`;
      return late ? "request · freed late" : "request";
    }
    case "kept":
      return keptWords(row, room);
    default:
      return `undecided · ${whyUndecided(life)}`;
  }
}

function keptWords(row, room) {
  const since = Math.min(...row.lives.map((life) => life.builtIn ?? 0));
  const start = since ? `KEPT since #${since}` : "KEPT";
  const freed = row.lives.every((life) => life.freedIn !== null) ? " · freed since" : "";
  const holders = new Set(row.lives.map((life) => life.kind.held_by).filter(Boolean).map(clean));
  if (!holders.size) return `${start} · holder unknown${freed}`;
  let [first] = holders;
  if (holders.size > 1) {
    const general = new Set([...holders].map((path) => path.replace(/\[[^\]]*\]/g, "[…]")));
    first = [...general].sort()[0] + (general.size > 1 ? " and others" : "");
  }
  // The end of a path says most.
  const left = Math.max(room - `${start} · by ${freed}`.length, 14);
  const holder = first.length > left ? `…${first.slice(1 - left).replace(/^[./]+/, "")}` : first;
  return `${start} · by ${holder}${freed}`;
}

function whyUndecided(life) {
  if (!life.requests) return "not used by a request";
  if (life.freedIn !== null) return "gone before a full collection";
  if (!life.kind.mortal) return "its end cannot be seen";
  if (life.requests > 1) return "used again, no full collection since";
  return life.kind.survived ? "held, while others like it were used again" : "no full collection since";
}
