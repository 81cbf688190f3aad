// Numbers and names as people read them; names from outside are made safe to show.

const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const EACH_HIDDEN = new RegExp(HIDDEN.source, "gu");

// Writes control characters and bidirectional overrides as escapes, as on the console.
function clean(text) {
  const shown = String(text ?? "");
  if (!HIDDEN.test(shown)) return shown;
  return shown.replace(EACH_HIDDEN, (char) => {
    const code = char.codePointAt(0);
    if (code < 256) return `\\x${code.toString(16).padStart(2, "0")}`;
    if (code < 65536) return `\\u${code.toString(16).padStart(4, "0")}`;
    return `\\U${code.toString(16).padStart(8, "0")}`;
  });
}

const grouping = new Intl.NumberFormat("en-US");
const formatNumber = (value) => grouping.format(value);
const plural = (count, noun, pluralNoun = `${noun}s`) => `${formatNumber(count)} ${count === 1 ? noun : pluralNoun}`;

function milliseconds(tenths) {
  const value = tenths / TENTHS;
  if (value < 10) return value.toFixed(2);
  return value < 100 ? value.toFixed(1) : formatNumber(Math.round(value));
}

function duration(tenths) {
  if (tenths < TENTHS) return `${Math.round(tenths / 10)} µs`;
  if (tenths < 10000 * TENTHS) return `${milliseconds(tenths)} ms`;
  return `${(tenths / TENTHS / 1000).toFixed(1)} s`;
}

function size(count) {
  if (count < 1000) return `${count} B`;
  let value = count;
  let unit = "B";
  for (unit of ["kB", "MB", "GB"]) {
    value /= 1000;
    if (value < 999.5) break;
  }
  return `${value < 99.95 ? value.toFixed(1) : formatNumber(Math.round(value))} ${unit}`;
}

function clock(epoch) {
  const time = new Date(epoch);
  const two = (value) => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

// Names with the same first word are counted as one: "Template × 4, Menu view and 2 more".
function groupNames(names, first = 3) {
  const groups = new Map();
  for (const name of names) {
    const word = name.split(" ")[0];
    groups.set(word, [...(groups.get(word) ?? []), name]);
  }
  const shown = [...groups].slice(0, first).map(([word, group]) => {
    const name = clean(new Set(group).size === 1 ? group[0] : word);
    return group.length > 1 ? `${name} × ${group.length}` : name;
  });
  const rest = groups.size - shown.length;
  return shown.join(", ") + (rest ? ` and ${rest} more` : "");
}

const SCOPES = packed.scopes;
const scopeWord = (scope) => (scope === "kept" ? "KEPT" : scope);

// The scope whose colour is used, and the words for it.
function scopeAndWords(life) {
  if (!life) return [null, ""];
  const { scope, earlier } = life.kind;
  if (scope !== "undecided") return [scope, scopeWord(scope)];
  if (earlier) return [earlier, `≈ ${scopeWord(earlier)}`];
  return [scope, "not known yet"];
}

const REASONS = {
  200: "OK", 201: "Created", 204: "No Content", 301: "Moved Permanently", 302: "Found",
  304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
  404: "Not Found", 405: "Method Not Allowed", 429: "Too Many Requests",
  500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
};

const CUT_OFF = "cut off";

function statusWords({ status, ending }) {
  if (status === null) return ending === CUT_OFF ? CUT_OFF : "no response";
  return REASONS[status] ? `${status} ${REASONS[status]}` : String(status);
}

const failed = (request) => request.status === null || request.status >= 500;
const serverWords = (process) => clean(`${process.server} ${process.mode}`.trim());
