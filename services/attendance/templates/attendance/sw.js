// Attendance mode without signal: its pages, and the names that were looked for, are asked for afresh where there is a signal and else
// taken as they were kept. All other pages are always asked for. Whoever signs out takes the pages along (forget.js).
const KEPT = "coordinator-{{ edition }}";
const PAGES = "coordinator-pages";
const PATIENCE_MS = 4000;
const MADE_OF = [{% for name in ("meritcoin.css", "vendor/pico-2.1.1.classless.min.css", "icons.svg", "mark.svg", "attendance.js", "shift-code.js", "scan.js") %}"{{ asset(name) }}", {% endfor %}];
if (!("BarcodeDetector" in self)) MADE_OF.push("{{ asset('vendor/barcode-detector-3.2.2.ponyfill.js') }}", "{{ asset('vendor/zxing-reader-3.1.3.wasm') }}");

addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(MADE_OF)).then(() => skipWaiting()));
});
addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("coordinator-") && name !== KEPT;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => clients.claim()));
});
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/assets/")) event.respondWith(found(request).then((kept) => kept || fetch(request)));
  else if (/\/(attendance|people\.json)$/.test(pathname)) event.respondWith(fresh(request));
});

const found = (request) => caches.match(request, { ignoreVary: true, ignoreSearch: true });

// A lost signal often fails late, and a service that is away answers at once: both open the page as it was kept.
async function fresh(request) {
  const kept = await found(request);
  const asked = fetch(request).then(async (answer) => {
    if (answer.ok && !answer.redirected) (await caches.open(PAGES)).put(request, answer.clone());
    return answer;
  });
  if (!kept) return asked;
  const late = new Promise((over) => setTimeout(over, PATIENCE_MS, kept));
  return Promise.race([asked.then((answer) => (answer.status >= 500 ? kept : answer)), late]).catch(() => kept);
}
