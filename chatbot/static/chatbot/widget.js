/* Rapport chat widget. One script tag, no framework, no inline style or script: a strict
   Content-Security-Policy needs to allow this origin in script-src and connect-src only.
   Text is only ever set as text. What is not acknowledged is kept and sent again. */
(() => {
  "use strict";
  const tag = document.currentScript || document.querySelector('script[src*="widget.js"]');
  if (window.rapportChat || !tag) return;
  const STYLE = "{{ style }}"; // put in by the view that serves this file
  const origin = new URL(tag.src, location.href).origin;
  const locale = tag.dataset.locale || document.documentElement.lang || navigator.language || "en";
  const zh = locale.toLowerCase().startsWith("zh");
  const T = zh ? {
    title: "在线客服", sub: "通常几秒内回复", queued: "正在为您转接客服…", withAgent: "客服正在为您服务", open: "打开聊天", close: "关闭聊天",
    news: "条未读消息", ph: "请输入消息…", send: "发送", bot: "智能助手", agent: "客服", waiting: "发送中…", sent: "已发送", read: "已读",
    offline: "连接已断开，正在重连。消息会保留并自动发送。", typing: "正在输入", up: "有帮助", down: "没帮助", why: "哪里不好？（可不填）",
    whyUp: "想补充什么吗？（可不填）", submit: "提交", noted: "谢谢您的反馈！", rate: "这次服务怎么样？", rateNow: "评价服务", thanks: "谢谢您的评价！",
    later: "以后再说", hello: "您好！想找商品、查订单还是有问题要问？", first: ["推荐商品", "查订单", "有什么优惠券", "转人工"], stars: "分",
    cart: "加入购物车", cartSay: (title) => `把${title}加入购物车`, source: "来自常见问题：", dismiss: "关闭提示", log: "聊天记录", choices: "快捷回复",
  } : {
    title: "Chat with us", sub: "Usually replies in seconds", queued: "Connecting you to a colleague…", withAgent: "You are talking to our staff", open: "Open chat",
    close: "Close chat", news: "unread messages", ph: "Write a message…", send: "Send", bot: "Assistant", agent: "Staff", waiting: "Sending…", sent: "Sent", read: "Read",
    offline: "Connection lost, reconnecting. Your messages are kept and will be sent.", typing: "is typing", up: "Helpful", down: "Not helpful",
    why: "What was wrong? (optional)", whyUp: "Anything to add? (optional)", submit: "Submit", noted: "Thank you for the feedback!", rate: "How was this chat?",
    rateNow: "Rate this chat", thanks: "Thank you for rating!", later: "Not now", hello: "Hello! Looking for a product, an order or an answer?",
    first: ["Show me products", "Where is my order?", "Do I have coupons?", "Talk to a person"], stars: "of 5", cart: "Add to cart",
    cartSay: (title) => `Add ${title} to my cart`, source: "From our answers: ", dismiss: "Dismiss", log: "Messages", choices: "Quick replies",
  };

  /* What this browser keeps ------------------------------------------------------------- */
  const KEY = "rapport-chat", UNSENT = KEY + ":unsent:";
  const owner = tag.dataset.userId || "";
  const store = {
    get(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* a private window keeps nothing */ } },
    drop(key) { try { localStorage.removeItem(key); } catch { /* nothing was kept */ } },
    unsent() { try { return Object.keys(localStorage).filter((k) => k.startsWith(UNSENT)).map((k) => this.get(k)).filter((m) => m && m.owner === owner).sort((a, b) => a.at - b.at); } catch { return []; } },
  };
  const cookie = (name) => { const found = document.cookie.match(new RegExp("(?:^|; )" + name + "=([^;]*)")); return found ? decodeURIComponent(found[1]) : null; };
  const saved = store.get(KEY) || {};
  const mine = (saved.owner || "") === owner ? saved : { visitor: saved.visitor };
  const state = { visitor: mine.visitor || cookie("rapport_visitor"), conversation: mine.conversation || null, seen: mine.seen || 0, dismissed: mine.dismissed || 0, hash: tag.dataset.userHash || null, seq: 0, ready: false, tries: 0, readByStaff: 0, mode: "bot" };
  const unsent = new Map(store.unsent().map((m) => [m.client_id, m]));
  const keep = () => store.set(KEY, { owner, visitor: state.visitor, conversation: state.conversation, seen: state.seen, dismissed: state.dismissed });

  /* The parts of the page --------------------------------------------------------------- */
  const el = (name, props = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(props)) { if (key in node) node[key] = value; else node.setAttribute(key, value); }
    node.append(...children);
    return node;
  };
  const button = (props, ...children) => el("button", { type: "button", ...props }, ...children);
  const icon = (d) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS(svg.namespaceURI, "path");
    svg.setAttribute("viewBox", "0 0 24 24"); svg.setAttribute("fill", "currentColor"); svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", d); svg.append(path);
    return svg;
  };
  const THUMB = "M2 10h4v11H2V10Zm6 0 4.6-8c1.5 0 2.7 1.2 2.7 2.7V9H21c1.2 0 2.1 1.1 1.9 2.3l-1.4 8A2 2 0 0 1 19.5 21H10a2 2 0 0 1-2-2v-9Z";
  const STAR = "m12 2 3 6.6 7 .8-5.200 4.800 1.400 7L12 17.700 5.800 21.200l1.400-7L2 9.400l7-.8L12 2Z";
  const TALK = "M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2Zm4 6.5a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6Zm4 0a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6Zm4 0a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6Z";
  const CROSS = "m6.400 5 5.600 5.600L17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400-5.600-5.600L6.400 19 5 17.600l5.600-5.600L5 6.400 6.400 5Z";
  const host = el("div", { id: "rapport-chat" });
  host.dataset.theme = tag.dataset.theme || "light";
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet(); // made by script: no style-src of the page stands in its way
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  const badge = el("span", { className: "badge", hidden: true, "aria-hidden": "true" });
  const launch = button({ className: "launch", "aria-label": T.open, "aria-expanded": "false", "aria-controls": "panel" }, icon(TALK), badge);
  const teaser = el("div", { className: "teaser", hidden: true, role: "status" });
  const log = el("div", { className: "log", role: "log", "aria-live": "polite", "aria-label": T.log, tabIndex: 0 });
  const quick = el("div", { className: "quick", role: "group", "aria-label": T.choices });
  const typing = el("div", { className: "typing", "aria-live": "off" });
  const offline = el("div", { className: "offline", hidden: true, role: "status" });
  const rate = el("div", { className: "rate", hidden: true, role: "group", "aria-label": T.rate });
  const input = el("textarea", { rows: 1, placeholder: T.ph, maxLength: 2000, "aria-label": T.ph });
  const form = el("form", { className: "say" }, input, el("button", { type: "submit", textContent: T.send }));
  const rateButton = button({ className: "star", "aria-label": T.rateNow, title: T.rateNow, hidden: true }, icon(STAR));
  const closeButton = button({ className: "close", "aria-label": T.close }, icon(CROSS));
  const status = el("p", { textContent: T.sub, role: "status" });
  const heading = el("h2", { textContent: T.title, id: "title" });
  const panel = el("section", { className: "panel", id: "panel", hidden: true, role: "dialog", lang: zh ? "zh-CN" : "en", "aria-labelledby": "title" },
    el("header", {}, el("div", {}, heading, status), rateButton, closeButton), offline, log, typing, quick, rate, form);
  root.append(teaser, launch, panel);

  /* Messages on the page ------------------------------------------------------------------ */
  const rows = new Map(); // client_id -> row of a message of one's own
  const bottom = () => requestAnimationFrame(() => { log.scrollTop = log.scrollHeight; });
  function bubble(sender, text) {
    const row = el("div", { className: "row " + sender });
    if (T[sender]) row.append(el("span", { className: "who", textContent: T[sender] }));
    if (text) row.append(el("div", { className: "bubble", dir: "auto", textContent: text }));
    return row;
  }
  /** Rows stand by their number; what has none yet stands at the end. */
  function place(row, seq) {
    if (seq) row.dataset.seq = seq;
    const later = seq ? [...log.children].find((other) => other !== row && !(Number(other.dataset.seq || Infinity) < seq)) : null;
    if (row.parentNode !== log || row.nextSibling !== (later || null)) log.insertBefore(row, later || null);
    bottom();
  }
  const money = (value, currency) => { try { return new Intl.NumberFormat(zh ? "zh-CN" : "en", { style: "currency", currency: currency || "CNY", currencyDisplay: "narrowSymbol", maximumFractionDigits: value % 1 ? 2 : 0 }).format(value); } catch { return value + " " + currency; } };
  const safe = (url) => { try { const u = new URL(url, origin); return /^https?:$/.test(u.protocol) ? u.href : null; } catch { return null; } };
  function card(product) {
    const letter = (product.title || "?").trim().charAt(0);
    const pic = el("div", { className: "pic" });
    const image = product.image && safe(product.image);
    if (image) { const img = el("img", { src: image, alt: "", loading: "lazy" }); img.onerror = () => { pic.textContent = letter; }; pic.append(img); } else pic.textContent = letter;
    const body = el("div", { className: "body" }, el("b", { textContent: product.title }), el("span", { className: "price", textContent: money(product.price, product.currency) }));
    if (product.reason) body.append(el("small", { textContent: product.reason }));
    const add = button({ className: "add", textContent: T.cart, "aria-label": `${T.cart}: ${product.title}` });
    add.onclick = () => say(T.cartSay(product.title));
    return el("div", { className: "card" }, el("a", { href: safe(product.url) || "#", target: "_top" }, pic, body), add);
  }
  function offer(replies) {
    quick.replaceChildren(...replies.map((text) => { const b = button({ textContent: text }); b.onclick = () => { say(text); input.focus(); }; return b; }));
    bottom();
  }
  function receive(message) {
    if (message.seq <= state.seq) return;
    state.seq = message.seq;
    const known = message.client_id && rows.get(message.client_id);
    const row = known || bubble(message.sender, message.text);
    if (message.client_id && message.sender === "customer") { rows.set(message.client_id, row); confirm(message.client_id); }
    place(row, message.seq);
    if (message.sender === "customer") quick.replaceChildren(); else spoken(row, message);
    bottom(); marks();
  }
  function spoken(row, message) {
    typing.replaceChildren();
    if (message.source) row.append(el("small", { className: "source", textContent: T.source + message.source }));
    if ((message.products || []).length) row.append(el("div", { className: "cards", tabIndex: 0, role: "group" }, ...message.products.map(card)));
    if (message.sender !== "system") row.append(thumbs(message));
    offer(message.sender === "bot" ? message.quick_replies || [] : []);
    if (message.seq <= state.seen) return;
    if (!panel.hidden && !document.hidden) { noteRead(); return; }
    if (message.seq > state.dismissed && (message.act || []).includes("campaign")) tease(message);
    unread();
  }
  function thumbs(message) {
    const meta = el("div", { className: "meta" });
    for (const [kind, label, value] of [["up", T.up, 1], ["down", T.down, -1]]) {
      const b = button({ className: kind, "aria-label": label, title: label, "aria-pressed": String(message.rating === value) }, icon(THUMB));
      b.onclick = () => {
        send({ type: "feedback", seq: message.seq, rating: value, comment: "" });
        for (const other of meta.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === b));
        remark(meta, message.seq, value);
      };
      meta.append(b);
    }
    return meta;
  }
  function remark(meta, seq, rating) {
    const old = meta.nextSibling; if (old) old.remove();
    const field = el("input", { maxLength: 500, placeholder: rating > 0 ? T.whyUp : T.why, "aria-label": rating > 0 ? T.whyUp : T.why });
    const why = el("form", { className: "why" }, field, el("button", { type: "submit", textContent: T.submit }));
    why.onsubmit = (event) => {
      event.preventDefault();
      if (field.value.trim()) send({ type: "feedback", seq, rating, comment: field.value.trim() });
      why.replaceWith(el("small", { className: "source", role: "status", textContent: T.noted }));
      input.focus();
    };
    meta.after(why);
    bottom();
  }
  /** Under the last message of one's own: on its way, sent, or read by staff. */
  function marks() {
    for (const [id, row] of rows) if (!unsent.has(id)) { const mark = row.querySelector(".mark"); if (mark) mark.remove(); }
    const last = [...rows.values()].filter((row) => row.dataset.seq).pop();
    if (last && state.mode === "agent") last.append(el("div", { className: "mark", textContent: Number(last.dataset.seq) <= state.readByStaff ? T.read : T.sent }));
  }

  /* What is unread, and what a campaign says while the chat is closed ------------------------ */
  function unread() {
    const count = [...log.children].filter((row) => Number(row.dataset.seq) > state.seen && !row.classList.contains("customer")).length;
    badge.hidden = !count || !panel.hidden; badge.textContent = count > 9 ? "9+" : count;
    launch.setAttribute("aria-label", panel.hidden ? (count ? `${T.open}, ${count} ${T.news}` : T.open) : T.close);
  }
  function noteRead() {
    if (state.seq <= state.seen) return;
    state.seen = state.seq; keep(); send({ type: "read", seq: state.seq }); unread();
  }
  function tease(message) {
    const away = button({ className: "away", "aria-label": T.dismiss }, icon(CROSS));
    const text = button({ className: "text", dir: "auto", textContent: message.text.length > 140 ? message.text.slice(0, 139) + "…" : message.text });
    text.onclick = () => toggle(true);
    away.onclick = () => { state.dismissed = state.seq; keep(); teaser.hidden = true; launch.focus(); };
    teaser.replaceChildren(text, away); teaser.hidden = false;
  }

  /* Saying something ---------------------------------------------------------------------- */
  const newId = () => (crypto.randomUUID ? crypto.randomUUID() : Date.now().toString(36) + "-" + Math.random().toString(36).slice(2)).slice(0, 64);
  function say(text) {
    text = text.trim(); if (!text) return;
    const message = { client_id: newId(), text, owner, at: Date.now() };
    unsent.set(message.client_id, message); store.set(UNSENT + message.client_id, message);
    paint(message); quick.replaceChildren(); deliver(message);
    if (!socket) connect();
  }
  const deliver = (message) => { if (state.ready) send({ type: "message", client_id: message.client_id, text: message.text }); };
  function paint(message) {
    if (rows.has(message.client_id)) return;
    const row = bubble("customer", message.text); row.append(el("div", { className: "mark", textContent: T.waiting }));
    rows.set(message.client_id, row); place(row); bottom();
  }
  function confirm(id) { if (unsent.delete(id)) store.drop(UNSENT + id); marks(); }
  function mode(now) {
    state.mode = now;
    status.textContent = now === "agent" ? T.withAgent : now === "queued" ? T.queued : T.sub;
    if (now === "resolved") askRating(); else if (!rate.dataset.asked) rate.hidden = true;
    rateButton.hidden = !state.seq; marks();
  }
  function askRating() {
    const stars = [1, 2, 3, 4, 5].map((score) => {
      const b = button({ "aria-label": `${score} ${T.stars}` }, icon(STAR));
      b.onclick = () => {
        send({ type: "csat", score });
        stars.forEach((s, i) => s.classList.toggle("on", i < score));
        delete rate.dataset.asked;
        setTimeout(() => { rate.replaceChildren(el("span", { role: "status", textContent: T.thanks })); input.focus(); }, 400);
      };
      return b;
    });
    const later = button({ className: "later", textContent: T.later });
    later.onclick = () => { rate.hidden = true; delete rate.dataset.asked; input.focus(); };
    rate.replaceChildren(el("div", { textContent: T.rate }), ...stars, later);
    rate.hidden = false; rate.dataset.asked = "yes"; bottom();
  }

  /* The line ------------------------------------------------------------------------------ */
  let socket = null, timer = 0;
  function send(frame) { if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame)); }
  const hello = () => send({ type: "hello", locale, visitor: state.visitor, user_id: owner || null, user_hash: state.hash, conversation: state.conversation, after: state.seq });
  function connect() {
    clearTimeout(timer);
    const line = new WebSocket(origin.replace(/^http/, "ws") + "/ws/chat/");
    socket = line;
    line.onopen = hello;
    line.onmessage = (event) => { const frame = JSON.parse(event.data); if (handlers[frame.type]) handlers[frame.type](frame); };
    line.onclose = (event) => {
      if (socket !== line) return;
      state.ready = false; typing.replaceChildren(); offline.textContent = T.offline; offline.hidden = false;
      if (event.code === 4401) { state.conversation = null; state.hash = null; keep(); }
      timer = setTimeout(connect, Math.min(30000, 500 * 2 ** state.tries++) * (0.6 + 0.8 * Math.random()));
    };
  }
  addEventListener("online", () => { if (socket && !state.ready) connect(); });
  const forget = () => { log.replaceChildren(); rows.clear(); Object.assign(state, { seq: 0, seen: 0, dismissed: 0, readByStaff: 0 }); };
  const handlers = {
    welcome(frame) {
      if (state.conversation && state.conversation !== frame.conversation) forget();
      Object.assign(state, { ready: true, tries: 0, visitor: frame.visitor, conversation: frame.conversation }); keep();
      offline.hidden = true; offline.textContent = "";
      document.cookie = "rapport_visitor=" + encodeURIComponent(frame.visitor) + "; path=/; max-age=31536000; SameSite=Lax" + (location.protocol === "https:" ? "; Secure" : "");
      log.setAttribute("aria-busy", "true"); // what was said before is not read out again
      frame.messages.forEach(receive);
      log.removeAttribute("aria-busy");
      if (!frame.seq && !unsent.size && !log.childElementCount) { const greeting = bubble("bot", T.hello); greeting.dataset.seq = 0; place(greeting); offer(T.first); }
      mode(frame.state || "bot");
      for (const message of unsent.values()) { paint(message); deliver(message); }
      if (!panel.hidden) noteRead(); else unread();
    },
    ack(frame) { confirm(frame.client_id); },
    message(frame) { receive(frame); rateButton.hidden = false; },
    state(frame) { mode(frame.state); },
    read(frame) { if (frame.sender !== "customer") { state.readByStaff = Math.max(state.readByStaff, frame.seq); marks(); } },
    typing(frame) {
      if (!frame.typing || frame.sender === "customer") { typing.replaceChildren(); return; }
      typing.replaceChildren(el("i"), el("i"), el("i"), " " + (T[frame.sender] || T.agent) + " " + T.typing);
      clearTimeout(handlers.timer); handlers.timer = setTimeout(() => typing.replaceChildren(), 6000);
    },
    error(frame) {
      if (frame.code === "unknown_conversation") { state.conversation = null; forget(); keep(); hello(); }
      if (frame.code === "too_fast") setTimeout(() => [...unsent.values()].forEach(deliver), 1500);
    },
  };

  /* Opening, closing, keys ------------------------------------------------------------------ */
  const small = matchMedia("(max-width: 480px)");
  function toggle(open) {
    panel.hidden = !open; launch.setAttribute("aria-expanded", String(open));
    panel.setAttribute("aria-modal", String(open && small.matches));
    teaser.hidden = true;
    if (open) { if (!socket) connect(); noteRead(); input.focus(); bottom(); } else launch.focus();
    unread();
  }
  /** Tab stays within the open chat; Escape leads out. */
  function keys(event) {
    if (event.key === "Escape") { event.stopPropagation(); toggle(false); return; }
    if (event.key !== "Tab") return;
    const stops = [...panel.querySelectorAll("button, a[href], input, textarea, [tabindex='0']")].filter((node) => node.getClientRects().length && !node.disabled);
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (root.activeElement === edge) { event.preventDefault(); (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus(); }
  }
  launch.onclick = () => toggle(panel.hidden);
  closeButton.onclick = () => toggle(false);
  rateButton.onclick = () => { askRating(); rate.querySelector("button").focus(); };
  panel.onkeydown = keys;
  let typed = 0;
  const fit = () => { input.style.height = "auto"; input.style.height = Math.min(input.scrollHeight + 2, 120) + "px"; };
  input.oninput = () => {
    fit();
    if (!input.value.trim()) { if (typed) send({ type: "typing", typing: false }); typed = 0; } else if (Date.now() - typed > 2500) { typed = Date.now(); send({ type: "typing", typing: true }); }
  };
  input.onkeydown = (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); } };
  form.onsubmit = (event) => { event.preventDefault(); say(input.value); input.value = ""; typed = 0; fit(); };
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !panel.hidden) noteRead(); });
  window.rapportChat = { open: () => toggle(true), close: () => toggle(false), say: (text) => { toggle(true); say(text); } };

  /** Does anything wait for somebody who has not chatted on this browser? A campaign may have spoken. */
  async function somethingWaits() {
    if (!state.visitor) return;
    try {
      const answer = await fetch(origin + "/widget/waiting/", { method: "POST", body: JSON.stringify({ visitor: state.visitor }), credentials: "omit" });
      if (answer.ok && (await answer.json()).waiting) connect();
    } catch { /* then it is seen when the chat is opened */ }
  }
  const mount = () => { document.body.append(host); if (state.conversation || unsent.size) connect(); else somethingWaits(); };
  if (document.body) mount(); else addEventListener("DOMContentLoaded", mount);
})();
