/* The staff's inbox: polls for what is new, answers, teaches. Text is only ever set as text. */
(() => {
  "use strict";
  const page = document.getElementById("chat-inbox");
  const log = document.getElementById("chat-log");
  const error = document.getElementById("chat-error");
  const form = document.getElementById("chat-answer");
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const say = page.dataset;
  let seq = 0;
  let polling = false;

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
      small.append(` · ${message.intent} ${Math.round(100 * message.confidence)}%${message.unsure ? " · " + say.unsure : ""}`);
      const select = document.getElementById("chat-intents").content.firstElementChild.cloneNode(true);
      select.setAttribute("aria-label", say.teach);
      select.value = message.intent;
      select.onchange = async () => { if (await act({ action: "correct", message: message.id, intent: select.value })) select.after(" ✓ " + say.taught); };
      small.append(select);
    }
    if (message.acts.length && message.sender === "bot") small.append(" · " + message.acts.join(", "));
    if (message.rating) small.append(message.rating > 0 ? " 👍" : " 👎");
    const text = message.text + (message.products.length > 1 ? "\n" + message.products.map((p) => "· " + p).join("\n") : "");
    return el("div", { className: `chat-line ${message.sender}${message.unsure ? " unsure" : ""}` }, el("p", { textContent: text }), small);
  }
  async function poll() {
    if (polling) return;
    polling = true;
    try {
      const answer = await fetch(`${say.messages}?after=${seq}`);
      if (!answer.ok) return;
      const data = await answer.json();
      document.getElementById("chat-state").textContent = data.state_label + (data.assigned_to ? " · " + data.assigned_to : "");
      for (const message of data.messages) { if (message.seq > seq) { log.append(line(message)); seq = message.seq; log.scrollTop = log.scrollHeight; } }
    } finally { polling = false; }
  }
  for (const button of page.querySelectorAll("[data-action]")) button.onclick = () => act({ action: button.dataset.action });
  form.onsubmit = async (event) => {
    event.preventDefault();
    const text = form.text.value.trim();
    const id = "staff-" + Date.now() + "-" + Math.random().toString(36).slice(2);
    if (text && await act({ action: "answer", text, client_id: id })) form.reset();
  };
  form.text.onkeydown = (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); } };
  poll(); setInterval(() => { if (!document.hidden) poll(); }, 1500);
})();
