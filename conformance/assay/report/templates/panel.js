// The panel: everything about one cell or one operation.

function badge(name, n = 0) {
  if (!name) return h("span", { class: "badge s-none", text: "not judged" });
  return h("span", { class: `badge s-${name}`, text: `${standing(name).sign.length > 1 ? "" : `${standing(name).sign} `}${name}${n ? ` ${number(n)}` : ""}` });
}

const copyButton = (text, label) =>
  h("button", { type: "button", class: "small", onclick: (event) => copy(text, event.currentTarget) }, label);

function renderPanel() {
  const panel = $("panel");
  const [op, aspect] = opened();
  const known = family.has(op) && (!aspect || data.aspects.includes(aspect));
  document.body.classList.toggle("open", Boolean(state.cell));
  panel.setAttribute("aria-label", state.cell ? "Details" : "Overview");
  panel.scrollTop = 0;
  if (!state.cell) return panel.replaceChildren(...overview().filter(Boolean));
  const title = h("h2", { id: "panel-title", tabindex: -1 }, h("code", { text: op }), aspect ? ` · ${aspect.replaceAll("_", " ")}` : "");
  const bar = h("div", { class: "panel-bar" }, title, steps(),
    h("button", { type: "button", id: "close", "aria-label": "Close the details", title: "Close (Esc)", onclick: closePanel, text: "✕" }));
  if (!known) return panel.replaceChildren(bar, h("p", { text: "No run in this file has this operation or aspect." }));
  panel.replaceChildren(bar, ...(aspect ? cellPanel(op, aspect) : operationPanel(op)).filter(Boolean));
}

/** What is worth reading first, where no cell is opened: changes, deviations, what is missing. */
function overview() {
  const run = currentRun(), base = baseRun();
  const told = [];
  const place = (op, aspect) => h("a", { href: address({ cell: `${op}/${aspect}` }) }, h("code", { text: op }), ` · ${aspect.replaceAll("_", " ")}`);
  const list = (title, items, limit = 100) => {
    if (!items.length) return;
    const more = items.length > limit ? h("li", { class: "note", text: `and ${number(items.length - limit)} more: filter the matrix` }) : null;
    told.push(h("h2", { text: `${title} (${number(items.length)})` }), h("ul", { class: "overview" }, items.slice(0, limit), more));
  };
  if (base) {
    const changed = { "newly failing": [], "newly missing": [], "newly passing": [] };
    for (const op of family.keys()) {
      for (const aspect of data.aspects) {
        const now = cellOf(run, op, aspect), before = cellOf(base, op, aspect);
        changed[changeKind(before, now)]?.push(h("li", {}, place(op, aspect), h("span", { class: "note", text: ` ${before.standing} → ${now.standing}` })));
      }
    }
    for (const [kind, items] of Object.entries(changed)) list(`${kind[0].toUpperCase()}${kind.slice(1)} since ${label(base, base.subject === run.subject)}`, items);
  }
  const fails = run.failures.filter((f) => f.fails);
  fails.sort(by((f) => data.standings.indexOf(f.status)));
  list("Deviations", fails.map((f) => h("li", {}, place(f.op, f.aspect), " ", f.status === "deviates" ? "" : badge(f.status), h("p", { class: "note", text: f.detail }))));
  list("Shared roots", run.roots.map(([because, failures]) => h("li", {}, `${count(failures.length, "failure")}, ${because}: `,
    failures.map((i) => run.failures[i]).flatMap((f, i) => [i ? ", " : "", place(f.op, f.aspect)]))));
  list("Stale ledger entries", (run.stale_known ?? []).map((entry) => h("li", {}, h("code", { text: entry.op }), ` · ${entry.aspect}`, h("p", { class: "note", text: entry.reason }))));
  const missing = [...family.keys()].filter((op) => opOf(run, op, data.aspects)?.standing === "missing");
  list("Missing", missing.map((op) => h("li", {}, h("a", { href: address({ cell: op }) }, h("code", { text: op })))), 400);
  if (!told.length) told.push(h("p", { class: "notice", text: "Nothing deviates, nothing is missing." }));
  return told;
}

function closePanel() {
  const place = state.cell;
  go({ cell: "" });
  requestAnimationFrame(() => {
    const link = linkOf(byRuns() ? `${place.split("/")[0]}@${currentRun().name}` : place);
    if (link && !link.closest("[hidden]")) focusLink(link);
    else $("search").focus();
  });
}

/** The cells that ask for attention among the rows shown, in order. */
function attention() {
  const wanted = shows();
  const places = byRuns() ? [] : rows.filter((row) => row.visible).flatMap((row) =>
    row.cells.flatMap(([cell, kind], i) => {
      const listed = wanted.size ? matches(wanted, cell, kind) : cell && (cell.fails || cell.standing === "missing");
      return listed ? [`${row.op}/${columns[i]}`] : [];
    }));
  return places;
}

