// Keeps a block of long work current. <div data-follow="address"> holds a <progress> and elements named by data-say;
// the address answers {done, total, over, words: {name: text}}. When the work is over, <main> is taken from a fresh page.
const PAUSE_MS = 1000;
const PAUSE_AFTER_FAILURE_MS = 5000;

async function follow(block) {
  const answer = await fetch(block.dataset.follow, { headers: { Accept: "application/json" } });
  const { done, total, over, words } = await answer.json();
  if (over) return renew();
  Object.assign(block.querySelector("progress"), { max: total, value: done });
  for (const place of block.querySelectorAll("[data-say]")) place.textContent = words[place.dataset.say];
  again(block, PAUSE_MS);
}

async function renew() {
  const fresh = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  document.querySelector("main").replaceWith(fresh.querySelector("main"));
}

function again(block, pause) {
  setTimeout(() => follow(block).catch(() => again(block, PAUSE_AFTER_FAILURE_MS)), pause);
}

for (const block of document.querySelectorAll("[data-follow]")) again(block, PAUSE_MS);
