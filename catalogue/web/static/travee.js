// Optional: every page works without it. It removes key presses, nothing else.
// The single-letter keys are switched off on the help page (data-keys, remembered in a cookie).
const keys = document.documentElement.dataset.keys !== "off";
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
const results = () => [...document.querySelectorAll(".results h2 a")];

document.addEventListener("keydown", (event) => {
  if (!keys || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  const field = document.getElementById("q");
  if (event.key === "/" && field) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "j" || event.key === "k") {
    const links = results();
    const here = links.findIndex((a) => a.closest("li").contains(document.activeElement));
    const next = here < 0 ? (event.key === "j" ? 0 : -1) : here + (event.key === "j" ? 1 : -1);
    if (links[next]) {
      event.preventDefault();
      links[next].focus();
    }
  }
});

// Ctrl or ⌘ with Enter presses the main button of the form one is writing in.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const button = event.target.closest("form")?.querySelector("button.primary");
  if (button) {
    event.preventDefault();
    button.click();
  }
});

// A form sent back with errors: the summary takes the focus, and is announced.
const problem = document.getElementById("erreurs");
if (problem) problem.focus();
// The home's search box has the focus where there is a real keyboard, never on phones.
else if (matchMedia("(hover: hover) and (pointer: fine)").matches) {
  document.querySelector("[data-first]")?.focus({ preventScroll: true });
}
