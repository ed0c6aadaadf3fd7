// The till: key the amount, read the code, and the answer takes the whole screen, with a sound and a shake.
// Every attempt has a key of its own, kept until it is answered: after a lost connection or a reload the very same is asked again.
import { attend } from "./pictures.js";
import { watch } from "./scan.js";

const PENDING = "pending";
const PATIENCE_MS = 8000;
const ASKED_FOR_MS = 60_000;
const AFTERTAP_MS = 500; // the second tap of a double tap does not choose on the answer that came meanwhile
const MOST_DIGITS = 6;
const main = document.querySelector("main");
const form = document.querySelector("[data-till]");
const find = (name) => document.querySelector(`[data-${name}]`);
const written = new Intl.NumberFormat(`${document.documentElement.lang}-u-nu-latn`, { minimumFractionDigits: 2 });

let step = "";
let cents = 0;
let sending = null; // the attempt that waits for its answer
let answer = null; // the screen that tells it
let shownAt = 0;
let turn = 0; // which opening of the camera is the current one
let closeCamera = () => {};
let hurry = () => {};
let audio;

function show() {
  for (const place of document.querySelectorAll("[data-amount]")) place.textContent = written.format(cents / 100);
  find("scan").disabled = !cents;
}

function go(to) {
  step = to;
  turn += 1;
  closeCamera();
  closeCamera = () => {};
  answer?.remove();
  answer = null;
  for (const part of document.querySelectorAll("[data-step]")) part.hidden = part.dataset.step !== to;
  for (const part of document.querySelectorAll("body > header, body > nav")) part.inert = to === "answer";
  if (to === "amount") show();
  if (to === "code") openCamera();
}

// A sale is one step beyond the keypad, so that the device's own back leads there.
function begin() {
  if (!history.state) history.pushState("sale", "");
  go("code");
}

function back() {
  if (history.state) history.back();
  else go("amount");
}

addEventListener("popstate", () => {
  if (step === "waiting") return; // whatever is tapped, it is asked until it is answered
  if (answer?.dataset.answer === "yes") cents = 0;
  go("amount");
});

function press(key) {
  const digits = `${cents || ""}`;
  const next = key === "delete" ? digits.slice(0, -1) : digits + key;
  if (next.length <= MOST_DIGITS) cents = Number(next);
  show();
}

async function openCamera() {
  const mine = turn;
  form.elements.code.value = "";
  const close = await watch(find("camera"), (text, stop) => {
    stop();
    if (mine === turn) sell(text);
  });
  if (mine === turn) closeCamera = close;
  else close();
}

function sell(code) {
  send(form.action, { amount_cents: cents, code });
}

function send(action, fields, key = newKey()) {
  if (!sending) ask({ action, fields: { ...fields, key } });
}

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Until there is an answer: at once, then less and less often for a minute, then when somebody says so or the signal is back.
async function ask(attempt) {
  sending = attempt;
  if (!("pin" in attempt.fields)) sessionStorage.setItem(PENDING, JSON.stringify(attempt)); // pictures are kept nowhere, and they only ask for a code
  go("waiting");
  say("asking");
  const began = performance.now();
  for (let pause = 1000; ; pause *= 2) {
    const found = await answerTo(attempt);
    if (found) return told(found);
    const over = performance.now() - began > ASKED_FOR_MS;
    say(over ? "silent" : "again");
    await new Promise((next) => {
      hurry = next;
      if (!over) setTimeout(next, pause);
    });
  }
}

