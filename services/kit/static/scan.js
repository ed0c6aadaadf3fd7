// Reads QR codes from the camera. <div data-camera="FIELD"> with a <video>: what is read goes into that field of its form, which is sent;
// or, where somebody else listens, is told with the event "read" on the block.
const PAUSE_MS = 120;

// The browser's own reader, or one in WebAssembly that is loaded only where there is none.
async function reader() {
  if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
    return new BarcodeDetector({ formats: ["qr_code"] });
  }
  await script("./vendor/barcode-detector-3.2.2.ponyfill.js");
  const wasm = new URL("./vendor/zxing-reader-3.1.3.wasm", import.meta.url).href;
  BarcodeDetectionAPI.prepareZXingModule({ overrides: { locateFile: () => wasm } });
  return new BarcodeDetectionAPI.BarcodeDetector({ formats: ["qr_code"] });
}

function script(path) {
  return new Promise((loaded, failed) => {
    const element = document.createElement("script");
    Object.assign(element, { src: new URL(path, import.meta.url).href, onload: loaded, onerror: failed });
    document.head.append(element);
  });
}

export async function watch(block, told) {
  const video = block.querySelector("video");
  const error = document.querySelector("[data-camera-error]");
  block.hidden = false;
  if (error) error.hidden = true;
  const reading = reader();
  reading.catch(() => {}); // it may fail before it is waited for
  let stream;
  let detector;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    video.srcObject = stream;
    await video.play();
    detector = await reading;
  } catch {
    block.hidden = true;
    if (error && !stream) {
      error.textContent = block.dataset.refused;
      error.hidden = false;
    }
    for (const track of stream?.getTracks() ?? []) track.stop();
    document.querySelector("[data-typed]")?.setAttribute("open", "");
    return () => {};
  }
  let on = true;
  const stop = () => {
    on = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  (async () => {
    while (on) {
      const [found] = await detector.detect(video).catch(() => []);
      if (on && found) told(found.rawValue, stop);
      await new Promise((next) => setTimeout(next, PAUSE_MS));
    }
  })();
  return stop;
}

for (const block of document.querySelectorAll("[data-camera]:not([data-camera=''])")) {
  watch(block, (text, stop) => {
    stop();
    navigator.vibrate?.(60);
    const form = block.closest("form");
    form.elements[block.dataset.camera].value = text;
    form.requestSubmit();
    block.hidden = !form.dataset.sent; // where more is asked before the form can be sent
  });
}
