// The matrix: a real table with the keys of a grid. Rows are made once for each run, base and dtype; filters hide them.

let made = "", rows = [], groups = [], columns = [];
let focused = "";

const aspectsShown = () => (state.aspect && data.aspects.includes(state.aspect) ? [state.aspect] : data.aspects);
const byRuns = () => state.by === "runs" && data.runs.length > 1;

/** What an element of the matrix says: sign and number, and the words for a screen reader. */
function face(cell, kind) {
  if (!cell) return { text: "", label: kind ? `not judged, ${kind}` : "not judged", name: "none" };
  const { sign, counted } = standing(cell.standing);
  const n = counted && cell.bad ? ` ${number(cell.bad)}` : "";
  const of = cell.cases ? `, ${cell.bad ? `${number(cell.bad)} of ` : ""}${count(cell.cases, "case")}` : "";
  const words = cell.of ? (cell.bad ? `, ${cell.bad} of ${count(cell.of, "aspect")}` : "") : of;
  return { text: sign + n, label: `${cell.standing}${words}${kind ? `, ${kind}` : ""}`, name: cell.standing };
}

/** One cell: a link to its address. place: "operation/aspect", or "operation@run" in the matrix of runs. */
function field(cell, kind, place) {
  const { text, label, name } = face(cell, kind);
  const mark = { "newly failing": " new", "newly passing": " fixed", "newly missing": " new" }[kind] ?? "";
  const link = h("a", { href: target(place), tabindex: -1, "data-place": place, "aria-label": label, text });
  if (mark) link.append(h("b", { text: mark }));
  return h("td", { role: "gridcell", class: `s-${name}${moved(kind) ? " changed" : ""}` }, link);
}

function buildMatrix() {
  const run = currentRun(), base = byRuns() ? null : baseRun(), aspects = aspectsShown();
  const key = [run.name, base?.name, state.dtype, state.aspect, byRuns()].join("\n");
  if (key === made) return;
  made = key;
  columns = byRuns() ? data.chronology.map((i) => data.runs[i]) : aspects;
  rows = [];
  groups = [];
  const table = h("table", { role: "grid", id: "grid", class: byRuns() ? "runs" : "aspects", "aria-readonly": "true" });
  table.setAttribute("aria-label", byRuns() ? "Operations by runs" : `Operations by aspects, ${run.subject}`);
  const body = [];
  for (const [name, ops] of data.families) {
    const group = { name, rows: [], note: h("span", { class: "note" }) };
    const present = byRuns() ? ops : ops.filter((op) => run.cells[op] || base?.cells[op]);
    for (const op of present) {
      const row = byRuns() ? runsRow(op, aspects) : aspectsRow(run, base, op, aspects);
      row.group = group;
      rows.push(row);
      group.rows.push(row);
    }
    if (!group.rows.length) continue;
    const head = h("th", { scope: "rowgroup", role: "rowheader", colspan: columns.length + 1 }, h("span", { text: `${name} ` }), group.note);
    group.head = h("tr", { role: "row", class: "family" }, head);
    group.body = h("tbody", { role: "rowgroup" }, group.head, group.rows.map((row) => row.element));
    groups.push(group);
    body.push(group.body);
  }
  table.append(byRuns() ? runsHead() : aspectsHead(run, aspects), ...body);
  $("scroll").replaceChildren(table);
}

function aspectsRow(run, base, op, aspects) {
  const row = { op, cells: [] };
  const fields = aspects.map((aspect) => {
    const cell = cellOf(run, op, aspect, state.dtype);
    const kind = base ? changeKind(cellOf(base, op, aspect, state.dtype), cell) : "";
    row.cells.push([cell, kind]);
    return field(cell, kind, `${op}/${aspect}`);
  });
  row.text = textOf(run, op);
  row.element = h("tr", { role: "row" }, rowHead(op), fields);
  return row;
}

function runsRow(op, aspects) {
  const found = columns.map((run) => opOf(run, op, aspects, state.dtype));
  const differ = new Set(found.filter(Boolean).map((cell) => cell.standing)).size > 1 ? "changed" : "";
  const row = { op, cells: found.map((cell) => [cell, differ]), text: columns.map((run) => textOf(run, op)).join("\n") };
  row.element = h("tr", { role: "row" }, rowHead(op), found.map((cell, i) => field(cell, "", `${op}@${columns[i].name}`)));
  return row;
}

const rowHead = (op) =>
  h("th", { scope: "row", role: "rowheader" }, h("a", { href: target(op), tabindex: -1, "data-place": op, text: op }));

/** What opening a place of the matrix changes in the state. */
function opens(place) {
  const at = place.indexOf("@");
  return at < 0 ? { cell: place } : { cell: place.slice(0, at), run: place.slice(at + 1) };
}

