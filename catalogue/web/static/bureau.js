// Optional, as travee.js is: every page of the desk works without it. It saves waiting and key presses.
// What a page asks for is in its attributes:
//   data-combobox="/address"      the input proposes from { terms: [{ label, path, for, notices }] } (ARIA 1.2)
//   data-autosave="/address"      the form is kept there a few seconds after a change, and when a field is left
//   data-live="/address"          the form is sent there after a pause in the fields of data-live-on; what comes back
//                                 fills the region whose id is data-live-into
//   data-act                      a button whose answer is the same page: what changed is swapped in place
//   data-submit-on-change="act"   choosing does the same
//   data-refresh data-from        the region is asked for again every so many seconds, while somebody looks at it
//   data-key="s"                  the button that this letter presses, where one is not typing
//   data-term                     « + Discrimination »: the word goes to the first empty subject
// A field that has the focus, or was changed since its form was sent, is never replaced.

const PAUSE = 400;
const said = (words) => {
  const place = document.querySelector("[role=status][data-said]");
  if (place && words) place.textContent = words;
};
const fetched = { "X-Requested-With": "fetch" };

const tidy = () => document.querySelectorAll("[data-no-script]").forEach((one) => (one.hidden = true));
tidy();
for (const one of document.querySelectorAll("[data-script]")) one.hidden = false;
document.querySelector("[data-done]")?.focus({ preventScroll: true });

// --- subjects: those that the thesaurus does not know are told, beside their field; none is refused ------

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
const inThesaurus = new Map(); // word -> whether one of its terms, or of their synonyms, is that word
const subjects = () => document.querySelectorAll('#fiche [name="subject"]');
const tellFree = (input) => {
  const note = Object.assign(document.createElement("p"), { className: "warning", textContent: words[6].replace("#", input.value.trim()) });
  note.dataset.free = "";
  input.parentElement.querySelector("[data-free]")?.remove();
  input.parentElement.append(note);
  return note.textContent;
};
const check = async (input) => {
  const text = input.value.trim();
  if (input.name !== "subject" || text.length < 2) return;
  if (!inThesaurus.has(plain(text))) {
    const asked = document.querySelector('[name="subject"][data-combobox]').dataset.combobox;
    try {
      const answer = await fetch(`${asked}?${new URLSearchParams({ q: text })}`, { headers: fetched });
      if (!answer.ok || answer.redirected) return;
      inThesaurus.set(plain(text), !(await answer.json()).free);
    } catch {
      return; // it is told when the subjects are looked over, or in the candidate descriptors
    }
  }
  if (!inThesaurus.get(plain(text)) && input.isConnected && input.value.trim() === text) said(tellFree(input));
};
// What is chosen is no longer proposed.
const withoutTaken = () => {
  const taken = new Set([...subjects()].map((one) => plain(one.value)));
  for (const one of document.querySelectorAll("#sujets-proposes [data-term]")) if (taken.has(plain(one.dataset.term))) one.remove();
};
document.addEventListener("input", ({ target }) => target.name === "subject" && target.parentElement.querySelector("[data-free]")?.remove());
document.addEventListener("change", ({ target }) => target.name === "subject" && withoutTaken());

// --- the same page, what changed in it ---------------------------------------------------------

const values = (box) => JSON.stringify([...box.querySelectorAll("input, select, textarea")].map((one) => one.value));
const snapshot = (form) => new Map([...form.querySelectorAll("[data-field]")].map((box) => [box.dataset.field, values(box)]));
const keyed = (root) => [...root.querySelectorAll("#champs [data-field]")].map((box) => box.dataset.field).join();

const swap = (fresh, sent) => {
  const active = document.activeElement;
  const busy = (box) => box.contains(active) && !active.matches("button");
  const changed = (box) => sent.has(box.dataset.field) && sent.get(box.dataset.field) !== values(box);
  const id = active?.id;
  for (const region of document.querySelectorAll("[data-swap]")) {
    const other = fresh.getElementById(region.id);
    if (other && other.innerHTML !== region.innerHTML) region.innerHTML = other.innerHTML;
  }
  const [here, there] = [document.getElementById("champs"), fresh.getElementById("champs")];
  if (here && there && keyed(document) !== keyed(fresh)) {
    const kept = [...here.querySelectorAll("[data-field]")].filter((box) => busy(box) || changed(box));
    const open = here.querySelector("[data-more]")?.open;
    for (const box of kept) there.querySelector(`[data-field="${box.dataset.field}"]`)?.replaceWith(box);
    here.replaceChildren(...there.childNodes);
    if (open) here.querySelector("[data-more]").open = true;
    if (id && document.activeElement === document.body) document.getElementById(id)?.focus();
  }
  for (const box of document.querySelectorAll("[data-field]")) {
    const other = fresh.querySelector(`[data-field="${box.dataset.field}"]`);
    if (!other || busy(box) || changed(box) || other.innerHTML === box.innerHTML) continue;
    const had = box.contains(active);
    box.innerHTML = other.innerHTML;
    if (had) (box.querySelector("[autofocus]") || box.querySelector("input, select, textarea"))?.focus();
  }
  const [more, opened] = [document.querySelector("[data-more]"), fresh.querySelector("[data-more]")];
  if (more && opened?.open) more.open = true;
  for (const one of subjects()) if (inThesaurus.get(plain(one.value)) === false) tellFree(one);
  tidy();
};

