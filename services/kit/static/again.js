// The page a till shows without a signal: what was asked for is opened as soon as there is one. A sale in hand is asked for again then.
const PAUSE_MS = 3000;
const kept = sessionStorage.getItem("pending") !== null;
for (const words of document.querySelectorAll("[data-kept]")) words.hidden = (words.dataset.kept === "yes") !== kept;

let timer;
async function look() {
  clearTimeout(timer);
  try {
    await fetch(location.href, { method: "HEAD" }); // the service worker leaves it to the network
    location.reload();
  } catch {
    timer = setTimeout(look, PAUSE_MS);
  }
}
addEventListener("online", look);
timer = setTimeout(look, PAUSE_MS);
