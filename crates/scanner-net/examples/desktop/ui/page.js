// @ts-check
// The page keeps nothing that it cannot get again: loaded anew, it asks the program for the scans and what they have found.

/** @import { Batch, Failure, HostView, ScanRequest, ScanView, Snapshot, Update } from "./types" */
/** @typedef {{ view: ScanView, hosts: Map<string, HostView>, notes: string[], changes: number }} Scan */

// @ts-expect-error The program puts it there (`withGlobalTauri`).
const { invoke, Channel } = window.__TAURI__.core;

/** @type {Map<string, Scan>} */
const scans = new Map();
/** @type {string | undefined} */
let selected;
/** The one of the list that was brought into sight. @type {string | undefined} */
let shown;
let drawing = false;
/** Of what the table of hosts was made. @type {{ scan: Scan, changes: number } | undefined} */
let drawn;

/** @param {string} id @returns {any} */
const element = (id) => document.getElementById(id);

/** @param {string} name @param {string} [text] @param {string} [className] */
function make(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

// From the program to here.

/** @param {ScanView} view */
function learn(view) {
  const scan = scans.get(view.id) ?? { view, hosts: new Map(), notes: [], changes: 0 };
  // An answer may be older than an update that overtook it: what has ended does not run again.
  if (!isOver(scan.view)) scan.view = view;
  scans.set(view.id, scan);
  return scan;
}

/** @param {Scan} scan @param {HostView} host */
function put(scan, host) {
  if (host.open.length === 0 && !host.verdict) return;
  scan.hosts.set(host.ip, host);
  scan.changes += 1;
}

/** A snapshot may have it already. @param {Scan} scan @param {string} message */
function note(scan, message) {
  if (!scan.notes.includes(message)) scan.notes.push(message);
}

const settled = (/** @type {HostView} */ host) => host.open.length + host.closed + host.filtered + host.unknown;

/** Puts a host of a snapshot beside what came since. @param {Scan} scan @param {HostView} host */
function merge(scan, host) {
  const there = scan.hosts.get(host.ip);
  if (there && settled(there) > settled(host)) return;
  put(scan, host);
  for (const port of there?.open ?? []) apply(scan, { type: "port", ip: host.ip, names: host.names, port });
}

/** @param {Scan} scan @param {Update} update */
function apply(scan, update) {
  switch (update.type) {
    case "port": {
      const host = scan.hosts.get(update.ip) ?? {
        ip: update.ip, names: update.names, status: "up", rtt_us: null, verdict: null,
        open: [], closed: 0, filtered: 0, unknown: 0,
      };
      // A snapshot may have it already.
      if (!host.open.some((open) => open.port === update.port.port)) {
        host.open.push(update.port);
        host.open.sort((a, b) => a.port - b.port);
      }
      scan.hosts.set(update.ip, host);
      scan.changes += 1;
      break;
    }
    case "host": put(scan, update); break;
    case "progress": scan.view.progress = update; break;
    case "note": note(scan, update.message); break;
    case "end": scan.view.state = update.state; break;
  }
}

/** @param {Batch} batch */
function receive(batch) {
  const scan = scans.get(batch.scan_id);
  if (!scan) return;
  for (const update of batch.updates) apply(scan, update);
  draw();
}

/** Takes a new channel first and the snapshots then, so that nothing falls between them. */
async function recover() {
  const updates = new Channel();
  updates.onmessage = receive;
  await invoke("watch", { updates });
  for (const view of /** @type {ScanView[]} */ (await invoke("list_scans"))) {
    learn(view);
    selected = view.id;
    await refresh(view.id);
  }
  draw();
}

/** @param {string} id */
async function refresh(id) {
  const { scan, hosts, notes } = /** @type {Snapshot} */ (await invoke("snapshot", { id }));
  const known = learn(scan);
  for (const host of hosts) merge(known, host);
  for (const message of notes) note(known, message);
}

// From here to the program.

/** @param {() => Promise<void>} action */
async function attempt(action) {
  element("failure").hidden = true;
  try {
    await action();
  } catch (error) {
    const { message, hint } = /** @type {Failure} */ (error);
    element("failure").textContent = hint ? `${message} – ${hint}` : message ?? String(error);
    element("failure").hidden = false;
  }
  draw();
}

element("new").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  attempt(async () => {
    const rate = element("rate").value;
    /** @type {ScanRequest} */
    const request = { targets: element("targets").value, ports: element("ports").value, max_rate: rate ? Number(rate) : null };
    const view = /** @type {ScanView} */ (await invoke("start_scan", { request }));
    learn(view);
    selected = view.id;
    // It may have found something before this page knew of it.
    await refresh(view.id);
  });
});

