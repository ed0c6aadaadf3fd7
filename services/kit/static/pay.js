// A fresh payment code as long as the screen shows it: asked for a little before the last one ends, and made by the phone itself where
// there is no connection. The screen stays awake meanwhile.
import { keep, makeCode } from "./payment_key.js";

const BEFORE_S = 5;
const PATIENCE_MS = 3000;
const block = document.querySelector("[data-pay]");
const [drawing, bar, left, offline, problem, again] = ["[data-drawing]", "progress", "[data-left]", "[data-offline]", "[data-problem]", "[data-again]"].map((one) => block.querySelector(one));
const balance = document.querySelector("[data-balance]");
const words = left.textContent;
const noSignal = problem.querySelector("[data-words]").textContent;
let ends = 0;
let asking = null;
let hasKey = false;
let shown = ""; // the code this phone made that is on the screen

async function ask(address, body) {
  const answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.status === 401) {
    location.replace(block.dataset.screen);
    return new Promise(() => {});
  }
  const told = await answer.json(); // something else than ours answers something else: as if there was no connection
  if (!answer.ok) throw Object.assign(new Error(told.title), { refused: true });
  return told;
}

// One at a time; whoever asks meanwhile waits for that one.
function renew() {
  asking ??= renewed().finally(() => (asking = null));
  return asking;
}

async function renewed() {
  try {
    const told = await ask(block.dataset.pay);
    drawing.innerHTML = told.drawing;
    shown = "";
    count(told.seconds - BEFORE_S);
    offline.hidden = problem.hidden = again.hidden = true;
    if (!hasKey) keepKey();
  } catch (error) {
    if (error.refused || !(await makeOne())) say(error.refused ? error.message : noSignal);
  }
}

async function keepKey() {
  hasKey = true;
  const [amount, asOf] = ["[data-amount]", "[data-as-of]"].map((one) => balance.querySelector(one).textContent);
  try {
    await keep((fields) => ask(block.dataset.key, fields), { amount, asOf });
  } catch {
    hasKey = false; // paying works all the same; it is asked for with the next code
  }
}

// Whether the phone could make one.
async function makeOne() {
  const made = await makeCode().catch(() => null);
  if (!made) return false;
  if (made.text !== shown) drawing.replaceChildren(await drawn(made.text));
  shown = made.text;
  count(made.seconds, made.whole);
  const known = balance.querySelector("[data-amount]");
  if (!known.textContent) {
    known.textContent = made.balance.amount;
    balance.querySelector("[data-as-of]").textContent = made.balance.asOf;
  }
  balance.hidden = !known.textContent;
  balance.querySelector("[data-as-of]").hidden = offline.hidden = false;
  problem.hidden = again.hidden = true;
  return true;
}

// As the server draws it: dark modules as one path, one rectangle for each.
async function drawn(text) {
  const { correction, generate } = await import("./vendor/lean-qr-2.7.4.nano.js");
  const code = generate(text, { minCorrectionLevel: correction.M });
  const [svg, path] = ["svg", "path"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
  let dark = "";
  for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) if (code.get(x, y)) dark += `M${x} ${y}h1v1h-1z`;
  const told = { class: "qr", viewBox: `-4 -4 ${code.size + 8} ${code.size + 8}`, role: "img", "aria-label": block.dataset.label };
  for (const [name, value] of Object.entries(told)) svg.setAttribute(name, value);
  path.setAttribute("fill", "currentColor");
  path.setAttribute("d", dark);
  svg.append(path);
  return svg;
}

function say(sentence) {
  problem.querySelector("[data-words]").textContent = sentence;
  problem.hidden = again.hidden = false;
  offline.hidden = true;
  count(10);
}

function count(seconds, whole = seconds) {
  bar.max = whole;
  ends = performance.now() + seconds * 1000;
  tick();
}

function tick() {
  const seconds = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
  bar.value = seconds;
  left.hidden = !problem.hidden;
  left.textContent = words.replace("{s}", seconds);
  if (!seconds && !document.hidden) renew();
}

async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // The device decides; the code is shown all the same.
  }
}

again.addEventListener("click", renew);
addEventListener("online", async () => {
  await asking; // it began without a connection, and may fail yet
  await renew();
});
document.addEventListener("visibilitychange", () => !document.hidden && stayAwake());
stayAwake();
if ("atOnce" in block.dataset) await makeOne(); // the page itself came from the phone
await renew();
setInterval(tick, 250);
