// Optional: every page works without it. It removes key presses, nothing else.
// The single-letter keys are switched off on the help page (data-keys, remembered in a cookie).
const keys = document.documentElement.dataset.keys !== "off";
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
const results = () => [...document.querySelectorAll(".results .doc a, [data-entries] > li .line > p a:first-child")];

document.addEventListener("keydown", (event) => {
  if (!keys || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  const field = document.getElementById("q");
  if (field && (event.key === "/" || (event.key === "r" && field.closest("[data-propose]")))) {
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
  } else if (event.key === "x") event.target.closest(".result")?.querySelector("[data-pick] button").click();
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

// « À revoir »: n, l, b choose for the field one is at (for the first one where one has not moved yet), j and k (and arrows) go from field to field, a accepts, r keeps
// ours, t leaves it for later, u takes back; in a list, a and r press the buttons of the line one is at. « ? » lists
// them. Nothing else listens to these letters; inside a group of choices the arrows stay the browser's.
const review = document.querySelector("[data-review]");
const decide = document.querySelector("[data-review-form]");
const press = (button) => {
  if (button) button.click();
  return Boolean(button);
};
const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
if (review && keys) {
  for (const hint of document.querySelectorAll("kbd[hidden], [data-keys-help], [data-keys-list]")) hint.hidden = false;
  const help = document.querySelector("[data-keys-list]");
  const rows = [...document.querySelectorAll("[data-question]")];
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const choice = target.type === "radio" || target.type === "checkbox";
    if ((typing(target) && !choice) || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const here = rows.findIndex((row) => row.contains(target));
    const line = target.closest("[data-entries] > li");
    const value = { n: "ours", l: "theirs", b: "both" }[key];
    let done = false;
    if (key === "?" && help) {
      help.open = !help.open;
      if (help.open) help.querySelector("summary").focus();
      done = true;
    } else if (value) {
      const row = rows[here] || (target === review || target === document.body ? rows[0] : null);
      const radio = row?.querySelector(`input[type="radio"][value="${value}"]`);
      if (radio) done = radio.checked = true;
      if (radio && here < 0) row.querySelector("th").focus();
    } else if (step[key] && rows.length && !(choice && key.length > 1)) {
      const next = rows[here + step[key]]?.querySelector("th") || (here === 0 && step[key] < 0 ? review : null);
      if (here >= 0 || step[key] > 0) next?.focus();
      done = Boolean(next);
    } else if (key === "u") done = press(document.querySelector("[data-undo] button"));
    else if (line && (key === "a" || key === "r")) done = press(line.querySelectorAll("button")[key === "a" ? 0 : 1]);
    else if (decide && key === "a") done = press(decide.querySelector("button.primary"));
    else if (decide && (key === "r" || key === "t")) done = press(decide.querySelector(`[data-key="${key}"]`));
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

// « Ajouter à ma sélection » without leaving the page: the button says the new state, the menu its number.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-pick]");
  const button = event.submitter;
  if (!form || !button || !window.fetch) return;
  event.preventDefault();
  const body = new FormData(form);
  body.set("acte", button.value);
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const { total, words } = await answer.json();
    const there = button.value === "ajouter";
    button.value = there ? "retirer" : "ajouter";
    if (there) button.setAttribute("aria-pressed", "true");
    else button.removeAttribute("aria-pressed");
    button.firstChild.data = there ? form.dataset.there : form.dataset.pick;
    for (const count of document.querySelectorAll("[data-picked]")) count.textContent = total ? `\u00a0(${total})` : "";
    for (const bar of document.querySelectorAll("[data-taken]")) bar.hidden = !total;
    document.querySelector("[role=status][data-said]").textContent = words;
    button.removeAttribute("aria-busy");
  } catch {
    const act = document.createElement("input");
    Object.assign(act, { type: "hidden", name: "acte", value: button.value });
    form.append(act);
    form.submit();
  }
});

// The preview of a selection follows its choices: one act after the other, each with the choices as they then are.
const choices = document.querySelector("form[data-follow]");
let following = Promise.resolve();
choices?.addEventListener("change", () => {
  following = following.then(async () => {
    const body = new FormData(choices);
    body.set("acte", "regler");
    try {
      const answer = await fetch(choices.action, { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-preview]");
      if (!answer.ok || !fresh) return;
      document.querySelector("[data-preview]").replaceWith(fresh);
      document.querySelector("[role=status][data-said]").textContent = choices.dataset.follow;
    } catch {
      // « Mettre à jour l’aperçu » is still there
    }
  });
});

// « Copier la référence »: the button is there only where it can work.
for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  button.parentElement.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.nextElementSibling.textContent = button.dataset.copied;
  });
}

// The search box proposes themes and words (ARIA 1.2 combobox): nothing is chosen by itself, Escape keeps the text.
const box = document.querySelector("[data-propose] #q");
if (box && window.AbortController) {
  const list = document.createElement("ul");
  Object.assign(list, { id: "propositions", className: "propose", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", box.labels[0]?.textContent || "");
  box.closest(".seek").append(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]])
    box.setAttribute(name, value);
  const said = document.querySelector("[data-said]");
  let [timer, asking, at, shown, waits] = [0, null, -1, null, false];
  const mark = (n) => {
    at = n;
    [...list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === n)));
    if (n < 0) box.removeAttribute("aria-activedescendant");
    else box.setAttribute("aria-activedescendant", list.children[n].id);
  };
  const forget = () => {
    clearTimeout(timer);
    asking?.abort();
    waits = false;
  };
  const close = () => {
    forget(); // what is still on its way would open it again
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    mark(-1);
  };
  const show = ([typed, texts, counts, addresses, rows = texts]) => {
    if (typed !== box.value) return;
    list.replaceChildren(...rows.map((text, i) => {
      const row = document.createElement("li");
      Object.assign(row, { id: `propose-${i}`, textContent: text });
      row.setAttribute("role", "option");
      if (counts[i]) row.append(Object.assign(document.createElement("span"), { className: "quiet small", textContent: counts[i] }));
      row.addEventListener("mousedown", (event) => event.preventDefault());
      row.addEventListener("click", () => location.assign(addresses[i]));
      return row;
    }));
    shown = typed;
    open();
    if (said && texts.length) said.textContent = box.form.dataset.proposed.replace("#", texts.length);
  };
  const open = () => {
    mark(-1);
    list.hidden = !list.children.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
  };
  const ask = (pause) => {
    forget();
    if (box.value.trim().length < 2) return close();
    waits = true;
    timer = setTimeout(async () => {
      asking = new AbortController();
      try {
        const answer = await fetch(`${box.form.dataset.propose}?${new URLSearchParams(new FormData(box.form))}`, { signal: asking.signal });
        if (answer.ok) show(await answer.json());
        waits = false;
      } catch { /* nothing proposed: the box works as before */ }
    }, pause);
  };
  box.addEventListener("input", () => ask(120));
  box.addEventListener("keydown", (event) => {
    const rows = list.children.length;
    if (event.isComposing || (list.hidden && event.key !== "ArrowDown" && !(event.key === "Escape" && waits))) return;
    if (event.key === "Escape") close(); // the text stays, even where nothing is proposed yet
    else if (list.hidden) shown === box.value ? open() : ask(0); // the arrow brings back what Escape closed
    else if (event.key === "ArrowDown") mark((at + 1) % rows);
    else if (event.key === "ArrowUp") mark(at < 1 ? rows - 1 : at - 1);
    else if (event.key === "Enter" && at >= 0) list.children[at].click();
    else return;
    event.preventDefault();
  });
  box.addEventListener("blur", close);
}