element("pause").addEventListener("click", () => attempt(async () => {
  const scan = current();
  if (!scan) return;
  const command = scan.view.state === "paused" ? "resume_scan" : "pause_scan";
  learn(await invoke(command, { id: scan.view.id }));
}));
element("cancel").addEventListener("click", () => attempt(() => invoke("cancel_scan", { id: selected })));
element("forget").addEventListener("click", () => attempt(async () => {
  await invoke("forget_scan", { id: selected });
  if (selected) scans.delete(selected);
  selected = [...scans.keys()].at(-1);
  element("targets").focus();
}));

// What is seen.

const current = () => (selected === undefined ? undefined : scans.get(selected));
const isOver = (/** @type {ScanView} */ view) => view.state !== "running" && view.state !== "paused";
const milliseconds = (/** @type {number | null} */ micros) => (micros === null ? "" : `${(micros / 1000).toFixed(micros < 10_000 ? 2 : 0)} ms`);

const spelled = (/** @type {string} */ word) => word.replaceAll("-", " ");
const number = (/** @type {number} */ count) => count.toLocaleString("en");
const counted = (/** @type {number} */ count, /** @type {string} */ one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;

/** @param {number} ms */
function duration(ms) {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}

/** At most once a frame, however many updates come. */
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawList();
    drawScan();
  });
}

function drawList() {
  const list = element("scans");
  [...scans.values()].forEach((scan, place) => {
    let button = list.children[place]?.firstElementChild;
    if (!button) {
      button = make("button");
      button.append(make("span"), make("small"));
      button.addEventListener("click", () => { selected = button.dataset.id; draw(); });
      const item = make("li");
      item.append(button);
      list.append(item);
    }
    button.dataset.id = scan.view.id;
    button.setAttribute("aria-current", String(scan.view.id === selected));
    button.children[0].textContent = scan.view.targets;
    button.children[1].textContent = `${scan.view.state}, ${number(scan.view.progress.open)} open`;
    // A narrow window shows a part of the list.
    if (scan.view.id === selected && shown !== selected) button.scrollIntoView({ block: "nearest" });
  });
  shown = selected;
  while (list.children.length > scans.size) list.lastElementChild.remove();
}

function drawScan() {
  const scan = current();
  element("scan").hidden = !scan;
  element("welcome").hidden = Boolean(scan);
  if (!scan) return;
  const { view, hosts, notes } = scan;
  const { progress } = view;
  element("title").textContent = `${view.targets}, ports ${view.ports}`;
  element("progress").value = progress.done_permille;
  element("pause").textContent = view.state === "paused" ? "Resume" : "Pause";
  element("pause").disabled = isOver(view);
  element("cancel").disabled = isOver(view);
  const words = [view.state, `${number(progress.hosts_done)} of ${counted(progress.hosts, "host")} done`, `${number(progress.hosts_up)} up`, `${number(progress.open)} open`];
  const others = /** @type {const} */ ([["closed", progress.closed], ["filtered", progress.filtered], ["not measured", progress.unknown]]);
  for (const [word, count] of others) if (count > 0) words.push(`${number(count)} ${word}`);
  if (progress.eta_ms && !isOver(view)) words.push(`about ${duration(progress.eta_ms)} left`);
  const status = words.join(", ");
  if (element("status").textContent !== status) element("status").textContent = status;
  element("notes").replaceChildren(...notes.map((note) => make("li", note)));
  // Rows that stay can be selected and copied while the scan goes on.
  if (drawn?.scan !== scan || drawn.changes !== scan.changes) {
    drawn = { scan, changes: scan.changes };
    element("hosts").replaceChildren(...[...hosts.values()].flatMap(rows));
  }
  element("table").hidden = hosts.size === 0;
  element("empty").hidden = hosts.size > 0;
  element("empty").textContent = isOver(view) ? "Nothing open was found." : "Nothing open so far.";
}

/** @param {HostView} host */
function rows(host) {
  const name = make("th", host.names[0] ?? host.ip);
  name.setAttribute("scope", "rowgroup");
  if (host.names.length > 0) name.append(make("small", host.ip));
  if (host.verdict) name.append(make("small", spelled(host.verdict), "verdict"));
  const others = [[host.closed, "closed"], [host.filtered, "filtered"], [host.unknown, "not measured"]];
  const summary = others.filter(([count]) => Number(count) > 0).map(([count, word]) => `${number(Number(count))} ${word}`);
  if (summary.length > 0) name.append(make("small", summary.join(", ")));
  name.setAttribute("rowspan", String(Math.max(1, host.open.length)));
  const lines = host.open.map((open) => {
    const row = make("tr");
    row.append(make("td", String(open.port), "number"), make("td", open.service ?? ""), make("td", milliseconds(open.rtt_us), "number"));
    return row;
  });
  const first = lines[0] ?? make("tr");
  first.prepend(name);
  return lines.length > 0 ? lines : [first];
}

attempt(recover);
