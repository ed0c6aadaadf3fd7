// The code people scan to check in and out, as long as it is seen: a new one whenever the last one ends. The screen stays awake meanwhile.
const AGAIN_MS = 5000;
const block = document.querySelector("[data-code]");
const [drawing, bar, left, text, problem] = ["[data-drawing]", "progress", "[data-left]", "[data-text]", "[data-problem]"].map((one) => block.querySelector(one));
const full = document.querySelector("[data-full]");
const words = left.textContent;
const noSignal = problem.querySelector("[data-words]").textContent;
let ends = 0;
let asking = false;

async function renew() {
  asking = true;
  try {
    const answer = await fetch(block.dataset.code, { headers: { Accept: "application/json" } });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.title);
    drawing.innerHTML = told.drawing;
    text.textContent = told.text;
    ends = performance.now() + told.seconds * 1000;
    problem.hidden = true;
  } catch (error) {
    const lost = error instanceof TypeError || error instanceof SyntaxError;
    problem.querySelector("[data-words]").textContent = lost ? noSignal : error.message;
    problem.querySelector("[data-signal]").hidden = !lost;
    problem.querySelector("[data-other]").hidden = lost;
    problem.hidden = false;
    drawing.replaceChildren();
    text.textContent = "";
    ends = performance.now() + AGAIN_MS;
  } finally {
    drawing.hidden = full.hidden = !problem.hidden;
    asking = false;
  }
}

function tick() {
  const seconds = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
  bar.value = seconds;
  bar.hidden = left.hidden = !problem.hidden;
  left.textContent = words.replace("{s}", seconds);
  const seen = !document.hidden && block.checkVisibility();
  if (!seconds && seen && !asking) renew();
}

async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // The device decides; the code is shown all the same.
  }
}

full.addEventListener("click", () => block.requestFullscreen?.());
document.addEventListener("visibilitychange", () => !document.hidden && stayAwake());
stayAwake();
setInterval(tick, 250);
