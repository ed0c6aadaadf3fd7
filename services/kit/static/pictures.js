// Four pictures in order. Once all are there their numbers are in the hidden field; where they are chosen for the first time, once more.
export function attend(box) {
  const [field, says, places] = [box.querySelector("[name=pin]"), box.querySelector("[data-say]"), [...box.querySelectorAll(".picked > span")]];
  const asked = says.textContent;
  let picked = [];
  let first = null;

  const show = () => places.forEach((place, n) => {
    place.replaceChildren(...(picked[n] ? [picked[n].querySelector("svg").cloneNode(true)] : []));
    place.classList.toggle("full", n < picked.length);
  });
  const begin = (words) => {
    picked = [];
    says.textContent = words;
    show();
  };
  const full = () => {
    const numbers = picked.map((button) => button.value).join();
    if (box.dataset.twice && !first) {
      first = numbers;
      setTimeout(() => begin(box.dataset.again), 350);
    } else if (first && first !== numbers) {
      first = null;
      begin(box.dataset.differ);
    } else {
      field.value = numbers;
      if (!box.dataset.twice) box.form.requestSubmit();
    }
  };

  box.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("undo" in button.dataset) {
      picked.pop();
      field.value = "";
    } else if (picked.length < places.length) {
      picked.push(button);
      if (picked.length === places.length) full();
    }
    show();
  });
  box.form.addEventListener("submit", (event) => {
    if (field.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    begin(first ? box.dataset.again : asked);
    box.querySelector(".pictures button").focus();
  });
}

for (const box of document.querySelectorAll("[data-pictures]")) attend(box);
