/* The list of who waits: asks again every four seconds. Text is only ever set as text. */
(() => {
  "use strict";
  const page = document.getElementById("queue");
  const say = page.dataset;
  const list = document.getElementById("queue-rows");
  const empty = document.getElementById("queue-empty");
  const error = document.getElementById("queue-error");
  const next = document.getElementById("queue-next");
  const known = new Set();
  let first = true;

  const el = (name, props, ...children) => { const node = Object.assign(document.createElement(name), props); node.append(...children); return node; };
  function waited(since, now) {
    const minutes = Math.floor((now - new Date(since)) / 60000);
    if (minutes < 1) return say.now;
    return minutes < 60 ? `${minutes} ${say.minutes}` : `${Math.floor(minutes / 60)} ${say.hours} ${minutes % 60} ${say.minutes}`;
  }
  function row(chat, now) {
    const minutes = (now - new Date(chat.since)) / 60000;
    const tags = el("span", { className: "queue-tags" });
    for (const text of [chat.language, chat.reason, chat.label, chat.spent && `${say.spent} ${chat.spent}`, chat.ticket && `${say.ticket} ${chat.ticket}`])
      if (text) tags.append(el("span", { className: "chat-inbox-tag", textContent: text }));
    const whose = chat.is_mine ? say.mine : chat.assigned_to ? "→ " + chat.assigned_to : "";
    const link = el("a", { href: chat.url },
      el("span", { className: "queue-time" + (minutes >= 10 ? " late" : minutes >= 2 ? " slow" : ""), textContent: waited(chat.since, now) }),
      el("span", { className: "queue-who" }, el("strong", { textContent: chat.customer }), el("span", { className: "queue-last", textContent: chat.last })),
      tags, el("span", { className: "queue-whose" + (chat.is_mine ? " mine" : ""), textContent: whose }));
    return el("li", { className: known.has(chat.id) || first ? "" : "new" }, link);
  }
  async function poll() {
    try {
      const answer = await fetch(say.rows);
      if (!answer.ok) throw new Error();
      const data = await answer.json();
      const now = new Date(data.now);
      const focused = document.activeElement && list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      list.replaceChildren(...data.rows.map((chat) => row(chat, now)));
      if (focused) { const again = list.querySelector(`a[href="${focused}"]`); if (again) again.focus(); }
      for (const chat of data.rows) known.add(chat.id);
      first = false;
      empty.hidden = data.rows.length > 0;
      if (next) next.disabled = !data.rows.length;
      error.hidden = true;
    } catch { error.textContent = say.failed; error.hidden = false; }
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key.toLowerCase() === "n" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && next && !next.disabled) next.click();
  });
  poll(); setInterval(poll, 4000);
})();
