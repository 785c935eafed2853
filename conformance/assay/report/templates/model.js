// Questions about the data.

let data, family;

function takeData(found) {
  data = found;
  family = new Map(data.families.flatMap(([name, ops]) => ops.map((op) => [op, name])));
  for (const run of data.runs) {
    run.fatal = new Set(run.fatal);
    run.found = new Map();
    for (const failure of run.failures) {
      const key = `${failure.op}/${failure.aspect}`;
      if (!run.found.has(key)) run.found.set(key, []);
      run.found.get(key).push(failure);
    }
    for (const [because, places] of run.roots) {
      const failures = places.map((i) => run.failures[i]);
      for (const failure of failures) failure.root = { because, others: failures.filter((other) => other !== failure) };
    }
  }
}

const currentRun = () => data.runs.find((run) => run.name === state.run) ?? data.runs[0];

/** A run in a few words, of which no two are alike: its subject where there are several and it is not plain which is
 * meant, when it began, or its name. */
function label(run, plain = false) {
  const words = (r, more) =>
    [severalSubjects() && !plain ? r.subject : "", moment(r.started) || r.name, ...(more ? [r.profile, `seed ${r.seed}`] : [])].filter(Boolean).join(" · ");
  for (const more of [false, true]) {
    const mine = words(run, more);
    if (data.runs.every((other) => other === run || (plain && other.subject !== run.subject) || words(other, more) !== mine)) return mine;
  }
  return run.name;
}

const severalSubjects = () => new Set(data.runs.map((run) => run.subject)).size > 1;

/** The run that the current one is compared with; null for none. Of the first run it is the second, as given; of
 * another the one before it of the same subject, or, of a subject with one run alone, the first run. */
function baseRun() {
  if (state.base === "none" || data.runs.length < 2) return null;
  const run = currentRun(), named = data.runs.find((other) => other.name === state.base);
  if (named) return named === run ? null : named;
  if (run === data.runs[0]) return data.runs[1];
  const mine = runsOf(run.subject);
  return mine.length > 1 ? (mine[mine.indexOf(run) - 1] ?? null) : data.runs[0];
}

/** {standing, bad, cases, parts} of one cell; null where it was not judged. With a dtype, only its standing. */
function cellOf(run, op, aspect, dtype = "") {
  const found = run.cells[op]?.[data.aspects.indexOf(aspect)];
  if (!found) return null;
  const [index, parts, codes] = found;
  if (dtype) {
    const code = codes[data.dtypes.indexOf(dtype)];
    const name = data.standings[parseInt(code, 36)];
    return name ? { standing: name, fails: run.fatal.has(name), parts } : null;
  }
  const name = data.standings[index];
  let bad = 0, cases = 0;
  for (const [, counts] of parts) {
    if (typeof counts === "number") cases += counts;
    else for (const [status, n] of Object.entries(counts)) {
      cases += n;
      if (status === (name === "scored" ? "deviates" : name)) bad += n;
    }
  }
  return { standing: name, fails: run.fatal.has(name), bad: name === "conforms" ? 0 : bad, cases, parts, codes };
}

/** The worst cell of an operation over some aspects, and how many of them fail. */
function opOf(run, op, aspects, dtype = "") {
  const cells = aspects.map((aspect) => cellOf(run, op, aspect, dtype)).filter(Boolean);
  if (!cells.length) return null;
  const judged = cells.filter((c) => c.standing !== "unjudged");
  const worst = Math.min(...(judged.length ? judged : cells).map((c) => data.standings.indexOf(c.standing)));
  const name = data.standings[worst];
  const bad = name === "conforms" ? 0 : cells.filter((c) => c.standing === name).length;
  return { standing: name, fails: cells.some((c) => c.fails), bad, of: cells.length };
}

/** What kind of change it is, in the words of assay's other reports; "" for none. */
function changeKind(before, after) {
  if ((before?.standing ?? "") === (after?.standing ?? "")) return "";
  if (!before) return "newly judged";
  if (!after) return "no longer judged";
  if (after.fails && !before.fails) return "newly failing";
  if (after.standing === "missing") return "newly missing";
  const bad = before.fails || before.standing === "missing";
  return bad && ["conforms", "known", "scored"].includes(after.standing) ? "newly passing" : "changed";
}

/** Whether it is a change of a cell that was judged both times. */
const moved = (kind) => kind !== "" && kind !== "newly judged" && kind !== "no longer judged";

/** Whether a cell is what a filter asks for. */
function matches(wanted, cell, kind) {
  if (kind && ((wanted.has("changed") && moved(kind)) || wanted.has(kind.replaceAll(" ", "-")))) return true;
  return cell !== null && (wanted.has(cell.standing) || (wanted.has("failing") && cell.fails));
}

/** How many cells of a run stand where, and changed how. */
function tally(run, base, aspects, dtype) {
  const standings = { failing: 0 }, kinds = {};
  for (const op of family.keys()) {
    for (const aspect of aspects) {
      const cell = cellOf(run, op, aspect, dtype);
      if (cell) standings[cell.standing] = (standings[cell.standing] ?? 0) + 1;
      if (cell?.fails) standings.failing += 1;
      const kind = base ? changeKind(cellOf(base, op, aspect, dtype), cell) : "";
      if (kind) kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
  }
  return { standings, kinds };
}

/** In the matrix of runs: how many operations a filter would show. */
function tallyRows() {
  const standings = {};
  for (const name of ["failing", ...data.standings]) {
    standings[name] = rows.filter((row) => row.cells.some(([cell]) => matches(new Set([name]), cell, ""))).length;
  }
  return { standings, kinds: {} };
}

/** Text in which a search looks: the operation's name, and what its failures say. */
function textOf(run, op) {
  run.texts ??= new Map();
  if (!run.texts.has(op)) {
    const said = data.aspects.flatMap((aspect) => (run.found.get(`${op}/${aspect}`) ?? []).map((f) => f.detail));
    run.texts.set(op, [op, ...said].join("\n").toLowerCase());
  }
  return run.texts.get(op);
}

/** The runs of one subject, oldest first. */
const runsOf = (subject) => data.chronology.map((i) => data.runs[i]).filter((run) => run.subject === subject);

/** A cell's or an operation's history in the runs of a subject: [{run, standing}] where it changed, with how long. */
function transitions(subject, op, aspect) {
  const steps = [];
  for (const run of runsOf(subject)) {
    const cell = aspect ? cellOf(run, op, aspect) : opOf(run, op, data.aspects);
    const now = cell?.standing ?? "";
    if (steps.length && steps.at(-1).standing === now) steps.at(-1).runs.push(run);
    else steps.push({ standing: now, runs: [run] });
  }
  return steps;
}
