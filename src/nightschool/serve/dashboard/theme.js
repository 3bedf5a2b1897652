// Sets the chosen theme before the first paint; without a choice the system's is followed.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("nightschool-theme");
  } catch {
    // Storage is closed: the system's theme is followed.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
