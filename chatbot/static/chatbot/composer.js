/* The answer box: answer or note, canned answers behind a slash, suggestions that wait to be chosen.
   Nothing here sends; the inbox does, when the agent says so. */
window.rapportComposer = (page, form) => {
  "use strict";
  const say = page.dataset;
  const box = form.text;
  const canned = document.getElementById("chat-canned");
  const suggested = document.getElementById("chat-suggested");
  const tabs = { answer: document.getElementById("tab-answer"), note: document.getElementById("tab-note") };
  const submit = form.querySelector("button[type=submit]");
  let mode = "answer";
  let ready = [];
  let shown = [];
  let at = 0;
  let asked = 0;

  const el = (name, props, ...children) => { const node = Object.assign(document.createElement(name), props); node.append(...children); return node; };
  function write(kind) {
    mode = kind;
    for (const name of Object.keys(tabs)) tabs[name].setAttribute("aria-pressed", String(name === kind));
    form.classList.toggle("note", kind === "note");
    box.placeholder = say[kind]; box.setAttribute("aria-label", say[kind]);
    submit.textContent = kind === "note" ? say.keep : say.send;
    box.focus();
  }
  function put(text, from, to) {
    box.setRangeText(text, from, to, "end");
    box.focus(); close();
  }
  /* "/he" before the cursor, at the start or after a blank */
  function slash() {
    const found = /(?:^|\s)\/([\w\u4e00-\u9fff-]*)$/.exec(box.value.slice(0, box.selectionStart));
    return found ? { word: found[1].toLowerCase(), from: box.selectionStart - found[1].length - 1 } : null;
  }
  function close() { canned.hidden = true; box.removeAttribute("aria-activedescendant"); }
  function list() {
    const open = mode === "answer" && slash();
    if (!open) return close();
    const fits = (row) => row.shortcut.toLowerCase().startsWith(open.word) || (open.word.length > 1 && row.text.toLowerCase().includes(open.word));
    shown = ready.filter(fits).slice(0, 8);
    if (!shown.length) return close();
    at = Math.min(at, shown.length - 1);
    canned.replaceChildren(...shown.map((row, place) => {
      const item = el("li", { id: "canned-" + place, role: "option" }, el("strong", { textContent: "/" + row.shortcut }), el("span", { textContent: row.text }));
      item.setAttribute("aria-selected", String(place === at));
      item.onmousedown = (event) => { event.preventDefault(); put(row.text, open.from, box.selectionStart); };
      return item;
    }));
    box.setAttribute("aria-activedescendant", "canned-" + at);
    canned.hidden = false;
  }
  function keyInList(event) {
    if (canned.hidden) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { at = (at + (event.key === "ArrowDown" ? 1 : shown.length - 1)) % shown.length; list(); }
    else if (event.key === "Enter" || event.key === "Tab") put(shown[at].text, slash().from, box.selectionStart);
    else if (event.key === "Escape") close();
    else return false;
    event.preventDefault();
    return true;
  }
  function suggest(rows) {
    suggested.replaceChildren(...rows.map((row, place) => {
      const source = row.chance === null ? row.source : `${row.source} · ${Math.round(100 * row.chance)}%`;
      const button = el("button", { type: "button", title: row.text }, el("kbd", { textContent: "Alt+" + (place + 1) }), el("span", { textContent: row.text }), el("small", { textContent: source }));
      button.onclick = () => { write("answer"); put(row.text, 0, box.value.length); };
      return button;
    }));
    suggested.hidden = !rows.length;
  }
  async function refresh() {
    const mine = ++asked;
    try {
      const answer = await fetch(say.suggestions);
      if (!answer.ok || mine !== asked) return;
      const data = await answer.json();
      ready = data.canned;
      suggest(data.suggestions);
    } catch { /* suggestions are a help; without them one writes */ }
  }
  tabs.answer.onclick = () => write("answer");
  tabs.note.onclick = () => write("note");
  box.addEventListener("input", () => { at = 0; list(); });
  box.addEventListener("blur", close);
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const place = /^Digit([1-9])$/.exec(event.code);
    const chosen = place && suggested.querySelectorAll("button")[Number(place[1]) - 1];
    if (chosen) { event.preventDefault(); chosen.click(); }
    else if (event.code === "KeyN") { event.preventDefault(); write(mode === "note" ? "answer" : "note"); }
  });
  for (const button of page.querySelectorAll("[data-put]")) button.onclick = () => { write("answer"); put((box.value && !box.value.endsWith(" ") ? " " : "") + button.dataset.put, box.value.length, box.value.length); };
  return { refresh, keyInList, kind: () => mode, isNote: () => mode === "note", done: () => { form.reset(); close(); if (mode === "note") write("answer"); } };
};
