/* The staff's inbox: polls for what is new, answers, notes, teaches. Text is only ever set as text. */
(() => {
  "use strict";
  const page = document.getElementById("chat-inbox");
  const log = document.getElementById("chat-log");
  const error = document.getElementById("chat-error");
  const form = document.getElementById("chat-answer");
  const token = form ? form.querySelector("[name=csrfmiddlewaretoken]").value : "";
  const composer = form ? window.rapportComposer(page, form) : null;
  const say = page.dataset;
  let seq = 0;
  let note = 0;
  let polling = false;
  let missed = false;
  let customerRead = 0;
  let state = "";
  let tick = 0;
  const typing = document.getElementById("chat-typing");

  const el = (name, props, ...children) => { const node = Object.assign(document.createElement(name), props); node.append(...children); return node; };
  async function act(body) {
    error.hidden = true;
    try {
      const answer = await fetch(say.do, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(body) });
      const data = await answer.json();
      if (!answer.ok) throw new Error(data.error || say.failed);
      document.getElementById("chat-state").textContent = data.state_label;
      await poll();
      return true;
    } catch (problem) { error.textContent = problem.message || say.failed; error.hidden = false; return false; }
  }
  function line(message) {
    const small = el("small", {}, `${message.sender_label} · ${message.at}`);
    if (message.intent) {
      small.append(` · ${message.intent_label} ${Math.round(100 * message.confidence)}%${message.unsure ? " · " + say.unsure : ""}`);
      const select = document.getElementById("chat-intents").content.firstElementChild.cloneNode(true);
      select.setAttribute("aria-label", say.teach);
      if (![...select.options].some((option) => option.value === message.intent)) select.append(el("option", { textContent: message.intent }));
      select.value = message.intent;
      select.onchange = async () => { if (await act({ action: "correct", message: message.id, intent: select.value })) select.after(" ✓ " + say.taught); };
      if (form) small.append(select);
    }
    if (message.acts.length && message.sender === "bot") small.append(" · " + message.acts.join(", "));
    if (message.rating) small.append(message.rating > 0 ? " 👍" : " 👎");
    const text = message.text + (message.products.length > 1 ? "\n" + message.products.map((p) => "· " + p).join("\n") : "");
    const row = el("div", { className: `chat-line ${message.sender}${message.unsure ? " unsure" : ""}` }, el("p", { textContent: text }), small);
    row.dataset.seq = message.seq;
    return row;
  }
  /* Under the last answer of staff: sent, or read by the customer. */
  function marks() {
    for (const old of log.querySelectorAll(".chat-mark")) old.remove();
    const last = [...log.querySelectorAll(".chat-line.agent")].pop();
    if (last) last.querySelector("small").append(el("span", { className: "chat-mark", textContent: Number(last.dataset.seq) <= customerRead ? say.read : say.sent }));
  }
  let quiet = 0;
  const staffLine = window.rapportLine(say.line, {
    look: () => poll(),
    read: (frame) => { if (frame.sender === "customer") { customerRead = Math.max(customerRead, frame.seq); marks(); } },
    typing: (frame) => {
      if (frame.sender !== "customer") return;
      clearTimeout(quiet);
      typing.textContent = frame.typing ? say.typing : "";
      quiet = setTimeout(() => { typing.textContent = ""; }, 6000);
    },
  });
  const noteLine = (row) => el("div", { className: "chat-line note" }, el("p", { textContent: row.text }), el("small", {}, `${say.private} · ${row.author} · ${row.at}`));
  async function poll() {
    if (polling) { missed = true; return; }
    polling = true; missed = false;
    try {
      const answer = await fetch(`${say.messages}?after=${seq}&notes=${note}`);
      if (!answer.ok) return;
      const data = await answer.json();
      const until = data.snoozed_until ? ` ${say.until} ${data.snoozed_until}` : "";
      document.getElementById("chat-state").textContent = data.state_label + until + (data.assigned_to ? " · " + data.assigned_to : "");
      page.dataset.state = data.state;
      customerRead = Math.max(customerRead, data.customer_read);
      const messages = data.messages.filter((message) => message.seq > seq);
      const notes = data.notes.filter((row) => row.id > note);
      const fresh = [...messages.map((m) => [m.time, line(m)]), ...notes.map((n) => [n.time, noteLine(n)])].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
      for (const message of messages) seq = Math.max(seq, message.seq);
      for (const row of notes) note = Math.max(note, row.id);
      if (fresh.length) { log.append(...fresh.map((pair) => pair[1])); log.scrollTop = log.scrollHeight; }
      if (messages.some((message) => message.sender === "customer")) typing.textContent = "";
      marks();
      if (form) staffLine.read(seq, state !== data.state);
      state = data.state;
      if (composer && messages.some((message) => message.sender === "customer")) composer.refresh();
    } catch { /* the next poll tries again */ } finally { polling = false; }
    if (missed) await poll(); // something came while this was on its way
  }
  const id = () => "staff-" + Date.now() + "-" + Math.random().toString(36).slice(2);
  let sending = null; // the same text sent again after a failure keeps its id, and is stored once
  if (form) {
    form.onsubmit = async (event) => {
      event.preventDefault();
      const text = form.text.value.trim();
      if (!text || form.dataset.busy) return;
      form.dataset.busy = "1";
      if (!sending || sending.text !== text) sending = { text, client_id: id() };
      const done = composer.isNote() ? await act({ action: "note", text }) : await act({ action: "answer", ...sending });
      delete form.dataset.busy;
      if (done) { sending = null; composer.done(); }
    };
    form.text.addEventListener("input", () => staffLine.typing(!composer.isNote() && form.text.value.trim() !== ""));
    form.text.onkeydown = (event) => {
      if (event.isComposing || composer.keyInList(event)) return;
      if (event.key === "Enter" && !event.shiftKey && !event.altKey) { event.preventDefault(); form.requestSubmit(); }
    };
    for (const button of page.querySelectorAll("[data-action]")) button.onclick = () => act({ action: button.dataset.action });
    const snooze = document.getElementById("chat-snooze");
    const agree = document.getElementById("chat-agree");
    const shut = () => { for (const opener of page.querySelectorAll("[data-opens]")) { opener.setAttribute("aria-expanded", "false"); document.getElementById(opener.dataset.opens).hidden = true; } };
    for (const opener of page.querySelectorAll("[data-opens]")) opener.onclick = () => {
      const drawer = document.getElementById(opener.dataset.opens);
      const opens = drawer.hidden;
      shut();
      drawer.hidden = !opens;
      opener.setAttribute("aria-expanded", String(opens));
      if (opens) drawer.querySelector("input, button").focus();
    };
    for (const button of snooze.querySelectorAll("[data-minutes]")) button.onclick = async () => { if (await act({ action: "snooze", minutes: Number(button.dataset.minutes) })) shut(); };
    snooze.onsubmit = async (event) => { event.preventDefault(); const until = snooze.until.value; if (until && await act({ action: "snooze", until: new Date(until).toISOString() })) shut(); };
    agree.onsubmit = async (event) => { event.preventDefault(); if (await act({ action: "release", agreed: agree.agreed.value })) { agree.reset(); shut(); } };
    page.addEventListener("keydown", (event) => { if (event.key === "Escape") { shut(); form.text.focus(); } });
  }
  poll(); setInterval(() => { if (!document.hidden && (!staffLine.isOpen() || tick++ % 8 === 0)) poll(); }, 1500);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
})();