let last = Promise.resolve();
const inPlace = (form, action, button) => {
  last = last.then(async () => {
    const body = new FormData(form);
    body.set("action", action);
    body.delete("fichier");
    const sent = snapshot(form);
    button?.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: fetched });
      if (answer.redirected || ![200, 422].includes(answer.status)) throw new Error(String(answer.status));
      const page = answer.headers.get("Content-Type").includes("ndjson") ? await lines(answer) : await answer.text();
      const fresh = new DOMParser().parseFromString(page, "text/html");
      swap(fresh, sent);
      if (/^(take|drop|search)/.test(action)) propose(form);
      // What is left to fill in, as the page says where it opens; who has gone elsewhere meanwhile stays there.
      const waiting = [document.body, document.getElementById("chercher"), button].includes(document.activeElement);
      if (action.startsWith("search") && waiting) document.getElementById(fresh.querySelector("#fiche [autofocus]")?.id)?.focus();
    } catch {
      const act = Object.assign(document.createElement("input"), { type: "hidden", name: "action", value: action });
      form.append(act);
      leaving = true;
      form.submit();
    }
    button?.removeAttribute("aria-busy");
  });
  return last;
};

// The sources answer one after the other: each is told as it comes.
const lines = async (answer) => {
  const [reader, decoder, region] = [answer.body.getReader(), new TextDecoder(), document.getElementById("trouve")];
  let [rest, page, told] = ["", "", []];
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    const parts = (rest + decoder.decode(step.value, { stream: true })).split("\n");
    rest = parts.pop();
    for (const part of parts) {
      const one = JSON.parse(part);
      if (one.page) page = one.page;
      else region.textContent = (told = [...told, one.said]).join(" · ");
    }
  }
  if (!page) throw new Error("cut");
  return page;
};

const sheet = document.querySelector("form[data-autosave]");
const words = sheet?.dataset.words.split("|") || [];
let [leaving, sentAt] = [false, -1e4];

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const form = button?.form;
  if (!form || form !== sheet) return;
  if (button.dataset.term) {
    const empty = [...form.querySelectorAll('input[name="subject"]')].find((one) => !one.value.trim());
    if (!empty) return;
    event.preventDefault();
    empty.value = button.dataset.term;
    empty.dispatchEvent(new Event("input", { bubbles: true }));
    (button.nextElementSibling || empty).focus();
    button.remove();
    check(empty);
  } else if ("act" in button.dataset) {
    event.preventDefault();
    inPlace(form, button.value, button);
  }
});
// « Plus de champs » stays as it was left, whatever is pressed next.
document.addEventListener("toggle", ({ target }) => {
  if (target.matches("[data-more]")) target.querySelector('[name="plus"]').value = target.open ? "1" : "";
}, true);
document.addEventListener("change", (event) => {
  const act = event.target.dataset.submitOnChange;
  if (act && event.target.form) inPlace(event.target.form, act, null);
});
// Enter in the field on top asks the sources without leaving the page; elsewhere it saves, as without a script.
sheet?.addEventListener("submit", (event) => {
  const asked = event.submitter?.value;
  const top = document.getElementById("chercher");
  if (asked === "enter" && top.value.trim() && document.activeElement === top) {
    event.preventDefault();
    inPlace(sheet, "search", document.querySelector('button[value="search"]'));
  } else if (event.timeStamp - sentAt < 1000) event.preventDefault(); // a key held down sends it once
  else [leaving, sentAt] = [true, event.timeStamp];
});
// Ctrl+Enter publishes from anywhere on the page, as travee.js does from inside a form.
document.addEventListener("keydown", (event) => {
  if (!sheet || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  if (event.target.closest("form")?.querySelector("button.primary")) return;
  event.preventDefault();
  sheet.querySelector("button.primary")?.click();
});

// --- a form in hand: kept while somebody types -------------------------------------------------

if (sheet) {
  const place = sheet.querySelector("[data-autosaved]");
  const content = () => {
    const body = new FormData(sheet);
    const file = body.get("fichier");
    body.delete("fichier");
    if (file?.name) body.set("fichier_choisi", file.name);
    return body;
  };
  const text = (body) => JSON.stringify([...body].filter(([name]) => name !== "csrf_token"));
  let [kept, keeping, timer] = [text(content()), false, 0];
  const keep = async () => {
    clearTimeout(timer);
    const body = content();
    if (leaving || keeping || text(body) === kept) return;
    keeping = true;
    try {
      const answer = await fetch(sheet.dataset.autosave, { method: "POST", body, headers: fetched });
      if (answer.ok && !answer.redirected) {
        kept = text(body);
        place.textContent = `· ${(await answer.json()).said}`;
      } else if (answer.redirected || answer.status === 400) place.textContent = words[5];
    } catch { /* the next change tries again */ }
    keeping = false;
  };
  sheet.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 5000);
  });
  sheet.addEventListener("focusout", () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 200);
  });
  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keep());
  addEventListener("pageshow", () => (leaving = false));

  sheet.querySelector("[data-largest]")?.addEventListener("change", ({ target }) => {
    const heavy = target.files[0]?.size > Number(target.dataset.largest);
    target.setCustomValidity(heavy ? words[3].replace("#", Math.floor(target.dataset.largest / 1e6)) : "");
    if (heavy) {
      said(target.validationMessage);
      document.getElementById("fichier-aide").textContent = target.validationMessage;
      target.value = "";
    }
  });
}

