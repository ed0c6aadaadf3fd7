// What every screen has: reading aloud where the device can, an app's service worker, and forms that are sent once.
const worker = document.querySelector('link[rel="manifest"]')?.href.replace(/[^/]*$/, "sw.js");
if (worker && "serviceWorker" in navigator) navigator.serviceWorker.register(worker).catch(() => {});

for (const button of document.querySelectorAll(".listen")) {
  if (!("speechSynthesis" in window)) break;
  button.hidden = false;
  button.addEventListener("click", () => {
    if (speechSynthesis.speaking) return speechSynthesis.cancel();
    const place = document.querySelector(button.dataset.listen);
    const said = new SpeechSynthesisUtterance(place.innerText);
    said.lang = place.closest("[lang]").lang;
    speechSynthesis.speak(said);
  });
}

// Where a line of links is longer than the screen, the one of this page is in view.
document.querySelector(".side [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

// What happened to a form, before its first field.
document.getElementById("refusal")?.focus();

// A second tap on the same button sends nothing: the first is on its way.
addEventListener("submit", (event) => {
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent));
