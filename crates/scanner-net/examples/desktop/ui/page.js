// @ts-check
// The page keeps nothing that it cannot get again: loaded anew, it asks the program for the scans and what they have found.

/** @import { Batch, Failure, HostView, ScanRequest, ScanView, Snapshot, Update } from "./types" */
/** @typedef {{ view: ScanView, hosts: Map<string, HostView>, notes: string[] }} Scan */

// @ts-expect-error The program puts it there (`withGlobalTauri`).
const { invoke, Channel } = window.__TAURI__.core;

/** @type {Map<string, Scan>} */
const scans = new Map();
/** @type {string | undefined} */
let selected;
let drawing = false;

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
  const scan = scans.get(view.id) ?? { view, hosts: new Map(), notes: [] };
  // An answer may be older than an update that overtook it: what has ended does not run again.
  if (!isOver(scan.view)) scan.view = view;
  scans.set(view.id, scan);
  return scan;
}

/** @param {Scan} scan @param {HostView} host */
function put(scan, host) {
  if (host.open.length > 0 || host.verdict) scan.hosts.set(host.ip, host);
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
      break;
    }
    case "host": put(scan, update); break;
    case "progress": scan.view.progress = update; break;
    case "note": scan.notes.push(update.message); break;
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
  const { scan, hosts } = /** @type {Snapshot} */ (await invoke("snapshot", { id }));
  const known = learn(scan);
  for (const host of hosts) merge(known, host);
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
    button.children[1].textContent = `${scan.view.state}, ${scan.view.progress.open} open`;
  });
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
  const words = [view.state, `${progress.hosts_done} of ${progress.hosts} hosts done`, `${progress.hosts_up} up`, `${progress.open} open`];
  if (progress.unknown > 0) words.push(`${progress.unknown} not measured`);
  if (progress.eta_ms && !isOver(view)) words.push(`about ${Math.ceil(progress.eta_ms / 1000)} s left`);
  const status = words.join(", ");
  if (element("status").textContent !== status) element("status").textContent = status;
  element("notes").replaceChildren(...notes.map((note) => make("li", note)));
  element("hosts").replaceChildren(...[...hosts.values()].flatMap(rows));
  element("empty").hidden = hosts.size > 0;
}

/** @param {HostView} host */
function rows(host) {
  const name = make("th", host.names[0] ?? host.ip);
  name.setAttribute("scope", "rowgroup");
  if (host.names.length > 0) name.append(make("small", host.ip));
  if (host.verdict) name.append(make("small", host.verdict, "verdict"));
  const others = [[host.closed, "closed"], [host.filtered, "filtered"], [host.unknown, "not measured"]];
  const counted = others.filter(([count]) => Number(count) > 0).map(([count, word]) => `${count} ${word}`);
  if (counted.length > 0) name.append(make("small", counted.join(", ")));
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
