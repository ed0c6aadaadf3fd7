// What this phone makes payment codes with where it has no connection (services/redemption/domain_offline.py says how they are made). The
// secret lies in the browser's own store as a key that scripts can use and cannot read. Beside it: by how much our clock is ahead of the
// phone's, and the balance as it was last seen.
const STEP_S = 30;

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("meritcoin-payment", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function inStore(mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction("kept", mode);
      const asked = work(transaction.objectStore("kept"));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

const kept = () => inStore("readonly", (store) => store.get("phone"));
export const forget = () => inStore("readwrite", (store) => store.delete("phone"));

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
const text = (made) => btoa(String.fromCharCode(...made)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// While there is a connection: a key, if this phone has none that is good for a while. `ask(fields)` asks for it.
export async function keep(ask, balance) {
  if (!crypto.subtle) return;
  const before = await kept();
  const told = await ask(new URLSearchParams(before && { payment_key_id: before.id }));
  const key = told.secret ? await crypto.subtle.importKey("raw", bytes(told.secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]) : before.key;
  const phone = { id: told.id, key, ends: told.ends, ahead: told.now - Date.now(), balance };
  await inStore("readwrite", (store) => store.put(phone, "phone"));
}

// The code of this half minute, for how many seconds it is shown, and the balance; nothing on a phone without a key.
export async function makeCode() {
  const phone = await kept();
  const now = Date.now() + (phone?.ahead ?? 0);
  if (!phone || phone.ends <= now) return null;
  const step = Math.floor(now / 1000 / STEP_S);
  const said = new Uint8Array(20);
  said.set(phone.id.replaceAll("-", "").match(/../g).map((pair) => parseInt(pair, 16)));
  new DataView(said.buffer).setUint32(16, step);
  const proof = new Uint8Array(await crypto.subtle.sign("HMAC", phone.key, said)).slice(0, 12);
  return { text: `pay.${text([...said, ...proof])}`, whole: STEP_S, seconds: (step + 1) * STEP_S - now / 1000, balance: phone.balance };
}
