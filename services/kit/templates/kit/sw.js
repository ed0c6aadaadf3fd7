// Keeps what screens are made of, one page that says there is no signal, and the pages that work without one. All else is always asked for:
// money is never old.
const KEPT = "{{ app }}-{{ edition }}";
const OFFLINE = "{{ offline }}";
const SHELLS = {{ shells | tojson }};
const ASSETS = {{ assets | tojson }};
const PATIENCE_MS = 3000;

addEventListener("install", (event) => {
  const pages = [OFFLINE, ...Object.values(SHELLS)].map((page) => new Request(page, { credentials: "omit" }));
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll([...pages, ...ASSETS])).then(() => skipWaiting()));
});
addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("{{ app }}-") && name !== KEPT;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => clients.claim()));
});
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/assets/")) {
    event.respondWith(caches.match(request).then((kept) => kept || fetch(request).then(async (fresh) => {
      if (fresh.ok) (await caches.open(KEPT)).put(request, fresh.clone());
      return fresh;
    })));
  } else if (request.mode === "navigate") {
    const shell = SHELLS[pathname];
    const asked = shell ? Promise.race([fetch(request), new Promise((_, tooLong) => setTimeout(tooLong, PATIENCE_MS))]) : fetch(request);
    event.respondWith(asked.catch(() => caches.match(shell ?? OFFLINE, { ignoreVary: true })));
  }
});
