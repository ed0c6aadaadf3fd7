// Attendance that survives a lost signal. Every tap, card and check-out is noted on this device first, with its moment and a key of its
// own, and shown as done; it is sent in order, again and again until it is answered, and so takes effect once. Reloading loses nothing.
import { watch } from "./scan.js";

const [FIRST_MS, LAST_MS, REFRESH_MS] = [1000, 30_000, 10_000];
const PATIENCE_MS = 15_000;
const SAME_TAP_MS = 60_000; // the service takes a second tap within a minute for the same one
const SAME_CARD_MS = 4000; // a card that is still before the camera
const NEXT = { awaited: "in", waits: "in", away: "in", in: "out", out: "out" };

const block = document.querySelector("[data-attendance]");
const { attendance: address, who, edition } = block.dataset;
const one = (what, within = block) => within.querySelector(what);
const list = one("[data-people]");
const rowOf = (id) => one(`[data-person="${id}"]`, list);
const nameOf = (id) => one("[data-name]", rowOf(id) ?? list)?.textContent ?? block.dataset.guest;

// ---------- what this device knows ----------

// queue: what was not answered yet. people: id -> [state, words], as told last. problems: why something was not taken. names: of walk-ins.
const PLACE = `attendance ${address} ${who}`;
const load = () => ({ queue: [], people: {}, at: "", problems: {}, names: {}, skew: 0, ...JSON.parse(localStorage.getItem(PLACE) ?? "{}") });
let known = load();
let version = 0; // of `people`: a list that was asked for before an answer came is older than the answer

function change(how) {
  known = load();
  how(known);
  localStorage.setItem(PLACE, JSON.stringify(known));
  paint();
}

function note(kind, body) {
  const happened_at = new Date(Date.now() + known.skew).toISOString();
  change((it) => it.queue.push({ key: crypto.randomUUID(), kind, body: { ...body, happened_at } }));
  send();
}

// People as they stand once all that waits is done.
function standing() {
  const people = structuredClone(known.people);
  const waiting = new Set();
  for (const { kind, body } of known.queue) {
    const meant = kind === "taps" ? [body.person_id] : kind === "check-out-all" ? Object.keys(people).filter((id) => people[id][0] === "in") : [];
    for (const id of meant) {
      people[id] = [NEXT[people[id]?.[0] ?? "away"], ""];
      waiting.add(id);
    }
  }
  return [people, waiting];
}

// ---------- what is seen ----------

function paint() {
  const [people, waiting] = standing();
  for (const id of Object.keys(people)) if (!rowOf(id) && known.names[id]) addRow(id, known.names[id]);
  for (const row of list.querySelectorAll("[data-person]")) paintRow(row, people[row.dataset.person] ?? ["away", ""], waiting.has(row.dataset.person));
  const states = Object.values(people).map(([state]) => state);
  for (const place of block.querySelectorAll("[data-count]")) place.textContent = states.filter((state) => state === place.dataset.count).length;
  one("[data-stranger]").hidden = Object.keys(people).every(rowOf);
  one("[data-sync]").hidden = !known.queue.length;
  one("[data-waiting]").textContent = known.queue.length;
  say(one("[data-all-problem]"), known.problems.all);
  paintCards();
  find();
}

function paintRow(row, [state, words], pending) {
  row.dataset.state = state;
  one("[data-says]", row).textContent = words;
  for (const badge of row.querySelectorAll("[data-when]")) badge.hidden = badge.dataset.when !== state;
  one("[data-pending]", row).hidden = !pending;
  one("button", row).disabled = state === "out";
  say(one("[data-problem]", row), known.problems[row.dataset.person]);
}

function paintCards() {
  const cards = known.queue.filter(({ kind }) => kind === "scans").map(({ body }) => [body.happened_at, ""]);
  for (const [key, words] of Object.entries(known.problems)) if (key.startsWith("card ")) cards.push([key.slice(5), words]);
  one("[data-cards]").hidden = !cards.length;
  one("[data-cards]").replaceChildren(...cards.map(([at, problem]) => {
    const row = one("template").content.firstElementChild.cloneNode(true);
    one("[data-name]", row).textContent = `${block.dataset.card} ${new Date(at).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" })}`;
    one("[data-when=away]", row).hidden = true;
    one("[data-pending]", row).hidden = Boolean(problem);
    say(one("[data-problem]", row), problem);
    row.removeAttribute("data-person");
    one("button", row).addEventListener("click", () => change((it) => delete it.problems[`card ${at}`]));
    return row;
  }));
}

function say(place, words) {
  place.hidden = !words;
  place.textContent = words ?? "";
}

function addRow(id, name) {
  const row = one("template").content.firstElementChild.cloneNode(true);
  row.dataset.person = id;
  one("[data-name]", row).textContent = name;
  list.append(row);
}

// Whoever is only looked for as a walk-in shows when something of the name is typed.
function find() {
  const typed = one("[data-find]").value.trim().toLocaleLowerCase();
  one("[data-empty]").hidden = Boolean(typed || one("[data-person]:not([data-state=away])", list));
  for (const row of list.querySelectorAll("[data-person]")) {
    const name = one("[data-name]", row).textContent.toLocaleLowerCase();
    row.hidden = typed ? !name.includes(typed) : row.dataset.state === "away";
  }
}

// ---------- sending ----------

let sending = false;
let pause = FIRST_MS;
let timer;

async function send() {
  if (sending) return;
  sending = true;
  clearTimeout(timer);
  try {
    for (let queue = load().queue; queue.length; { queue } = load()) {
      await post(queue[0]);
      pause = FIRST_MS;
    }
  } catch {
    timer = setTimeout(send, pause);
    pause = Math.min(2 * pause, LAST_MS);
  } finally {
    sending = false;
  }
}

