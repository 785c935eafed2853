// The data of the page, and small helpers that build elements; text is never parsed as HTML.

const $ = (id) => document.getElementById(id);

/** An element: properties by name ("class", "text", "on…", attributes), then children; null and "" are left out. */
function h(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== ""));
  return made;
}

function svg(tag, properties = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const number = (n) => n.toLocaleString("en");
const count = (n, noun, plural = `${noun}s`) => `${number(n)} ${n === 1 ? noun : plural}`;
const by = (key) => (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);

/** What stands in a cell: a sign that needs no colour, and the words for it. */
const STANDING = {
  crash: { sign: "crash", words: "the process died" },
  memory: { sign: "memory", words: "took too much memory" },
  timeout: { sign: "hang", words: "no answer in time" },
  deviates: { sign: "✕", words: "answers otherwise than the reference", counted: true },
  flaky: { sign: "~", words: "deviated once, and not again", counted: true },
  missing: { sign: "–", words: "not there", counted: true },
  scored: { sign: "△", words: "differs, but does not fail the run", counted: true },
  known: { sign: "≈", words: "deviates as the ledger says", counted: true },
  unjudged: { sign: "?", words: "could not be judged" },
  conforms: { sign: "✓", words: "answers as the reference does" },
};
const standing = (name) => STANDING[name] ?? { sign: name, words: name };

/** "2026-11-22 00:11 UTC" of an ISO time; "" for none. */
function moment(iso) {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(iso ?? "");
  return found ? `${found[1]} ${found[2]}${/(Z|\+00:00)$/.test(iso) ? " UTC" : ""}` : "";
}

function duration(seconds) {
  if (!seconds) return "";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The data, unpacked. */
async function unpack() {
  const packed = atob($("data").textContent.trim());
  const bytes = Uint8Array.from(packed, (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Copy text; where the clipboard is closed to this page, by a selection. */
async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = h("textarea", { readonly: true, class: "hidden" });
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = before), 1500);
}
