// The head of the page, the filters, and what happens when.

function renderTop() {
  const run = currentRun(), base = baseRun(), v = run.versions ?? {};
  $("subject").textContent = run.subject;
  $("verdict").textContent = run.verdict;
  $("verdict").className = `verdict ${run.verdict === "conforms" ? "good" : "bad"}`;
  document.title = `${run.subject}: ${run.verdict} · assay`;
  const about = [
    `${count(run.cases, "case")} of ${count(Object.keys(run.cells).length, "operation")}`,
    `against ${run.reference}${v.reference ? ` ${v.reference}` : ""}`,
    `${run.profile} profile, seed ${run.seed}`, moment(run.started), duration(run.seconds),
  ];
  $("about").replaceChildren(about.filter(Boolean).join(" · "), metadata(run));
  $("bar").replaceChildren(standingsBar(tally(run, null, data.aspects, "").standings));
  const harness = run.harness_errors?.count ?? 0;
  const said = [
    harness ? `assay itself failed on ${count(harness, "case")}: this run judges less than it should.` : "",
    run.unfinished ? "The run has not finished: what is not shown was not judged yet, and nothing is shrunk." : "",
    run.stopped ? "The run was stopped early: what is not shown was not judged." : "",
  ].filter(Boolean);
  $("banner").replaceChildren(...said.map((text) => h("p", { class: "notice bad", role: "alert", text })));
}

function metadata(run) {
  const v = run.versions ?? {};
  const rows = [
    ["run", run.name], ["subject", [run.subject, v.subject].filter(Boolean).join(" ")],
    ["reference", [run.reference, v.reference].filter(Boolean).join(" ")], ["assay", v.assay], ["Python", v.python],
    ["platform", run.platform], ["started", moment(run.started)], ["took", duration(run.seconds)], ["profile", run.profile],
    ["seed", String(run.seed)], ["levels", run.levels?.join(", ")], ["only", run.only?.join(", ")], ["dtypes", run.dtypes?.join(", ")],
    ["not there, not asked", run.absent?.join(", ")],
    ["restarts of the subject", run.restarts ? String(run.restarts) : ""],
    ["scored only", run.scored.join(", ")],
    ["hard to judge", Object.entries(run.hard_to_judge ?? {}).map(([op, share]) => `${op} ${(share * 100).toFixed(1)}%`).join(", ")],
  ].filter(([, text]) => text);
  const stale = (run.stale_known ?? []).map((entry) => h("li", {}, h("code", { text: entry.op }), ` · ${entry.aspect}: ${entry.reason}`));
  const broken = (run.harness_errors?.first ?? []).map((error) => h("details", {}, h("summary", { text: error.op }), h("pre", { tabindex: 0 }, h("code", { text: error.traceback }))));
  return h("details", { class: "metadata" }, h("summary", { text: "About this run" }),
    h("dl", {}, rows.flatMap(([name, text]) => [h("dt", { text: name }), h("dd", { text })])),
    h("h3", { text: "Run it again" }), command(run.command),
    stale.length ? [h("h3", { text: "Ledger entries that nothing met" }), h("ul", {}, stale)] : null,
    broken.length ? [h("h3", { text: "Where assay itself failed" }), broken] : null);
}

/** Shares of the standings in one bar; the filters below it say the same in words and numbers. */
function standingsBar(counts) {
  const found = data.standings.filter((name) => counts[name]), width = 1000;
  const all = found.reduce((n, name) => n + counts[name], 0) || 1;
  const least = 6, free = width - least * found.length;
  let x = 0;
  const parts = found.map((name) => {
    const w = least + (free * counts[name]) / all;
    const part = svg("rect", { x, y: 0, width: Math.max(w - 2, 1), height: 8, class: `f-${name}` }, svg("title", {}, `${name}: ${number(counts[name])}`));
    x += w;
    return part;
  });
  return svg("svg", { viewBox: `0 0 ${width} 8`, preserveAspectRatio: "none", class: "bar", "aria-hidden": "true" }, ...parts);
}

function select(id, label, value, options) {
  const made = h("select", { id, onchange: (event) => go({ [id]: event.target.value }) });
  for (const [key, text] of options) made.append(h("option", { value: key, text }));
  made.value = value;
  return h("label", { class: "field" }, h("span", { text: label }), made);
}

/** A filter that is on or off; its number says how many cells it would show. */
function toggle(name, text, n, cls = "") {
  const on = shows();
  const pressed = on.has(name);
  const press = () => {
    if (pressed) on.delete(name);
    else on.add(name);
    go({ show: [...on].join(",") });
    requestAnimationFrame(() => document.querySelector(`[data-show="${name}"]`)?.focus());
  };
  return h("button", { type: "button", class: `chip ${cls}`, "data-show": name, "aria-pressed": String(pressed), disabled: !n && !pressed, onclick: press }, text, h("b", { text: number(n) }));
}

