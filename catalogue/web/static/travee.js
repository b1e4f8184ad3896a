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

// « À revoir »: n, l, b choose for the field one is at, arrows go from field to field, a accepts, u takes back.
// Nothing else listens to these letters; inside a group of choices the arrows stay the browser's.
const review = document.querySelector("[data-review]");
const decide = document.querySelector("[data-review-form]");
const pressed = (selector) => {
  const button = document.querySelector(selector);
  if (button) button.click();
  return Boolean(button);
};
if (review && keys) {
  for (const hint of document.querySelectorAll("kbd[hidden], [data-keys-help]")) hint.hidden = false;
  const rows = [...document.querySelectorAll("[data-question]")];
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const free = !typing(target) || target.type === "radio" || target.type === "checkbox";
    if (!free || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const here = rows.findIndex((row) => row.contains(target));
    const value = { n: "ours", l: "theirs", b: "both" }[key];
    let done = false;
    if (value) {
      const choice = rows[here]?.querySelector(`input[type="radio"][value="${value}"]`);
      if (choice) done = choice.checked = true;
    } else if ((key === "ArrowDown" || key === "ArrowUp") && (here >= 0 || target === review) && target.type !== "radio") {
      const next = rows[here + (key === "ArrowDown" ? 1 : -1)]?.querySelector("th") || (here === 0 ? review : null);
      next?.focus();
      done = Boolean(next);
    } else if (key === "a" && decide) done = pressed("[data-review-form] button.primary");
    else if (key === "u") done = pressed("[data-undo] button");
    if (done) event.preventDefault();
  });
}

// A form sent back with errors: the summary takes the focus, and is announced.
const problem = document.getElementById("erreurs");
if (problem) problem.focus();
else if (review && decide) review.focus({ preventScroll: true });
// The home's search box has the focus where there is a real keyboard, never on phones.
else if (matchMedia("(hover: hover) and (pointer: fine)").matches) {
  document.querySelector("[data-first]")?.focus({ preventScroll: true });
}