/** The place `by` steps away from the opened one, among those that ask for attention. */
function stepTo(by, places = attention()) {
  const at = places.indexOf(state.cell);
  return at < 0 ? places.at(by > 0 ? 0 : -1) : places[(at + by + places.length) % places.length];
}

function steps() {
  const places = attention(), at = places.indexOf(state.cell);
  if (!places.length || (places.length === 1 && at === 0)) return null;
  const step = (by, text, key) => {
    const next = stepTo(by, places);
    return h("a", { class: "button small", href: address({ cell: next }), title: `${next.replace("/", " · ")} (${key})`, text });
  };
  const where = at < 0 ? "" : h("span", { class: "note", text: `${at + 1} of ${places.length}` });
  return h("span", { class: "steps" }, step(-1, "‹ Previous", "p"), where, step(1, "Next ›", "n"));
}

function cellPanel(op, aspect) {
  const run = currentRun(), cell = cellOf(run, op, aspect), base = baseRun();
  const found = run.found.get(`${op}/${aspect}`) ?? [];
  const kind = base ? changeKind(cellOf(base, op, aspect), cell) : "";
  const told = [h("p", { class: "standing" }, badge(cell?.standing ?? "", cell?.bad ?? 0),
    cell ? ` ${cell.cases ? `of ${count(cell.cases, "case")}: ` : ""}${standing(cell.standing).words}` : "",
    kind ? h("span", { class: "note", text: `; ${kind} since ${label(base, base.subject === run.subject)}` }) : "")];
  if (!cell) return [...told, ...historyOf(op, aspect)];
  if (found.length) told.push(...found.map((failure, i) => failureBlock(failure, i, found.length)));
  else if (cell.standing !== "conforms") told.push(...remarks(cell));
  told.push(variantsTable(cell), dtypesList(cell), ...historyOf(op, aspect));
  told.push(h("h3", { text: "Judge this cell again" }), command(`${run.command.replace(/ --only \S+/g, "").replace(/ --level \S+/g, "")} --only ${quoted(op)} --aspect ${aspect}`));
  return told;
}

/** A word of a shell command. */
const quoted = (word) => (/^[\w.,@%+=:/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);

/** What the ledger or the judge says where there is no failure to show. */
function remarks(cell) {
  const said = [...new Set(cell.parts.map(([, , detail]) => detail).filter(Boolean))];
  return said.map((detail) => h("p", { class: "detail", text: detail }));
}

const verdictOf = (failure) => (failure.status === "deviates" && !failure.fails ? "scored" : failure.status);

function failureBlock(failure, i, all) {
  const title = all > 1 ? h("h3", { text: `Deviation ${i + 1} of ${all}` }) : null;
  const where = [`${failure.variants.join(", ")}`, failure.dtype, failure.cases > 1 ? count(failure.cases, "case") : ""].filter(Boolean).join(" · ");
  const script = failure.script === null
    ? h("p", { class: "note", text: "The script was left out to keep this file small; it is in the run's result.json." })
    : h("details", {}, h("summary", { text: "Script that shows both answers" }),
        h("div", { class: "code-bar" }, copyButton(failure.script, "Copy"), download(failure)),
        h("pre", { tabindex: 0, role: "region", "aria-label": "Script" }, h("code", { text: failure.script })));
  return h("article", { class: `failure e-${verdictOf(failure)}` }, title,
    h("p", { class: "detail" }, badge(verdictOf(failure)), " ", failure.detail),
    h("p", { class: "note", text: where }), rootOf(failure),
    failure.call ? [h("h4", { text: "Shrunk case" }), h("pre", { tabindex: 0, role: "region", "aria-label": "Shrunk case" }, h("code", { text: failure.call }))] : null,
    h("h4", { text: "Judge it again" }), command(failure.rerun), script);
}

/** The failures that share this one's root, and what that is based on. */
function rootOf(failure) {
  if (!failure.root) return null;
  const { because, others } = failure.root;
  const links = others.flatMap(({ op, aspect }, i) =>
    [i ? ", " : "", h("a", { href: address({ cell: `${op}/${aspect}` }), text: `${op} · ${aspect.replaceAll("_", " ")}` })]);
  return h("p", { class: "note root" }, `One root with ${count(others.length, "failure")}, ${because}: `, links);
}

const command = (text) =>
  h("div", { class: "command" }, h("code", { tabindex: 0, role: "textbox", "aria-readonly": "true", "aria-label": "Command", text }), copyButton(text, "Copy"));

function download(failure) {
  const name = `${failure.op}_${failure.aspect}.py`.replace(/[^\w.]+/g, "_");
  return h("a", { class: "button small", download: name, href: `data:text/x-python;charset=utf-8,${encodeURIComponent(failure.script)}`, text: `Save ${name}` });
}

function variantsTable(cell) {
  const lines = cell.parts.map(([variant, counts]) => {
    const told = typeof counts === "number" ? { conforms: counts } : counts;
    const all = Object.values(told).reduce((a, b) => a + b, 0);
    return h("tr", {}, h("th", { scope: "row", text: data.variants[variant] }), h("td", { class: "n", text: number(all) }),
      h("td", {}, Object.entries(told).sort(by(([status]) => data.standings.indexOf(status))).map(([status, n]) => badge(status, n))));
  });
  return h("table", { class: "facts" }, h("caption", { text: "Variants" }),
    h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "variant" }), h("th", { scope: "col", class: "n", text: "cases" }), h("th", { scope: "col", text: "verdicts" }))),
    h("tbody", {}, lines));
}

