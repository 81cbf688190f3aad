// What every picture needs: elements, the card with facts, and rows that can be walked by keys.
// Names from outside become text nodes: no script here reads any text as HTML.

function make(tag, attributes = {}, ...children) {
  const element = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const $ = (id) => document.getElementById(id);
const place = (element, styles) => {
  Object.assign(element.style, styles);
  return element;
};

function say(text) {
  $("announcer").textContent = text;
}

// Words in their scope's colour, with a mark: no meaning is carried by colour alone.
function scopeLabel(scope, words, extra = "") {
  return make("span", { class: `scope ${scope ?? ""} ${extra}` },
    scope ? make("i", { "aria-hidden": "true" }) : null, words);
}

// -- the card -------------------------------------------------------------------------------------

const card = $("card");
let owner = null;

function showCard(element, content, point) {
  const { title, lesson, facts = [], scope } = content;
  card.className = scope ? `card ${scope}` : "card";
  card.replaceChildren(
    make("strong", {}, title),
    ...(lesson ? [make("p", { class: "lesson" }, lesson)] : []),
    make("dl", {}, facts.filter((fact) => fact && fact[1] !== "" && fact[1] !== null).map(
      ([name, value, mark]) => make("div", {}, make("dt", {}, name),
        make("dd", { class: mark ?? "" }, value)))),
  );
  card.hidden = false;
  owner = element;
  element.setAttribute("aria-describedby", "card");
  const box = element.getBoundingClientRect();
  const narrow = window.innerWidth < 700;
  card.classList.toggle("docked", narrow);
  if (narrow) {
    place(card, { left: "", top: "" });
    return;
  }
  const { offsetWidth: width, offsetHeight: height } = card;
  const across = point ? point.x + 18 : box.left + Math.min(box.width / 3, 320);
  const below = box.bottom + 6;
  const top = below + height < window.innerHeight ? below : Math.max(box.top - height - 6, 8);
  place(card, {
    left: `${Math.max(8, Math.min(across, window.innerWidth - width - 12))}px`,
    top: `${top}px`,
  });
}

function hideCard() {
  if (owner) owner.removeAttribute("aria-describedby");
  owner = null;
  card.hidden = true;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !card.hidden) {
    hideCard();
    event.stopPropagation();
  }
}, true);
window.addEventListener("scroll", () => {
  if (owner && !owner.matches(":focus")) hideCard();
}, { passive: true });

// Shows a card beside an element on hover and on focus; only then `content` makes it.
function withCard(element, content) {
  element.addEventListener("pointerenter", (event) => {
    if (event.pointerType !== "touch") showCard(element, content(), { x: event.clientX });
  });
  element.addEventListener("pointerleave", (event) => {
    if (owner === element && event.relatedTarget !== card) hideCard();
  });
  element.addEventListener("focus", () => {
    if (element.matches(":focus-visible") || window.innerWidth < 700) showCard(element, content());
  });
  element.addEventListener("blur", () => {
    if (owner === element) hideCard();
  });
  return element;
}

card.addEventListener("pointerleave", hideCard);

// -- rows and keys --------------------------------------------------------------------------------

// Tab reaches one of the rows; from there arrows, Home, End and the page keys move to others.
function moveByKeys(container, selector, act = () => false) {
  const rows = () => [...container.querySelectorAll(selector)];
  const choose = (row) => {
    for (const each of rows()) each.tabIndex = each === row ? 0 : -1;
  };
  const first = rows()[0];
  if (first && !rows().some((row) => row.tabIndex === 0)) choose(first);
  container.addEventListener("focusin", (event) => {
    const row = event.target.closest(selector);
    if (row) choose(row);
  });
  container.addEventListener("keydown", (event) => {
    const row = event.target.closest(selector);
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = rows();
    const at = all.indexOf(row);
    const last = all.length - 1;
    const to = {
      ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + 10, PageUp: at - 10,
    }[event.key];
    if (to !== undefined) {
      const next = all[Math.max(0, Math.min(to, last))];
      choose(next);
      next.scrollIntoView({ block: "nearest" });
      next.focus({ preventScroll: true });
      event.preventDefault();
    } else if (act(event, row)) {
      event.preventDefault();
    }
  });
}

// Buttons that filter: those that are pressed are shown, and all if none is pressed.
function toggles(container, choices, chosen, changed) {
  for (const { name, label, scope } of choices) {
    const button = make("button", {
      type: "button", class: `toggle ${scope ?? ""}`, "aria-pressed": String(chosen.has(name)),
      onclick: () => {
        if (chosen.has(name)) chosen.delete(name);
        else chosen.add(name);
        button.setAttribute("aria-pressed", String(chosen.has(name)));
        changed();
      },
    }, scope ? make("i", { "aria-hidden": "true" }) : null, label);
    container.append(button);
  }
}

// A class's name, with possible line breaks between its words.
const breakable = (name) => name.split(/(?<=[a-z0-9])(?=[A-Z])/).flatMap((word) => [make("wbr"), word]).slice(1);

const heading = (level, text, ...more) => make(`h${level}`, {}, text, ...more);
const dim = (text) => make("span", { class: "dim" }, text);