async function answerTo({ action, fields }) {
  try {
    const said = await fetch(action, {
      method: "POST", body: new URLSearchParams(fields), headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (said.redirected) {
      sessionStorage.removeItem(PENDING); // this device is no till any more: nothing was sold
      location.assign(said.url);
      return new Promise(() => {});
    }
    if (said.status >= 500) return null;
    return new DOMParser().parseFromString(await said.text(), "text/html").querySelector("[data-answer]");
  } catch {
    return null;
  }
}

function say(which) {
  for (const name of ["asking", "again", "silent"]) find(name).hidden = name !== which;
  for (const help of document.querySelectorAll("[data-help]")) help.hidden = which === "asking";
}

function told(found) {
  sessionStorage.removeItem(PENDING);
  sending = null;
  if (found.dataset.answer === "fits") return sellFor(found.querySelector("form"));
  go("answer");
  answer = document.adoptNode(found);
  main.append(answer);
  shownAt = performance.now();
  if (answer.dataset.answer === "pictures") return askPictures();
  answer.querySelector("h1").focus();
  const last = answer.querySelector("[data-last]");
  if (last) {
    find("ready").replaceChildren(last);
    last.hidden = false;
  }
  const yes = answer.dataset.answer === "yes";
  navigator.vibrate?.(yes ? 150 : [90, 70, 90, 70, 90]);
  if (yes) sound([660, 0], [990, 0.12]);
  else sound([220, 0], [180, 0.2]);
}

// A printed card: the customer taps their pictures, which leave this device with the next question and are on no page afterwards.
function askPictures() {
  form.reset(); // the card's code may have been typed
  for (const part of answer.querySelectorAll("noscript")) part.remove();
  attend(answer.querySelector("[data-pictures]"));
  answer.querySelector("[role=alert], h1").focus();
  navigator.vibrate?.(60);
}

// They were right: what the answer holds is sold like any other code, under the key of that page, and so once.
function sellFor({ action, elements }) {
  send(action, { amount_cents: elements.amount_cents.value, code: elements.code.value }, elements.key.value);
}

function sound(...tones) {
  if (!audio) return;
  for (const [hertz, after] of tones) {
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    const at = audio.currentTime + after;
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.25, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.25);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.25);
  }
}

// Sound is allowed once somebody has touched the page.
for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => (audio ??= new AudioContext()), { once: true });

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-send]")) return;
  event.preventDefault();
  const { key, ...fields } = Object.fromEntries(new FormData(event.target));
  if ("pin" in fields) send(event.target.action, fields, key); // one sale from one showing of the pictures
  else if (event.target !== form) send(event.target.action, fields);
  else if (fields.code.trim()) sell(fields.code.trim());
});

addEventListener("click", (event) => {
  if (!answer?.contains(event.target)) return;
  if (event.detail && performance.now() - shownAt < AFTERTAP_MS) return event.preventDefault();
  if (event.target.closest("[data-next]")) cents = 0;
  else if (!event.target.closest("[data-rescan]")) return;
  event.preventDefault();
  if (cents) go("code");
  else back();
}, { capture: true });

// A tap leaves the focus where it was, so that the device's own Enter scans instead of repeating the digit.
const keypad = document.querySelector(".keypad");
keypad.addEventListener("pointerdown", (event) => event.preventDefault());
keypad.addEventListener("mousedown", (event) => event.preventDefault());
keypad.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) press(button.value);
});
find("scan").addEventListener("click", begin);
find("back").addEventListener("click", back);
find("retry").addEventListener("click", () => {
  say("again");
  hurry();
});
find("give-up").addEventListener("click", () => sessionStorage.removeItem(PENDING));
addEventListener("online", () => hurry());
for (const change of ["online", "offline"]) addEventListener(change, signal);

function signal() {
  find("ready").hidden = !navigator.onLine;
  find("no-signal").hidden = navigator.onLine;
}

// Keys of a real keyboard; and a hand scanner, which is one that types the code and Enter.
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const onButton = event.target.closest("a, button, summary, input");
  if (step === "amount") {
    if (/^\d$/.test(event.key)) press(event.key);
    else if (event.key === "Backspace") press("delete");
    else if (event.key === "Enter" && cents && !onButton) begin();
    else return;
    event.preventDefault();
  } else if (step === "code" && event.key.length === 1 && event.key !== " " && !event.target.closest("input")) {
    find("typed").open = true;
    form.elements.code.focus();
  }
});

// Nobody comes back to pictures somebody had begun to tap.
addEventListener("pagehide", () => answer?.dataset.answer === "pictures" && go("amount"));

signal();
const left = sessionStorage.getItem(PENDING);
if (left) ask(JSON.parse(left));
else go("amount");
