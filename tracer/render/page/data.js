// What was recorded: read once, unpacked when it is looked at.

const packed = JSON.parse(document.getElementById("data").textContent);
const TENTHS = 10000; // of a microsecond, in a millisecond

function unpack(kind, row) {
  const made = {};
  packed.fields[kind].forEach((field, index) => {
    const value = row[index];
    if (field[0] === "$") made[field.slice(1)] = value === null ? null : packed.texts[value];
    else if (field[0] === "*") made[field.slice(1)] = value.map((text) => packed.texts[text]);
    else made[field] = value;
  });
  return made;
}

class Process {
  constructor(told, index) {
    const { requests, lives, ...plain } = told;
    Object.assign(this, plain);
    this.index = index;
    this.rows = requests;
    this.livesRows = lives;
    this.cache = {};
  }

  once(name, make) {
    if (!(name in this.cache)) this.cache[name] = make();
    return this.cache[name];
  }

  // Every request, oldest first; their stages stay packed.
  get all() {
    return this.once("all", () => this.rows.map((row) => unpack("request", row)));
  }

  get numbers() {
    return this.once("numbers", () => this.all.map((request) => request.number));
  }

  request(number) {
    const places = this.once("places", () => new Map(this.all.map((each) => [each.number, each])));
    return places.get(number) ?? null;
  }

  get lives() {
    return this.once("lives", () => {
      const kinds = this.kinds.map((row) => unpack("kind", row));
      let id = 0;
      return this.livesRows.map((row) => {
        id += row[0];
        const [, of, builtIn, freedIn = null, requests = 1, last = builtIn, owner = null,
          builtAfter = null] = row;
        return { id, kind: kinds[of], builtIn, freedIn, requests, last, owner, builtAfter };
      });
    });
  }

  get byId() {
    return this.once("byId", () => new Map(this.lives.map((life) => [life.id, life])));
  }

  get bornIn() {
    return this.once("bornIn", () => {
      const found = new Map();
      for (const life of this.lives) {
        if (life.builtIn === null) continue;
        if (!found.has(life.builtIn)) found.set(life.builtIn, []);
        found.get(life.builtIn).push(life);
      }
      return found;
    });
  }

  // How many of a request's objects are kept.
  keptBy(number) {
    const kept = this.once("kept", () => {
      const counts = new Map();
      for (const life of this.lives) {
        if (life.kind.scope === "kept") counts.set(life.builtIn, (counts.get(life.builtIn) ?? 0) + 1);
      }
      return counts;
    });
    return kept.get(number) ?? 0;
  }

  get usedSets() {
    return this.once("usedSets", () => this.sets.map((ids) => new Set(ids)));
  }

  uses(request, id) {
    return this.usedSets[request.used].has(id);
  }

  // The how manieth use of an object a request is.
  use(life, number) {
    let later = 0;
    for (let index = this.all.length - 1; index >= 0; index -= 1) {
      const request = this.all[index];
      if (request.number <= number) break;
      if (request.number === life.builtIn || this.uses(request, life.id)) later += 1;
    }
    return Math.max(life.requests - later, 1);
  }

  get counted() {
    return this.once("counted", () => this.ledger.map((row) => unpack("ledger", row)));
  }

  spans(row) {
    const stages = this.once("unpackedStages", () => this.stages.map((one) => unpack("stage", one)));
    const spans = [];
    for (let at = 0; at < row.length; at += 4) {
      const start = row[at + 1];
      const object = row[at + 3];
      spans.push({
        ...stages[row[at]], start, end: start + row[at + 2], object: object ? object - 1 : null,
      });
    }
    return spans;
  }
}

const processes = packed.processes.map((told, index) => new Process(told, index));
