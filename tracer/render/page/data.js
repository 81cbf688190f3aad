// The recorded processes: parsed once, and unpacked piece by piece when a picture needs them.

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
  constructor(packedProcess, index) {
    const { requests, lives, ...plain } = packedProcess;
    Object.assign(this, plain);
    this.index = index;
    this.requestRows = requests;
    this.lifeRows = lives;
    this.cache = {};
  }

  cached(name, make) {
    if (!(name in this.cache)) this.cache[name] = make();
    return this.cache[name];
  }

  // Every request, oldest first; their stages stay packed.
  get requests() {
    return this.cached("requests", () => this.requestRows.map((row) => unpack("request", row)));
  }

  get numbers() {
    return this.cached("numbers", () => this.requests.map((request) => request.number));
  }

  request(number) {
    const places = this.cached("places", () => new Map(this.requests.map((each) => [each.number, each])));
    return places.get(number) ?? null;
  }

  get lives() {
    return this.cached("lives", () => {
      const kinds = this.kinds.map((row) => unpack("kind", row));
      let id = 0;
      return this.lifeRows.map((row) => {
        id += row[0];
        const [, of, builtIn, freedIn = null, requests = 1, last = builtIn, owner = null,
          builtAfter = null] = row;
        return { id, kind: kinds[of], builtIn, freedIn, requests, last, owner, builtAfter };
      });
    });
  }

  get lifeById() {
    return this.cached("lifeById", () => new Map(this.lives.map((life) => [life.id, life])));
  }

  get bornIn() {
    return this.cached("bornIn", () => {
      const found = new Map();
      for (const life of this.lives) {
        if (life.builtIn === null) continue;
        if (!found.has(life.builtIn)) found.set(life.builtIn, []);
        found.get(life.builtIn).push(life);
      }
      return found;
    });
  }

  // The number of a request's objects that are kept.
  keptBy(number) {
    const kept = this.cached("kept", () => {
      const counts = new Map();
      for (const life of this.lives) {
        if (life.kind.scope === "kept") counts.set(life.builtIn, (counts.get(life.builtIn) ?? 0) + 1);
      }
      return counts;
    });
    return kept.get(number) ?? 0;
  }

  get idSets() {
    return this.cached("idSets", () => this.sets.map((ids) => new Set(ids)));
  }

  uses(request, id) {
    return this.idSets[request.used].has(id);
  }

  // How often an object has been used up to and including a request.
  useNumber(life, number) {
    let later = 0;
    for (let index = this.requests.length - 1; index >= 0; index -= 1) {
      const request = this.requests[index];
      if (request.number <= number) break;
      if (request.number === life.builtIn || this.uses(request, life.id)) later += 1;
    }
    return Math.max(life.requests - later, 1);
  }

  get ledgerRows() {
    return this.cached("ledgerRows", () => this.ledger.map((row) => unpack("ledger", row)));
  }

  unpackSpans(row) {
    const stages = this.cached("unpackedStages", () => this.stages.map((one) => unpack("stage", one)));
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

const processes = packed.processes.map((packedProcess, index) => new Process(packedProcess, index));
