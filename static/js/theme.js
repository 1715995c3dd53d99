// Runs before the first paint: the theme and the height of rows that this person chose on this device.
(() => {
  const root = document.documentElement;
  const stored = (key) => {
    try { return localStorage.getItem(key); } catch { return null; }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = stored("theme") || "system";
    root.dataset.themeChoice = chosen;
    root.dataset.bsTheme = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
    root.dataset.density = stored("density") || "roomy";
  };
  root.classList.add("js");
  dark.addEventListener("change", apply);
  document.addEventListener("portal:display", apply);
  apply();
})();