// --- what is near, what could be a subject: after a pause --------------------------------------

let near = null;
let pause = 0;
const look = async () => {
  near?.abort();
  near = new AbortController();
  const region = document.getElementById(sheet.dataset.liveInto);
  try {
    const body = new FormData(sheet);
    body.delete("fichier");
    const answer = await fetch(sheet.dataset.live, { method: "POST", body, headers: fetched, signal: near.signal });
    if (!answer.ok || answer.redirected) return;
    const found = await answer.text();
    if (!region.contains(document.activeElement) && found.trim() !== region.innerHTML.trim()) region.innerHTML = found;
  } catch { /* asked again at the next pause */ }
};

const propose = async (form) => {
  const region = document.getElementById("sujets-proposes");
  if (!form.dataset.terms || !region || region.contains(document.activeElement)) return;
  const body = new FormData();
  body.set("csrf_token", form.elements.csrf_token.value);
  body.set("title", [form.elements.title?.value, form.elements.subtitle?.value].filter(Boolean).join(" "));
  body.set("abstract", [...form.querySelectorAll('[name="abstract"]')].map((one) => one.value).join(" "));
  for (const one of form.querySelectorAll('[name="subject"]')) if (one.value.trim()) body.append("already", one.value);
  if (body.get("title").length + body.get("abstract").length < 12) return;
  try {
    const answer = await fetch(form.dataset.terms, { method: "POST", body, headers: fetched });
    if (!answer.ok || answer.redirected) return;
    const { terms } = await answer.json();
    region.replaceChildren(...terms.map(({ label, why }) => {
      const button = Object.assign(document.createElement("button"), { textContent: `+ ${label}`, className: "small", name: "action", value: `subject:${label}` });
      button.dataset.term = label;
      if (why) button.title = why;
      return button;
    }).flatMap((button) => [button, " "]));
    withoutTaken();
  } catch { /* « Vérifier les sujets » is still there without a script */ }
};

sheet?.addEventListener("input", ({ target }) => {
  clearTimeout(pause);
  const watched = sheet.dataset.liveOn.split(" ").includes(target.name);
  const told = ["title", "abstract"].includes(target.name);
  if (watched || told) pause = setTimeout(() => {
    if (watched) look();
    if (told) propose(sheet);
  }, PAUSE);
  // What was found and is written over is no longer what was found.
  const box = target.closest("[data-field]");
  for (const tag of box?.querySelectorAll('[name^="trouve_"], .badge.ok, [value^="drop:"]') || []) tag.remove();
});
if (sheet?.elements.title?.value) propose(sheet);

// --- comboboxes (ARIA 1.2): nothing is chosen by itself, Escape keeps the text -----------------

const list = Object.assign(document.createElement("ul"), { id: "choix", className: "propose", hidden: true });
list.setAttribute("role", "listbox");
let [box, terms, at, asking, typing, others] = [null, [], -1, null, 0, new Map()];

