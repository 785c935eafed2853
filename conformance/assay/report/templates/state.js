// What is shown stands in the URL behind "#", so that every view and every cell has an address.
//
// run, base: names of runs ("none" for no base); by: "runs" for operation × run; show: standings or kinds of change,
// joined by commas; family, dtype, aspect; q: words to search; cell: "operation" or "operation/aspect".

const FIELDS = ["run", "base", "by", "show", "family", "dtype", "aspect", "q", "cell"];
let state = {};

function readState() {
  const given = new URLSearchParams(location.hash.slice(1));
  state = Object.fromEntries(FIELDS.map((field) => [field, given.get(field) ?? ""]));
}

/** The address of this view with some fields changed. */
function address(changes) {
  const next = new URLSearchParams();
  for (const field of FIELDS) {
    const value = changes[field] ?? state[field];
    if (value) next.set(field, value);
  }
  return `#${next.toString().replaceAll("%2F", "/").replaceAll("%2C", ",")}`;
}

/** Show another view. What is typed replaces the history's entry; what is opened makes a new one. */
function go(changes, typed = false) {
  const target = address(changes);
  if (target === (location.hash || "#")) return;
  if (typed) location.replace(target);
  else location.hash = target;
}

const shows = () => new Set(state.show.split(",").filter(Boolean));

/** [operation, aspect] of the opened cell; aspect "" for the whole operation. */
function opened() {
  const at = state.cell.lastIndexOf("/");
  return at < 0 ? [state.cell, ""] : [state.cell.slice(0, at), state.cell.slice(at + 1)];
}
