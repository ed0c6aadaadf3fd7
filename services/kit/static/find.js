// Finds in a list as one types. <div data-find="#list"> holds the field; it shows where there is script.
for (const box of document.querySelectorAll("[data-find]")) {
  const list = document.querySelector(box.dataset.find);
  box.hidden = false;
  box.querySelector("input").addEventListener("input", (event) => {
    const typed = event.target.value.trim().toLocaleLowerCase();
    for (const line of list.children) line.hidden = !line.textContent.toLocaleLowerCase().includes(typed);
  });
}
