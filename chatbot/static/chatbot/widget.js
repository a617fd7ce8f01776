/* Rapport chat widget. One script tag, no framework; text is only ever set as text. */
(() => {
  "use strict";
  const tag = document.currentScript || document.querySelector('script[src*="widget.js"]');
  if (window.rapportChat || !tag) return;
  const origin = new URL(tag.src, location.href).origin;
  const locale = tag.dataset.locale || document.documentElement.lang || navigator.language || "en";
  const zh = locale.toLowerCase().startsWith("zh");
  const T = zh
    ? { title: "在线客服", sub: "通常几秒内回复", open: "打开聊天", close: "关闭聊天", ph: "请输入消息…", send: "发送", bot: "智能助手", agent: "客服", waiting: "发送中…",
        offline: "连接已断开，正在重连。消息会保留并自动发送。", typing: "正在输入", up: "有帮助", down: "没帮助", rate: "这次服务怎么样？", thanks: "谢谢您的评价！", hello: "您好！想找商品、查订单还是有问题要问？", first: ["推荐商品", "查订单", "有什么优惠券", "转人工"], stars: "分",
        failed: "未能发送" }
    : { title: "Chat with us", sub: "Usually replies in seconds", open: "Open chat", close: "Close chat", ph: "Write a message…", send: "Send", bot: "Assistant", agent: "Staff", waiting: "Sending…",
        offline: "Connection lost, reconnecting. Your messages are kept and will be sent.", typing: "is typing", up: "Helpful", down: "Not helpful", rate: "How was this chat?", thanks: "Thank you for rating!", hello: "Hello! Looking for a product, an order or an answer?", first: ["Show me products", "Where is my order?", "Do I have coupons?", "Talk to a person"], stars: "of 5",
        failed: "Not sent" };

  const KEY = "rapport-chat";
  const saved = (() => { try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; } })();
  const owner = tag.dataset.userId || "";
  const mine = (saved.owner || "") === owner ? saved : { visitor: saved.visitor };
  const state = { visitor: mine.visitor || cookie("rapport_visitor"), conversation: mine.conversation || null, unsent: mine.unsent || [], seq: 0, live: false, ready: false, tries: 0, unread: 0, mode: "bot" };
  function keep() { try { localStorage.setItem(KEY, JSON.stringify({ owner, visitor: state.visitor, conversation: state.conversation, unsent: state.unsent })); } catch { /* a private window keeps nothing */ } }
  function cookie(name) { const m = document.cookie.match(new RegExp("(?:^|; )" + name + "=([^;]*)")); return m ? decodeURIComponent(m[1]) : null; }

  const el = (name, props = {}, ...children) => { const node = Object.assign(document.createElement(name), props); node.append(...children); return node; };
  const host = el("div", { id: "rapport-chat" });
  host.dataset.theme = tag.dataset.theme || "light";
  const root = host.attachShadow({ mode: "open" });
  root.append(el("link", { rel: "stylesheet", href: origin + "/widget.css" }));
  const THUMB = "M2 10h4v11H2V10Zm6 0 4.6-8c1.5 0 2.7 1.2 2.7 2.7V9H21c1.2 0 2.1 1.1 1.9 2.3l-1.4 8A2 2 0 0 1 19.5 21H10a2 2 0 0 1-2-2v-9Z";
  function icon(d) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"); const path = document.createElementNS(svg.namespaceURI, "path");
    svg.setAttribute("viewBox", "0 0 24 24"); svg.setAttribute("fill", "currentColor"); svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", d); svg.append(path); return svg;
  }
  const svg = icon("M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2Zm4 6.5a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6Zm4 0a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6Zm4 0a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6Z");
  const badge = el("span", { className: "badge", hidden: true });
  const launch = el("button", { className: "launch", type: "button", ariaLabel: T.open, ariaExpanded: "false" }, svg, badge);
  const log = el("div", { className: "log", role: "log", ariaLive: "polite", tabIndex: 0 });
  const quick = el("div", { className: "quick" });
  const typing = el("div", { className: "typing" }); typing.setAttribute("aria-live", "off");
  const offline = el("div", { className: "offline", hidden: true, textContent: T.offline, role: "status" });
  const rate = el("div", { className: "rate", hidden: true });
  const input = el("textarea", { rows: 1, placeholder: T.ph, maxLength: 2000, ariaLabel: T.ph });
  const sendButton = el("button", { type: "submit", textContent: T.send });
  const form = el("form", {}, input, sendButton);
  const closeButton = el("button", { type: "button", textContent: "×", ariaLabel: T.close });
  const status = el("p", { textContent: T.sub });
  const panel = el("section", { className: "panel", hidden: true, role: "dialog", ariaLabel: T.title },
    el("header", {}, el("div", {}, el("h2", { textContent: T.title }), status), closeButton), offline, log, typing, quick, rate, form);
  root.append(launch, panel);

  const shown = new Map(); // client_id or seq -> row
  function atBottom(action) { const near = log.scrollHeight - log.scrollTop - log.clientHeight < 160; action(); if (near) requestAnimationFrame(() => { log.scrollTop = log.scrollHeight; }); }
  function bubble(sender, text) {
    const row = el("div", { className: "row " + sender });
    if (sender === "bot" || sender === "agent") row.append(el("span", { className: "who", textContent: T[sender] }));
    if (text) row.append(el("div", { className: "bubble", textContent: text }));
    atBottom(() => log.append(row));
    return row;
  }
  function money(value, currency) { try { return new Intl.NumberFormat(zh ? "zh-CN" : "en", { style: "currency", currency: currency || "CNY", currencyDisplay: "narrowSymbol", maximumFractionDigits: value % 1 ? 2 : 0 }).format(value); } catch { return value + " " + currency; } }
  function safe(url) { try { const u = new URL(url, origin); return /^https?:$/.test(u.protocol) ? u.href : null; } catch { return null; } }
  function card(product) {
    const pic = el("div", { className: "pic" });
    const image = product.image && safe(product.image);
    if (image) pic.append(el("img", { src: image, alt: "", loading: "lazy" })); else pic.textContent = (product.title || "?").trim().charAt(0);
    const body = el("div", { className: "body" }, el("b", { textContent: product.title }), el("span", { className: "price", textContent: money(product.price, product.currency) }));
    if (product.reason) body.append(el("small", { textContent: product.reason }));
    return el("a", { className: "card", href: safe(product.url) || "#", target: "_top" }, pic, body);
  }
  function offer(replies) { quick.replaceChildren(...replies.map((text) => { const b = el("button", { type: "button", textContent: text }); b.onclick = () => say(text); return b; })); }

  function receive(message) {
    if (message.seq <= state.seq) return;
    state.seq = message.seq;
    const known = message.client_id && shown.get(message.client_id);
    if (known) { confirm(message.client_id); return; }
    const row = bubble(message.sender, message.text);
    if (message.sender === "customer") { quick.replaceChildren(); return; }
    typing.replaceChildren();
    atBottom(() => {
      if ((message.products || []).length) row.append(el("div", { className: "cards" }, ...message.products.map(card)));
      if (message.sender === "bot" || message.sender === "agent") row.append(thumbs(message));
    });
    atBottom(() => { if (message.sender === "bot") offer(message.quick_replies || []); else quick.replaceChildren(); });
    if (panel.hidden) { state.unread += 1; badge.textContent = state.unread; badge.hidden = false; } else send({ type: "read", seq: message.seq });
  }
  function thumbs(message) {
    const meta = el("div", { className: "meta" });
    for (const [kind, label, value] of [["up", T.up, 1], ["down", T.down, -1]]) {
      const b = el("button", { type: "button", className: kind, ariaLabel: label, title: label }, icon(THUMB));
      b.setAttribute("aria-pressed", String(message.rating === value));
      b.onclick = () => { send({ type: "feedback", seq: message.seq, rating: value, comment: "" }); for (const other of meta.children) other.setAttribute("aria-pressed", String(other === b)); };
      meta.append(b);
    }
    return meta;
  }
  function confirm(id) {
    state.unsent = state.unsent.filter((m) => m.client_id !== id); keep();
    const row = shown.get(id); const note = row && row.querySelector(".meta"); if (note) note.remove();
  }
  function say(text) {
    text = text.trim(); if (!text) return;
    const message = { type: "message", client_id: (crypto.randomUUID ? crypto.randomUUID() : Date.now() + "-" + Math.random()).slice(0, 64), text };
    state.unsent.push(message); keep(); paint(message); quick.replaceChildren();
    if (state.ready) send(message);
  }
  function paint(message) {
    if (shown.has(message.client_id)) return;
    const row = bubble("customer", message.text); row.append(el("div", { className: "meta", textContent: T.waiting }));
    shown.set(message.client_id, row); log.scrollTop = log.scrollHeight;
  }
  function mode(now) {
    state.mode = now;
    rate.hidden = now !== "resolved"; if (now === "resolved") askRating();
    status.textContent = now === "agent" ? T.agent : T.sub;
  }
  function askRating() {
    const stars = [1, 2, 3, 4, 5].map((score) => { const b = el("button", { type: "button", textContent: "★", ariaLabel: score + " " + T.stars });
      b.onclick = () => { send({ type: "csat", score }); stars.forEach((s, i) => s.classList.toggle("on", i < score)); setTimeout(() => rate.replaceChildren(el("span", { textContent: T.thanks })), 500); }; return b; });
    rate.replaceChildren(el("div", { textContent: T.rate }), ...stars);
  }

  let socket = null;
  function send(frame) { if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame)); }
  function connect() {
    socket = new WebSocket(origin.replace(/^http/, "ws") + "/ws/chat/");
    socket.onopen = () => send({ type: "hello", locale, visitor: state.visitor, user_id: owner || null, user_hash: tag.dataset.userHash || null, conversation: state.conversation, after: state.seq });
    socket.onmessage = (event) => { const frame = JSON.parse(event.data); (handlers[frame.type] || (() => {}))(frame); };
    socket.onclose = (event) => {
      state.ready = false; offline.hidden = false; typing.replaceChildren();
      if (event.code === 4401) { state.conversation = null; keep(); tag.dataset.userHash = ""; }
      const wait = Math.min(30000, 500 * 2 ** state.tries++) * (0.6 + 0.8 * Math.random());
      setTimeout(connect, wait);
    };
  }
  const handlers = {
    welcome(frame) {
      state.ready = true; state.tries = 0; offline.hidden = true;
      const fresh = state.conversation && state.conversation !== frame.conversation;
      if (fresh) { log.replaceChildren(); shown.clear(); state.seq = 0; }
      state.visitor = frame.visitor; state.conversation = frame.conversation; keep();
      document.cookie = "rapport_visitor=" + encodeURIComponent(frame.visitor) + "; path=/; max-age=31536000; SameSite=Lax" + (location.protocol === "https:" ? "; Secure" : "");
      frame.messages.forEach(receive);
      if (!frame.seq && !state.unsent.length && !log.childElementCount) { bubble("bot", T.hello); offer(T.first); }
      mode(frame.state || "bot");
      for (const message of [...state.unsent]) { paint(message); send(message); }
      if (state.seq < frame.seq) send({ type: "resume", after: state.seq });
    },
    ack(frame) { confirm(frame.client_id); },
    message: receive,
    state(frame) { mode(frame.state); },
    typing(frame) {
      if (!frame.typing) { typing.replaceChildren(); return; }
      typing.replaceChildren(el("i"), el("i"), el("i"), " " + (T[frame.sender] || T.agent) + " " + T.typing);
      clearTimeout(handlers.timer); handlers.timer = setTimeout(() => typing.replaceChildren(), 6000);
    },
    error(frame) {
      if (frame.code === "unknown_conversation") { state.conversation = null; state.seq = 0; keep(); send({ type: "hello", locale, visitor: state.visitor, user_id: owner || null, user_hash: tag.dataset.userHash || null, conversation: null, after: 0 }); }
      if (frame.code === "too_fast") setTimeout(() => state.unsent.forEach(send), 1500);
    },
  };

  function toggle(open) {
    panel.hidden = !open; launch.setAttribute("aria-expanded", String(open)); launch.ariaLabel = open ? T.close : T.open;
    if (open) { state.unread = 0; badge.hidden = true; if (!socket) connect(); input.focus(); log.scrollTop = log.scrollHeight; } else launch.focus();
  }
  launch.onclick = () => toggle(panel.hidden);
  closeButton.onclick = () => toggle(false);
  panel.onkeydown = (event) => { if (event.key === "Escape") toggle(false); };
  input.oninput = () => { input.style.height = "auto"; input.style.height = Math.min(input.scrollHeight, 120) + "px"; if (Date.now() - (input.said || 0) > 2500) { input.said = Date.now(); send({ type: "typing", typing: true }); } };
  input.onkeydown = (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); } };
  form.onsubmit = (event) => { event.preventDefault(); say(input.value); input.value = ""; input.style.height = "auto"; };
  window.rapportChat = { open: () => toggle(true), close: () => toggle(false), say: (text) => { toggle(true); say(text); } };
  const mount = () => { document.body.append(host); if (state.conversation) connect(); };
  if (document.body) mount(); else addEventListener("DOMContentLoaded", mount);
})();