/** The address of a place alone; it becomes that of the whole view when somebody points at it. */
const target = (place) => `#${new URLSearchParams(opens(place)).toString().replaceAll("%2F", "/")}`;

function aspectsHead(run, aspects) {
  const levels = h("tr", { role: "row", class: "levels" }, h("td", { role: "presentation", class: "none" }));
  let at = 0;
  for (const [level, n] of data.levels) {
    const covered = data.aspects.slice(at, at + n).filter((aspect) => aspects.includes(aspect)).length;
    at += n;
    if (covered) levels.append(h("th", { scope: "colgroup", role: "columnheader", colspan: covered, text: level || "other" }));
  }
  const names = aspects.map((aspect) => {
    const cells = rows.map((row) => row.cells[aspects.indexOf(aspect)][0]).filter(Boolean);
    const bad = cells.filter((cell) => cell.fails).length;
    const under = run.scored.includes(aspect) ? "scored" : bad ? `${number(bad)} fail` : "";
    return h("th", { scope: "col", role: "columnheader" }, aspect.replaceAll("_", " "), h("small", { text: under }));
  });
  const corner = h("th", { scope: "col", role: "columnheader", class: "corner", text: "operation" });
  return h("thead", { role: "rowgroup" }, levels, h("tr", { role: "row" }, corner, names));
}

function runsHead() {
  const names = columns.map((run) =>
    h("th", { scope: "col", role: "columnheader", "aria-current": run === currentRun() ? "true" : null },
      run.subject, h("small", { text: moment(run.started) || run.name, title: run.name }), h("small", { text: `${run.profile}, seed ${run.seed}` })));
  const corner = h("th", { scope: "col", role: "columnheader", class: "corner", text: "operation" });
  return h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, corner, names));
}

/** Hide what the filters leave out; say how much is left. */
function filterMatrix() {
  const wanted = shows(), words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const group of groups) {
    let left = 0, bad = 0;
    for (const row of group.rows) {
      const visible =
        (!state.family || group.name === state.family) &&
        words.every((word) => row.text.includes(word)) &&
        (!state.dtype || row.cells.some(([cell]) => cell)) &&
        (!wanted.size || row.cells.some(([cell, kind]) => matches(wanted, cell, kind)));
      row.element.hidden = !visible;
      row.visible = visible;
      left += visible;
      bad += row.cells.some(([cell]) => cell?.fails);
    }
    group.body.hidden = !left;
    const all = group.rows.length;
    const told = left === all ? count(all, "operation") : `${left} of ${count(all, "operation")}`;
    group.note.textContent = bad ? `${told}, ${bad} failing` : told;
    shown += left;
  }
  const all = rows.length;
  $("shown").textContent = shown === all ? count(all, "operation") : shown ? `${number(shown)} of ${count(all, "operation")}` : "No operation matches.";
  markOpened();
}

/** The visible links of the matrix, row by row. */
const grid = () => rows.filter((row) => row.visible).map((row) => [...row.element.querySelectorAll("a")]);

/** One stop for the tab key: the opened cell, the last one focused, or the first. */
function markOpened() {
  for (const old of $("grid").querySelectorAll('[aria-selected="true"]')) old.removeAttribute("aria-selected");
  for (const old of $("grid").querySelectorAll('a[tabindex="0"]')) old.tabIndex = -1;
  const link = linkOf(byRuns() && state.cell ? `${opened()[0]}@${currentRun().name}` : state.cell);
  if (state.cell && link) link.parentElement.setAttribute("aria-selected", "true");
  const stop = [link, linkOf(focused)].find((a) => a && !a.closest("[hidden]")) ?? grid()[0]?.[0];
  if (stop) stop.tabIndex = 0;
}

const linkOf = (name) => (name ? $("grid").querySelector(`a[data-place="${CSS.escape(name)}"]`) : null);

function focusLink(link) {
  for (const old of $("grid").querySelectorAll('a[tabindex="0"]')) old.tabIndex = -1;
  link.tabIndex = 0;
  focused = link.dataset.place;
  link.focus();
}

/** The keys of a grid: arrows, Home and End, with Ctrl to the corners, Page up and down. */
function gridKeys(event) {
  const link = event.target.closest("a[data-place]");
  if (!link || event.altKey || event.metaKey) return;
  const all = grid();
  const y = all.findIndex((line) => line.includes(link));
  const x = all[y].indexOf(link);
  const last = all.length - 1, end = all[y].length - 1;
  const to = {
    ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1],
    Home: [event.ctrlKey ? 0 : y, 0], End: [event.ctrlKey ? last : y, end],
    PageUp: [Math.max(0, y - 20), x], PageDown: [Math.min(last, y + 20), x],
  }[event.key];
  if (!to) return;
  event.preventDefault();
  const next = all[to[0]]?.[to[1]];
  if (next) focusLink(next);
}