async function post({ key, kind, body }) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "Idempotency-Key": key };
  const answer = await fetch(`${address}/${kind}`, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE_MS) });
  one("[data-away]").hidden = answer.status !== 401;
  if ([401, 429].includes(answer.status) || answer.status >= 500) throw new Error("later");
  const told = await answer.json();
  const about = kind === "taps" ? body.person_id : kind === "scans" ? `card ${body.happened_at}` : "all";
  version += 1;
  change((it) => {
    it.queue = it.queue.filter((other) => other.key !== key);
    if (answer.ok) Object.assign(it, { at: told.at, people: { ...it.people, ...told.people } });
    else it.problems[about] = told.title;
  });
  if (!answer.ok) delete tapped[about];
  if (answer.ok && kind === "scans") await greet(told.people);
}

async function greet(people) {
  for (const [id, [, words]] of Object.entries(people)) {
    if (!rowOf(id)) await everybody();
    one("[data-last]").textContent = `${nameOf(id)}: ${words}`;
  }
}

async function refresh() {
  const before = version;
  const answer = await fetch(`${address}/list.json`, { headers: { Accept: "application/json" } });
  one("[data-away]").hidden = !answer.redirected;
  if (!answer.ok || answer.redirected) return;
  const { at, people } = await answer.json();
  if (before !== version) return;
  change((it) => Object.assign(it, { at, people, skew: Date.parse(at) - Date.now() }));
  send();
}

async function everybody() {
  const answer = await fetch(`${address}/people.json`, { headers: { Accept: "application/json" } }).catch(() => null);
  const told = answer?.ok && !answer.redirected ? await answer.json() : null;
  one("[data-everybody-error]").hidden = Boolean(told);
  one("[data-everybody]").hidden = Boolean(told);
  for (const [id, name] of told?.names ?? []) if (!rowOf(id)) addRow(id, name);
  paint();
}

// ---------- what is done ----------

const tapped = {};
list.addEventListener("click", (event) => {
  const row = event.target.closest("[data-person]");
  if (row && event.target.closest("button")) tap(row);
});

function tap(row) {
  const id = row.dataset.person;
  if (Date.now() - (tapped[id] ?? 0) < SAME_TAP_MS) return;
  tapped[id] = Date.now();
  change((it) => {
    delete it.problems[id];
    if (row.dataset.state === "away") it.names[id] = nameOf(id);
  });
  note("taps", { person_id: id });
}

one("[data-all]").addEventListener("click", (event) => {
  event.target.closest("details").open = false;
  change((it) => delete it.problems.all);
  note("check-out-all", {});
});

// A card, or a row of the printed roster: that is a name to tap.
let seen = { text: "", at: 0 };
function card(text) {
  const again = text === seen.text && Date.now() - seen.at < SAME_CARD_MS;
  seen = { text, at: Date.now() };
  if (again) return;
  navigator.vibrate?.(60);
  const row = one(`[data-row="${CSS.escape(text)}"]`, list);
  if (row) {
    if (!one("button", row).disabled) tap(row);
    one("[data-last]").textContent = `${nameOf(row.dataset.person)}: ${one("[data-when]:not([hidden])", row).textContent.trim()}`;
    return;
  }
  one("[data-last]").textContent = block.dataset.read;
  note("scans", { card_code: text });
}

one("[data-find]").addEventListener("input", find);
one("[data-everybody]").addEventListener("click", async () => {
  await everybody();
  one("[data-find]").focus();
});

// ---------- the three ways ----------

let camera;
async function show(mode) {
  for (const panel of block.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== mode;
  for (const chip of block.querySelectorAll("[data-mode]")) chip.setAttribute("aria-pressed", chip.dataset.mode === mode);
  history.replaceState(null, "", `#${mode}`);
  const running = camera;
  camera = mode === "cards" ? watch(one("[data-camera]"), card) : null;
  (await running)?.();
}

for (const chip of block.querySelectorAll("[data-mode]")) chip.addEventListener("click", () => show(chip.dataset.mode));
const wanted = location.hash.slice(1);
show(one(`[data-mode="${CSS.escape(wanted)}"]`) ? wanted : navigator.onLine ? "code" : "names");

// ---------- without signal ----------

// The page itself is kept by the service worker; the first time it was there before the worker was.
async function keep() {
  const page = location.href.split("#")[0];
  if (await caches.match(page, { ignoreVary: true, ignoreSearch: true })) return;
  const answer = await fetch(page, { cache: "force-cache", headers: { Accept: "text/html" } });
  if (answer.ok && !answer.redirected) await (await caches.open("coordinator-pages")).put(page, answer);
}

async function prepare() {
  await navigator.serviceWorker.register(block.dataset.worker);
  await navigator.serviceWorker.ready;
  await keep();
  block.dataset.kept = edition;
}
if ("serviceWorker" in navigator) {
  prepare().catch(() => {});
  navigator.serviceWorker.addEventListener("controllerchange", () => keep().catch(() => {}));
}

// A page from the network knows better than this device; one that was kept does not.
if (Date.parse(block.dataset.at) > Date.parse(known.at || 0)) {
  const rows = [...list.querySelectorAll("[data-person]")];
  const people = Object.fromEntries(rows.map((row) => [row.dataset.person, [row.dataset.state, one("[data-says]", row).textContent]]));
  change((it) => Object.assign(it, { at: block.dataset.at, people, skew: Date.parse(block.dataset.at) - Date.now() }));
}
paint();
send();
addEventListener("online", () => refresh().catch(() => {}));
addEventListener("online", send);
refresh().catch(() => {});
setInterval(() => !document.hidden && refresh().catch(() => {}), REFRESH_MS);
