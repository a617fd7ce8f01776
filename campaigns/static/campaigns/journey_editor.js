// The editor of a journey: a form for each node, over the graph that the server keeps and draws.
//
// Which fields a node has and every word comes from the server as JSON. Every change is sent at
// once; the answer is the picture, and what is still wrong with each node.
"use strict";

(() => {
  const WAIT = 400; // milliseconds after the last key

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  class Editor {
    constructor(host) {
      this.host = host;
      this.list = host.querySelector("[data-nodes]");
      this.state = host.querySelector("[data-state]");
      this.picture = document.querySelector("[data-picture]");
      const read = (name) => JSON.parse(document.getElementById(name).textContent);
      Object.assign(this, read("journey-grammar"));
      this.nodes = read("journey-draft").nodes || [];
      this.problems = read("journey-problems");
      this.draw();
      document.addEventListener("click", (event) => this.pointed(event));
      window.addEventListener("beforeunload", (event) => this.timer && event.preventDefault());
    }

    pointed(event) {
      const link = event.target.closest("[data-picture] a");
      const form = link && document.getElementById(link.getAttribute("href").slice(1));
      if (!form) return;
      event.preventDefault();
      form.open = true;
      form.querySelector("summary").focus();
      form.scrollIntoView({ block: "center" });
    }

    draw(open) {
      this.list.replaceChildren(...this.nodes.map((node) => this.form(node, node.id === open)));
      const kind = element("select", { class: "rule-control", "aria-label": this.words.new_node });
      this.kinds.forEach(([value, label]) => kind.append(new Option(label, value)));
      this.list.append(
        element("p", { class: "journey-add" }, kind,
          element("button", { type: "button", class: "rule-button", onclick: () => this.add(kind.value) },
            this.words.add)),
      );
      this.tell();
    }

    form(node, open) {
      const body = element("div", { class: "journey-fields" });
      const box = element("details", { id: `node-${node.id}`, class: "journey-node", open },
        element("summary", {}, this.heading(node)), body);
      const redraw = () => this.changed(node.id);
      const changed = () => {
        box.querySelector("summary").textContent = this.heading(node);
        this.changed();
      };
      body.append(this.labelled(this.words.name, this.input(node, "name", "text", changed)));
      for (const field of this.fields[node.kind] || []) {
        if (field.when && !field.when[1].includes(node[field.when[0]])) continue;
        const control = this.control(node, field, changed, redraw);
        body.append(this.labelled(field.label, control, field.name));
      }
      for (const way of this.ways(node)) body.append(this.labelled(this.words[way], this.way(node, way, changed), way));
      body.append(element("p", { class: "journey-problem", "data-problem": node.id }));
      if (node.kind !== "entry") {
        body.append(element("button", { type: "button", class: "rule-button", onclick: () => this.remove(node) },
          this.words.remove));
      }
      return box;
    }

    heading(node) {
      const kind = this.kind_names[node.kind] || node.kind;
      return node.name ? `${node.name} · ${kind}` : `${kind} · ${node.id}`;
    }

    ways(node) {
      if (node.kind === "goal" || node.kind === "exit") return [];
      if (node.kind === "split" && node.mode === "decision") return ["otherwise"];
      if (node.kind === "split" && node.mode === "shares") return [];
      const two = node.kind === "split" || (node.kind === "wait" && node.mode === "event");
      return two ? ["next", "otherwise"] : ["next"];
    }

    labelled(text, control, name = "name") {
      // A label may name one control only; a rule has many.
      const tag = control.classList.contains("journey-rule") ? "div" : "label";
      return element(tag, { "data-field": name, class: tag === "div" ? "journey-wide" : undefined },
        element("span", {}, text), control);
    }

    input(node, name, type, changed) {
      const box = element("input", { type, class: "rule-control", min: type === "number" ? 0 : undefined });
      box.value = node[name] ?? "";
      box.addEventListener("input", () => {
        if (box.value === "") delete node[name];
        else node[name] = type === "number" ? Number(box.value) : box.value;
        changed();
      });
      return box;
    }

    control(node, field, changed, redraw) {
      if (field.type === "select") return this.select(node, field, redraw);
      if (field.type === "rule") return this.rule(node, field, changed);
      if (field.type === "branches") return this.branches(node, field, changed);
      if (field.type === "shares") return this.shares(node, changed, redraw);
      if (field.type === "json") return this.json(node, field.name, changed);
      return this.input(node, field.name, field.type, changed);
    }

    select(node, field, redraw) {
      const box = element("select", { class: "rule-control" });
      box.append(new Option(this.words.choose, ""));
      field.options.forEach(([value, label], i) => value !== "" && box.append(new Option(label, i)));
      const at = field.options.findIndex(([value]) => value === node[field.name]);
      box.value = at < 0 ? "" : at;
      box.addEventListener("change", () => {
        if (box.value === "") delete node[field.name];
        else node[field.name] = field.options[box.value][0];
        redraw();
        this.refocus(node.id, field.name);
      });
      return box;
    }

    branches(node, field, changed) {
      const box = element("span", { class: "journey-rule" });
      for (const [action, label] of field.actions[node.placement] || []) {
        const ways = { id: node.id, ...node.branches };
        const control = this.way(ways, action, () => {
          node.branches = { ...node.branches };
          if (ways[action]) node.branches[action] = ways[action];
          else delete node.branches[action];
          changed();
        });
        box.append(element("label", {}, element("span", {}, label), control));
      }
      return box;
    }

    shares(node, changed, redraw) {
      const least = [{ weight: 1 }, { weight: 1 }];
      node.shares = Array.isArray(node.shares) && node.shares.length ? node.shares : least;
      const box = element("span", { class: "journey-rule" });
      node.shares.forEach((share, i) => {
        const weight = this.input(share, "weight", "number", changed);
        weight.setAttribute("aria-label", this.words.weight);
        const way = this.way({ ...share, id: node.id }, "next", () => {});
        way.addEventListener("change", () => {
          if (way.value) share.next = way.value;
          else delete share.next;
          changed();
        });
        const remove = element("button", { type: "button", class: "rule-button", onclick: () => {
          node.shares.splice(i, 1);
          redraw();
        } }, this.words.remove);
        box.append(element("span", { class: "journey-share" }, weight, way, node.shares.length > 2 ? remove : ""));
      });
      const more = () => {
        node.shares.push({ weight: 1 });
        redraw();
      };
      if (node.shares.length < 10) {
        box.append(element("button", { type: "button", class: "rule-button", onclick: more }, this.words.one_more));
      }
      return box;
    }

    way(node, name, changed) {
      const box = element("select", { class: "rule-control" });
      box.append(new Option(this.words.choose, ""));
      this.nodes.filter((one) => one.kind !== "entry").forEach((one) => box.append(new Option(this.heading(one), one.id)));
      box.value = node[name] || "";
      box.addEventListener("change", () => {
        if (box.value) node[name] = box.value;
        else delete node[name];
        changed();
      });
      return box;
    }

    rule(node, field, changed) {
      const place = element("span", { class: "journey-sentence" });
      const box = element("select", { class: "rule-control" });
      box.append(new Option(this.words.no_rule, ""));
      field.segments.forEach(([slug, label]) => box.append(new Option(label, slug)));
      box.append(new Option(this.words.by_hand, "*"));
      const only = node.rule && Object.keys(node.rule).length === 1 ? node.rule.segment : undefined;
      const isListed = field.segments.some(([slug]) => slug === only);
      box.value = isListed ? only : node.rule ? "*" : "";
      const show = () => place.replaceChildren(...(box.value === "*" ? [this.sentence(node, changed)] : []));
      show();
      box.addEventListener("change", () => {
        if (box.value === "") delete node.rule;
        else if (box.value !== "*") node.rule = { segment: box.value };
        show();
        changed();
      });
      return element("span", { class: "journey-rule" }, box, place);
    }

    // The editor of segments, over a textarea that it keeps as JSON.
    sentence(node, changed) {
      const host = document.querySelector("template[data-rule]").content.firstElementChild.cloneNode(true);
      const text = host.querySelector("textarea");
      text.value = JSON.stringify(node.rule || {}, null, 2);
      new window.RuleEditor(host);
      const keep = () => {
        try {
          const rule = JSON.parse(text.value || "{}");
          if (Object.keys(rule).length) node.rule = rule;
          else delete node.rule;
          changed();
        } catch {
          // The editor says that this is no JSON; what was kept before stays.
        }
      };
      text.addEventListener("change", keep);
      text.addEventListener("input", keep);
      return host;
    }

    json(node, name, changed) {
      const box = element("textarea", { class: "rule-control", rows: 3, spellcheck: "false" });
      box.value = node[name] ? JSON.stringify(node[name]) : "";
      box.addEventListener("input", () => {
        try {
          if (box.value.trim()) node[name] = JSON.parse(box.value);
          else delete node[name];
          box.setCustomValidity("");
          changed();
        } catch {
          box.setCustomValidity(this.words.bad_json);
          box.reportValidity();
        }
      });
      return box;
    }

    add(kind) {
      let number = this.nodes.length;
      while (this.nodes.some((node) => node.id === `${kind}-${number}`)) number += 1;
      const node = { id: `${kind}-${number}`, kind };
      const first = (this.fields[kind] || []).find((field) => field.name === "mode");
      if (first) node.mode = first.options[0][0];
      this.nodes.push(node);
      this.changed(node.id);
      this.refocus(node.id, "name");
    }

    remove(gone) {
      this.nodes = this.nodes.filter((node) => node !== gone);
      for (const node of this.nodes) {
        for (const way of ["next", "otherwise"]) {
          if (node[way] !== gone.id) continue;
          if (gone.next) node[way] = gone.next; // who came here goes on where it went on
          else delete node[way];
        }
        for (const share of node.shares || []) {
          if (share.next !== gone.id) continue;
          if (gone.next) share.next = gone.next;
          else delete share.next;
        }
        for (const [action, way] of Object.entries(node.branches || {})) {
          if (way !== gone.id) continue;
          if (gone.next) node.branches[action] = gone.next;
          else delete node.branches[action];
        }
      }
      this.changed(this.nodes[0]?.id);
      this.list.querySelector("summary")?.focus();
    }

    refocus(id, field) {
      document.querySelector(`#node-${CSS.escape(id)} [data-field="${field}"] .rule-control`)?.focus();
    }

    changed(open) {
      if (open !== undefined) this.draw(open);
      clearTimeout(this.timer);
      this.state.textContent = this.words.saving;
      this.timer = setTimeout(() => this.save(), WAIT);
    }

    async save() {
      const sent = (this.sent = (this.sent || 0) + 1);
      try {
        const token = this.host.querySelector("[name=csrfmiddlewaretoken]").value;
        const answer = await fetch(this.host.dataset.url, {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-CSRFToken": token },
          body: JSON.stringify({ nodes: this.nodes }),
        });
        if (!answer.ok) throw new Error(answer.status);
        const told = await answer.json();
        if (sent !== this.sent) return; // a later change is on its way
        this.timer = null;
        this.problems = told.problems;
        this.picture.innerHTML = told.picture;
        this.tell(this.problems.length ? this.words.wrong : this.words.saved);
      } catch {
        this.state.textContent = this.words.lost;
      }
    }

    tell(words) {
      if (words) this.state.textContent = words;
      this.list.querySelectorAll("[data-problem]").forEach((place) => {
        const own = this.problems.filter((one) => one.node === place.dataset.problem);
        place.replaceChildren(...own.map((one) => element("span", {}, `${one.label}: ${one.reason}`)));
        place.closest("details").classList.toggle("rule-wrong", own.length > 0);
      });
      const rest = this.problems.filter((one) => !one.node).map((one) => ` ${one.label}: ${one.reason}`);
      if (words && rest.length) this.state.textContent += rest.join("");
    }
  }

  document.querySelectorAll("[data-journey-editor]").forEach((host) => new Editor(host));
})();
