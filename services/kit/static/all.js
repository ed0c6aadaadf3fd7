// One tick for all the ticks of a list: it stands for them, and is shown only where it can work.
for (const list of document.querySelectorAll("[data-choose]")) {
  const all = list.querySelector("[data-all]");
  const ticks = [...list.querySelectorAll("input[type=checkbox]:not([data-all])")];
  if (!all || ticks.length < 2) continue;
  const follow = () => {
    const chosen = ticks.filter((tick) => tick.checked).length;
    all.checked = chosen === ticks.length;
    all.indeterminate = chosen > 0 && chosen < ticks.length;
  };
  all.addEventListener("change", () => ticks.forEach((tick) => { tick.checked = all.checked; }));
  ticks.forEach((tick) => tick.addEventListener("change", follow));
  all.closest("label").hidden = false;
  follow();
}