function renderControls() {
  const run = currentRun(), base = byRuns() ? null : baseRun(), many = data.runs.length > 1;
  const { standings, kinds } = byRuns() ? tallyRows() : tally(run, base, aspectsShown(), state.dtype);
  const runs = data.runs.map((r) => [r.name, label(r)]);
  const form = $("controls");
  const typing = document.activeElement?.id;
  const search = form.querySelector("#search") ?? h("input", { id: "search", type: "search", placeholder: "operation or message", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/", oninput: typed });
  if (search.value !== state.q && typing !== "search") search.value = state.q;
  const chips = [
    toggle("failing", "Failing", standings.failing, "s-deviates"),
    ...data.standings.filter((name) => standings[name] && name !== "conforms").map((name) => toggle(name, `${standing(name).sign.length > 1 ? "" : `${standing(name).sign} `}${name}`, standings[name], `s-${name}`)),
    h("span", { class: "chip legend s-conforms" }, "✓ conforms", h("b", { text: number(standings.conforms ?? 0) })),
  ];
  const changed = Object.entries(kinds).reduce((n, [kind, m]) => n + (moved(kind) ? m : 0), 0);
  const always = ["newly failing", "newly missing", "newly passing"], other = ["newly judged", "no longer judged"];
  const change = (kind) => toggle(kind.replaceAll(" ", "-"), kind[0].toUpperCase() + kind.slice(1), kinds[kind] ?? 0);
  const changes = base ? [...always.map(change), toggle("changed", "Any change", changed), ...other.filter((kind) => kinds[kind]).map(change)] : [];
  if (byRuns()) changes.push(toggle("changed", "Runs differ", rows.filter((row) => row.cells.some(([, kind]) => kind)).length));
  const filtered = state.show || state.family || state.dtype || state.aspect || state.q;
  form.replaceChildren(...[
    h("div", { class: "line" },
      h("label", { class: "field wide" }, h("span", { text: "Search" }), search),
      select("family", "Family", state.family, [["", "all"], ...data.families.map(([name]) => [name, name])]),
      select("aspect", "Aspect", state.aspect, [["", "all"], ...data.aspects.map((a) => [a, a.replaceAll("_", " ")])]),
      data.dtypes.length ? select("dtype", "Dtype", state.dtype, [["", "all"], ...data.dtypes.map((d) => [d, d])]) : null,
      many ? select("run", "Run", run.name, runs) : null,
      many && !byRuns() ? select("base", "Compared with", base?.name ?? "none", [["none", "nothing"], ...runs.filter(([name]) => name !== run.name)]) : null,
      many ? select("by", "Columns", state.by, [["", "aspects"], ["runs", "runs"]]) : null,
      filtered ? h("button", { type: "button", class: "small", id: "reset", onclick: () => { search.value = ""; go({ show: "", family: "", dtype: "", aspect: "", q: "" }); $("search").focus(); } }, "Clear filters") : null),
    h("div", { class: "line chips", role: "group", "aria-label": "Show operations with cells that are" }, chips,
      changes.length ? h("span", { class: "gap", "aria-hidden": "true" }) : null, changes),
  ]);
  if (typing && document.activeElement?.id !== typing) $(typing)?.focus();
}

let timer = 0;
function typed(event) {
  clearTimeout(timer);
  timer = setTimeout(() => go({ q: event.target.value.trim() }, true), 120);
}

function render() {
  const before = state.cell;
  readState();
  renderTop();
  buildMatrix();
  renderControls();
  filterMatrix();
  renderPanel();
  if (state.cell && state.cell !== before) {
    $("panel-title").focus({ preventScroll: true });
    linkOf(state.cell)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

/** "/" to the search, n and p through what asks for attention, Escape closes the details. */
function pageKeys(event) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "Escape" && state.cell) closePanel();
  if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "/") {
    event.preventDefault();
    $("search").focus();
  }
  if (event.key === "n" || event.key === "p") go({ cell: stepTo(event.key === "n" ? 1 : -1) ?? state.cell });
}

function listen() {
  const point = (event) => {
    const link = event.target.closest?.("a[data-place]");
    if (!link) return;
    link.href = address(opens(link.dataset.place));
    link.title = `${link.dataset.place.replace("/", " · ")}: ${link.getAttribute("aria-label") ?? "operation"}`;
  };
  $("scroll").addEventListener("pointerover", point);
  $("scroll").addEventListener("focusin", (event) => {
    point(event);
    const link = event.target.closest("a[data-place]");
    if (link && link.tabIndex !== 0) focusLink(link);
  });
  $("scroll").addEventListener("click", (event) => {
    const link = event.target.closest("a[data-place]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    focused = link.dataset.place;
    go(opens(link.dataset.place));
  });
  $("scroll").addEventListener("keydown", gridKeys);
  $("skip").addEventListener("click", (event) => {
    event.preventDefault();
    const stop = $("grid").querySelector('a[tabindex="0"]');
    if (stop) focusLink(stop);
  });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", pageKeys);
  addEventListener("hashchange", render);
}

async function start() {
  const loading = $("loading");
  if (typeof DecompressionStream === "undefined") {
    loading.hidden = false;
    loading.textContent = "This browser cannot unpack the results (it lacks DecompressionStream); any browser of 2023 or later can.";
    return;
  }
  loading.hidden = false;
  takeData(await unpack());
  loading.hidden = true;
  for (const id of ["controls", "work"]) $(id).hidden = false;
  listen();
  render();
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  $("loading").hidden = false;
  $("loading").textContent = `The results in this file cannot be shown: ${error}`;
  throw error;
});