const mark = (n) => {
  at = n;
  [...list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === n)));
  if (n < 0) box?.removeAttribute("aria-activedescendant");
  else box.setAttribute("aria-activedescendant", list.children[n].id);
};
const close = () => {
  list.hidden = true;
  box?.setAttribute("aria-expanded", "false");
  mark(-1);
};
const choose = (term) => {
  box.value = term.label;
  if (term.for) said(words[2].replace("#", term.for).replace("+", term.label));
  close();
  box.dispatchEvent(new Event("change", { bubbles: true }));
};
const show = (input, found) => {
  if (input !== box || document.activeElement !== box) return;
  terms = found;
  list.replaceChildren(...terms.map((term, i) => {
    const row = Object.assign(document.createElement("li"), { id: `choix-${i}`, textContent: term.for ? `${term.for} → ${term.label}` : term.label });
    row.setAttribute("role", "option");
    const about = [...(term.path || []), term.candidate ? words[4] : ""].filter((one) => one && one !== term.label).join(" › ");
    if (about) row.append(Object.assign(document.createElement("span"), { className: "quiet small", textContent: about }));
    row.addEventListener("mousedown", (event) => event.preventDefault());
    row.addEventListener("click", () => choose(term));
    return row;
  }));
  box.after(list);
  list.hidden = !terms.length;
  box.setAttribute("aria-expanded", String(!list.hidden));
  mark(-1);
  said(terms.length ? words[0].replace("#", terms.length) : words[1]);
};
const ask = (wait) => {
  clearTimeout(typing);
  asking?.abort();
  const input = box;
  const text = input.value.trim();
  if (text.length < 2) return close();
  typing = setTimeout(async () => {
    asking = new AbortController();
    try {
      const answer = await fetch(`${input.dataset.combobox}?${new URLSearchParams({ q: text })}`, { headers: fetched, signal: asking.signal });
      if (!answer.ok || answer.redirected) return;
      const { terms: found, free } = await answer.json();
      if (input.name === "subject") inThesaurus.set(plain(text), !free);
      for (const term of found) if (term.for) others.set(plain(term.for), term);
      if (input.value.trim() === text) show(input, found);
    } catch { /* nothing proposed: the field works as before */ }
  }, wait);
};
document.addEventListener("focusin", ({ target }) => {
  if (!target.matches?.("[data-combobox]")) return;
  box = target;
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]])
    box.setAttribute(name, value);
  list.setAttribute("aria-label", box.labels?.[0]?.textContent || "");
  box.after(list);
});
document.addEventListener("focusout", ({ target }) => {
  if (target !== box) return;
  clearTimeout(typing);
  const term = others.get(plain(box.value));
  if (term && box.dataset.combobox.includes("sujets") && plain(term.label) !== plain(box.value)) choose(term);
  close();
  check(box);
});
document.addEventListener("input", ({ target }) => target === box && ask(120));
document.addEventListener("keydown", (event) => {
  if (!box || event.target !== box || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (list.hidden && event.key !== "ArrowDown") return;
  if (list.hidden) ask(0); // the arrow brings back what Escape closed
  else if (event.key === "Escape") close();
  else if (event.key === "ArrowDown") mark((at + 1) % terms.length);
  else if (event.key === "ArrowUp") mark(at < 1 ? terms.length - 1 : at - 1);
  else if (event.key === "Enter" && at >= 0) choose(terms[at]);
  else return;
  event.preventDefault();
});

// --- what others do meanwhile --------------------------------------------------------------------

for (const region of document.querySelectorAll("[data-refresh]")) {
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(region.dataset.from, { headers: fetched });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-refresh]");
      if (fresh && fresh.textContent !== region.textContent) region.textContent = fresh.textContent;
    } catch { /* the next one may come through; « Actualiser » is there */ }
  }, Number(region.dataset.refresh) * 1000);
}

// --- keys of the whole desk ---------------------------------------------------------------------
// g then a letter: the page of that data-go; u takes back the act just done, where its « Annuler » is shown; ? lists
// them. They are off where keys are off and while one types; « À revoir » has an u and a ? of its own. Heard before its
// keys, so that the letter behind g means only that.

const deskKeys = document.querySelector("[data-desk-keys]");
const ownKeys = document.querySelector("[data-review]");
let behind = 0; // when g was pressed
if (deskKeys && document.documentElement.dataset.keys !== "off") {
  deskKeys.hidden = false;
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || target.closest("input, textarea, select, [contenteditable]")) return;
    const second = behind && event.timeStamp - behind < 1500 && deskKeys.querySelector(`[data-go="${CSS.escape(key)}"]`);
    behind = key === "g" ? event.timeStamp : 0;
    const own = document.querySelector(`main [data-key="${CSS.escape(key)}"]`);
    if (second) second.click();
    else if (own) own.click();
    else if (ownKeys || !["u", "?"].includes(key)) return;
    else if (key === "u") {
      const undo = document.querySelectorAll("main .follow form[action$='/annuler'] button");
      if (undo.length !== 1) return; // a list of acts is no place to take back « the last »
      undo[0].click();
    }
    else if ((deskKeys.open = !deskKeys.open)) deskKeys.querySelector("summary").focus();
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
}