function dtypesList(cell) {
  if (!cell.codes) return null;
  const found = data.dtypes.map((dtype, i) => [dtype, cell.codes[i]]).filter(([, code]) => code && code !== "-");
  const items = found.map(([dtype, code]) => {
    const name = data.standings[parseInt(code, 36)];
    return h("li", { class: `badge s-${name}` }, `${standing(name).sign} ${dtype}`, h("span", { class: "sr", text: ` ${name}` }));
  });
  return h("div", { class: "facts" }, h("h3", { text: "By dtype" }), h("ul", { class: "badges" }, items));
}

function historyOf(op, aspect) {
  if (data.runs.length < 2) return [];
  const told = [];
  for (const subject of new Set([currentRun().subject, ...data.runs.map((run) => run.subject)])) {
    if (runsOf(subject).length < 2) continue;
    const lines = transitions(subject, op, aspect);
    told.push(h("h3", { text: `History: ${subject}` }), strip(subject, op, aspect), h("ol", { class: "history" }, lines.map(({ standing: name, runs }) =>
      h("li", {}, badge(name), ` ${runs.length > 1 ? `in ${runs.length} runs, from ` : "in "}`, runLink(runs[0]), runs.length > 1 ? [" to ", runLink(runs.at(-1))] : ""))));
  }
  const lines = data.chronology.map((i) => data.runs[i]).map((run) => {
    const cell = aspect ? cellOf(run, op, aspect) : opOf(run, op, data.aspects);
    return h("tr", { "aria-current": run === currentRun() ? "true" : null }, h("th", { scope: "row" }, runLink(run)), h("td", { text: run.subject }),
      h("td", {}, badge(cell?.standing ?? "", cell?.bad ?? 0)), h("td", { class: "n", text: cell ? number(cell.cases ?? cell.of) : "" }));
  });
  told.push(h("table", { class: "facts" }, h("caption", { text: "In every run of this file, oldest first" }),
    h("thead", {}, h("tr", {}, ["run", "subject", "verdict"].map((text) => h("th", { scope: "col", text })), h("th", { scope: "col", class: "n", text: aspect ? "cases" : "aspects" }))),
    h("tbody", {}, lines)));
  return told;
}

const runLink = (run) => h("a", { href: address({ run: run.name }), text: label(run, true), title: run.name });

/** A square a run: the history at a glance. The list beside it says the same in words. */
function strip(subject, op, aspect) {
  const runs = runsOf(subject), size = 12;
  const squares = runs.map((run, i) => {
    const cell = aspect ? cellOf(run, op, aspect) : opOf(run, op, data.aspects);
    const mark = svg("rect", { x: i * (size + 2), y: 0, width: size, height: size, rx: 2, class: `f-${cell?.standing ?? "none"}` });
    mark.append(svg("title", {}, `${run.name}: ${cell?.standing ?? "not judged"}`));
    return mark;
  });
  return svg("svg", { class: "strip", width: runs.length * (size + 2), height: size, "aria-hidden": "true" }, ...squares);
}

function operationPanel(op) {
  const run = currentRun();
  const told = [h("p", { class: "note", text: family.get(op) })];
  const runs = byRuns() ? data.chronology.map((i) => data.runs[i]) : [run];
  const lines = data.aspects.filter((aspect) => runs.some((r) => cellOf(r, op, aspect))).map((aspect) =>
    h("tr", {}, h("th", { scope: "row" }, h("a", { href: address({ cell: `${op}/${aspect}` }), text: aspect.replaceAll("_", " ") })),
      runs.map((r) => {
        const cell = cellOf(r, op, aspect);
        return h("td", {}, badge(cell?.standing ?? "", cell?.bad ?? 0), runs.length > 1 ? "" : h("span", { class: "note", text: cell ? ` of ${number(cell.cases)}` : "" }));
      })));
  told.push(h("table", { class: "facts" }, h("caption", { text: "Aspects" }),
    h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "aspect" }), runs.map((r) => h("th", { scope: "col", text: runs.length > 1 ? label(r) : "verdicts" })))),
    h("tbody", {}, lines)));
  const found = run.failures.filter((failure) => failure.op === op);
  if (found.length) told.push(h("h3", { text: `${count(found.length, "deviation")} in ${label(run, true)}` }));
  for (const failure of found) {
    told.push(h("details", { class: `failure e-${verdictOf(failure)}` }, h("summary", {}, badge(verdictOf(failure)), ` ${failure.aspect.replaceAll("_", " ")}: ${failure.detail}`), failureBlock(failure, 0, 1)));
  }
  return [...told, ...historyOf(op, "")];
}
