// The editor of a rule: groups and parts as sentences, over the JSON in a textarea.
//
// What parts there are, which controls they have and every word comes from the server as JSON;
// this file knows how to draw a control and how to read the language's all, any and not.
"use strict";

(() => {
  const WAIT = 400; // milliseconds after the last key
  let made = 0;

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "onclick" || name === "onchange" || name === "oninput") {
        node.addEventListener(name.slice(2), value);
      } else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
  const number = (value) => Number(value).toLocaleString(document.documentElement.lang || "en");

  // The rule as a tree of {not, all, parts} and {not, data} -------------------------------------

  function read(rule) {
    let not = false;
    while (rule && typeof rule === "object" && "not" in rule) {
      not = !not;
      rule = rule.not;
    }
    for (const word of ["all", "any"]) {
      if (rule && Array.isArray(rule[word])) {
        return { not, all: word === "all", parts: rule[word].map(read) };
      }
    }
    return { not, data: rule && typeof rule === "object" ? { ...rule } : {} };
  }

  function write(node, place) {
    node.place = place;
    let inner = node.data;
    if (node.not) place += ".not";
    if (node.parts) {
      const word = node.all ? "all" : "any";
      inner = { [word]: node.parts.map((part, i) => write(part, `${place}.${word}[${i}]`)) };
    }
    return node.not ? { not: inner } : inner;
  }

  class Editor {
    constructor(host) {
      this.host = host;
      this.text = host.querySelector("textarea");
      this.canvas = host.querySelector("[data-canvas]");
      this.answer = host.querySelector("[data-answer]");
      Object.assign(this, JSON.parse(host.querySelector("script[type='application/json']").textContent));
      this.lists = {};
      this.load(this.parsed() || {});
      const toggle = host.querySelector("[data-toggle]");
      toggle.addEventListener("click", () => this.toggle(toggle));
      this.text.addEventListener("input", () => this.typed());
      this.draw();
      this.ask();
    }

    parsed() {
      try {
        return JSON.parse(this.text.value || "{}");
      } catch {
        return null;
      }
    }

    load(rule) {
      const root = read(rule);
      if (root.parts) this.root = root;
      else this.root = { not: false, all: true, parts: Object.keys(root.data).length ? [root] : [] };
    }

    toggle(button) {
      const shown = this.text.hidden;
      if (!shown) {
        const rule = this.parsed();
        if (rule === null) return this.say([this.error(this.words.bad_json)]);
        this.load(rule);
        this.draw();
      }
      this.text.hidden = !shown;
      this.canvas.hidden = shown;
      button.textContent = shown ? this.words.form : this.words.json;
      button.setAttribute("aria-pressed", shown);
      if (shown) this.text.focus();
    }

    typed() {
      if (this.parsed() === null) this.say([this.error(this.words.bad_json)]);
      else this.later();
    }

    // Every change writes the textarea, so that the form is saved as it is seen.
    changed(redraw = false) {
      const rule = this.root.parts.length ? write(this.root, "rule") : {};
      this.text.value = JSON.stringify(rule, null, 2);
      this.text.dispatchEvent(new Event("change"));
      if (redraw) this.draw();
      this.later();
    }

    // Asking the server ------------------------------------------------------------------------

    later() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), WAIT);
    }

    async ask() {
      this.mark(null);
      if (!this.root.parts.length && this.text.hidden) return this.say([this.words.empty]);
      this.asked = (this.asked || 0) + 1;
      const mine = this.asked;
      this.answer.setAttribute("aria-busy", "true");
      const token = document.querySelector("input[name=csrfmiddlewaretoken]");
      const slug = document.querySelector("input[name=slug]");
      let told;
      try {
        const reply = await fetch(this.host.dataset.url, {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-CSRFToken": token ? token.value : "" },
          body: JSON.stringify({ rule: this.parsed(), slug: slug ? slug.value : "" }),
        });
        if (!reply.ok) throw new Error(String(reply.status));
        told = await reply.json();
      } catch {
        told = { offline: true };
      }
      if (mine !== this.asked) return; // a later question is on its way
      this.answer.removeAttribute("aria-busy");
      this.tell(told);
    }

    tell(told) {
      if (told.offline) return this.say([this.error(this.words.offline)]);
      if (told.error) {
        write(this.root, "rule");
        this.mark(told.error);
        return this.say([this.error(told.error.message)]);
      }
      const lines = told.sentences.map(([language, text]) =>
        element("p", { lang: language, class: "rule-sentence" }, text));
      let size = this.words.too_slow;
      if (told.size !== undefined) {
        const values = { size: number(told.size), of: number(told.of), low: number(told.low), high: number(told.high) };
        size = fill(told.exact ? this.words.exact : this.words.about, values);
      }
      lines.unshift(element("p", { class: "rule-size" }, size));
      for (const warning of told.warnings) lines.push(element("p", { class: "rule-warning" }, warning));
      this.say(lines);
    }

    say(lines) {
      this.answer.replaceChildren(...lines);
    }

    error(text) {
      return element("p", { class: "rule-error", role: "alert" }, text);
    }

    // Show a mistake where it was made: at the deepest part whose place begins the message's.
    mark(error) {
      for (const old of this.canvas.querySelectorAll(".rule-wrong")) old.classList.remove("rule-wrong");
      for (const old of this.canvas.querySelectorAll(".rule-at")) old.remove();
      if (!error) return;
      let best = null;
      const visit = (node) => {
        if (error.place.startsWith(node.place)) best = node;
        (node.parts || []).forEach(visit);
      };
      visit(this.root);
      if (!best || !best.box) return;
      best.box.classList.add("rule-wrong");
      best.box.append(element("p", { class: "rule-at" }, error.reason));
    }

    // Drawing ----------------------------------------------------------------------------------

    draw() {
      const focus = document.activeElement && document.activeElement.id;
      this.canvas.replaceChildren();
      if (!this.root.parts.length) this.canvas.append(this.examples());
      this.canvas.append(this.group(this.root, null));
      const again = focus && document.getElementById(focus);
      if (again) again.focus();
    }

    examples() {
      const row = element("div", { class: "rule-examples" }, element("span", {}, this.words.start_from));
      for (const one of this.suggestions) {
        row.append(element("button", { type: "button", class: "rule-button", onclick: () => this.start(one) }, one.name));
      }
      return row;
    }

    start(one) {
      this.load(one.rule);
      const names = { slug: one.slug, name_en: one.name_en, name_zh: one.name_zh };
      for (const [name, value] of Object.entries(names)) {
        const input = document.querySelector(`input[name=${name}]`);
        if (input && !input.value) input.value = value;
      }
      this.changed(true);
    }

    group(node, parent) {
      const mode = node.not ? (node.all ? "not_all" : "none") : node.all ? "all" : "any";
      const modes = ["all", "any", "none", "not_all"].map((word) => [word, this.words[word]]);
      const choose = this.select(modes, mode, this.words.customers_who, (value) => {
        node.not = value === "none" || value === "not_all";
        node.all = value === "all" || value === "not_all";
        this.changed();
      });
      const head = element("div", { class: "rule-row" });
      if (!parent) head.append(element("span", {}, this.words.customers_who));
      head.append(choose, element("span", {}, this.words.these));
      if (parent) head.append(this.remover(node, parent));
      const list = element("ul", { class: "rule-parts" });
      for (const part of node.parts) {
        list.append(element("li", {}, part.parts ? this.group(part, node) : this.leaf(part, node)));
      }
      const add = element("div", { class: "rule-row" },
        element("button", { type: "button", class: "rule-button", onclick: () => this.add(node, this.fresh(this.parts[0])) }, "+ " + this.words.add),
        element("button", { type: "button", class: "rule-button", onclick: () => this.add(node, { not: false, all: false, parts: [this.fresh(this.parts[0])] }) }, "+ " + this.words.add_group));
      node.box = element("fieldset", { class: "rule-group", "aria-label": this.words[mode] }, head, list, add);
      return node.box;
    }

    add(node, part) {
      node.parts.push(part);
      this.changed(true);
      const inner = part.parts ? part.parts[0] : part;
      const first = inner.box && inner.box.querySelector("select, input");
      if (first) first.focus();
    }

    remover(node, parent) {
      const take = () => {
        parent.parts.splice(parent.parts.indexOf(node), 1);
        this.changed(true);
        const next = parent.box && parent.box.querySelector("button");
        if (next) next.focus();
      };
      return element("button", { type: "button", class: "rule-remove", "aria-label": this.words.remove, title: this.words.remove, onclick: take }, "×");
    }

    // Which part of the grammar a leaf is; undefined for one that only JSON can show.
    partOf(data) {
      let word = this.parts.map((part) => part.word).find((name) => name in data);
      if ("field" in data) word = data.field === "is_known" ? "known" : String(data.field).startsWith("days_") ? "age" : "field";
      if ("score" in data) word = "label" in data ? "label" : "score";
      return this.parts.find((part) => part.word === word);
    }

    fresh(part) {
      const node = { not: false, data: {} };
      for (const control of part.controls) {
        if (control.optional || !control.key) continue;
        if (control.kind === "choice") {
          const options = this.options(control);
          node.data[control.key] = control.default !== undefined ? control.default : options.length ? options[0][0] : "";
        } else if (control.kind === "inside") node.data[control.key] = { sentiment: "negative" };
        else if (control.kind === "fixed") node.data[control.key] = control.value;
        else if (control.kind === "number" && !control.needs) node.data[control.key] = control.default;
        else if (control.kind === "figure_number") node.data.count = control.default;
        else if (control.kind === "share") node.data.random = { percent: 10, salt: Math.random().toString(36).slice(2, 8) };
        else if (control.kind === "dependent") {
          const first = (this.offered[control.from][node.data[control.of]] || [])[0];
          node.data[control.key] = first ? first[0] : "";
        } else if (control.kind === "suggest" || control.kind === "value") node.data[control.key] = "";
      }
      return node;
    }

    leaf(node, parent) {
      const part = this.partOf(node.data);
      const row = element("div", { class: "rule-row" });
      node.box = element("div", { class: "rule-leaf" }, row);
      const not = this.select([["", this.words.does], ["not", this.words.does_not]], node.not ? "not" : "", this.words.does_not, (value) => {
        node.not = value === "not";
        this.changed();
      });
      not.classList.add("rule-not");
      row.append(not);
      if (!part) row.append(element("code", {}, JSON.stringify(node.data)));
      else {
        row.append(this.kindOf(node, part));
        const optional = [];
        for (const control of part.controls) {
          const drawn = this[`draw_${control.kind}`](control, node);
          if (!drawn) continue;
          const unused = control.optional && node.data[control.key] === undefined;
          (unused && control.key !== "op" ? optional : { push: (...all) => row.append(...all) }).push(drawn);
        }
        if (optional.length) {
          const more = element("details", { class: "rule-more" }, element("summary", {}, this.words.more));
          more.append(...optional);
          row.append(more);
        }
      }
      row.append(this.remover(node, parent));
      return node.box;
    }

    kindOf(node, part) {
      const groups = new Map();
      for (const one of this.parts) groups.set(one.group, [...(groups.get(one.group) || []), one]);
      const select = element("select", { id: `rule-${++made}`, class: "rule-control rule-kind", "aria-label": this.words.add });
      for (const [label, parts] of groups) {
        const group = element("optgroup", { label });
        for (const one of parts) group.append(element("option", { value: one.word, selected: one === part }, one.label));
        select.append(group);
      }
      select.addEventListener("change", () => {
        node.data = this.fresh(this.parts.find((one) => one.word === select.value)).data;
        this.changed(true);
      });
      return select;
    }

    options(control) {
      return typeof control.options === "string" ? this.offered[control.options] || [] : control.options;
    }

    // Controls ---------------------------------------------------------------------------------

    select(options, value, label, change) {
      const select = element("select", { class: "rule-control", "aria-label": label, id: `rule-${++made}` });
      for (const [i, [one, text]] of options.entries()) {
        select.append(element("option", { value: i, selected: one === value }, text));
      }
      if (value !== undefined && value !== "" && !options.some(([one]) => one === value)) {
        select.append(element("option", { value: -1, selected: true }, String(value)));
      }
      select.addEventListener("change", () => {
        const chosen = options[Number(select.value)];
        if (chosen) change(chosen[0]);
      });
      return select;
    }

    input(type, value, label, change, more = {}) {
      return element("input", {
        type, value: value === undefined ? "" : value, class: `rule-control rule-${type}`, "aria-label": label,
        placeholder: label, id: `rule-${++made}`, oninput: (event) => change(event.target.value), ...more,
      });
    }

    set(node, key, value) {
      if (value === "" || value === undefined || value === null) delete node.data[key];
      else node.data[key] = value;
    }

    draw_choice(control, node) {
      let options = this.options(control);
      if (control.optional) options = [["", control.label + " …"], ...options];
      const value = node.data[control.key] === undefined && !control.optional ? control.default ?? "=" : node.data[control.key];
      return this.select(options, value, control.label, (chosen) => {
        this.set(node, control.key, chosen);
        const part = this.partOf(node.data);
        for (const other of part ? part.controls : []) {
          if (other.needs !== control.key) continue;
          if (node.data[control.key] === undefined) delete node.data[other.key];
          else if (node.data[other.key] === undefined) node.data[other.key] = other.default;
        }
        this.changed(this.follows(node, control.key));
      });
    }

    // Whether another control of this part looks at what was just chosen.
    follows(node, key) {
      const part = this.partOf(node.data);
      return ["op", "event", "figure"].includes(key) || (part && part.controls.some((control) => control.of === key || control.needs === key));
    }

    draw_number(control, node) {
      if (control.needs && node.data[control.needs] === undefined) return null;
      return this.input("number", node.data[control.key], control.label, (value) => {
        this.set(node, control.key, value === "" ? "" : Number(value));
        this.changed();
      }, { step: "any" });
    }

    draw_text(control) {
      return element("span", {}, control.content);
    }

    draw_fixed() {
      return null;
    }

    list(values) {
      const key = JSON.stringify(values);
      if (!this.lists[key]) {
        const list = element("datalist", { id: `rule-list-${++made}` });
        for (const value of values) {
          const [one, text] = Array.isArray(value) ? value : [value, ""];
          list.append(element("option", { value: one }, text));
        }
        this.host.append(list);
        this.lists[key] = list.id;
      }
      return this.lists[key];
    }

    draw_suggest(control, node) {
      const source = this.offered[control.from] || [];
      const values = Array.isArray(source) ? source : Object.keys(source);
      const named = new Map(values.filter(Array.isArray));
      const hint = element("span", { class: "rule-hint" }, named.get(node.data[control.key]) || "");
      const input = this.input("text", node.data[control.key], control.label, (value) => {
        this.set(node, control.key, value);
        hint.textContent = named.get(value) || "";
        this.changed();
      }, { list: values.length ? this.list(values) : undefined });
      return element("span", { class: "rule-inline" }, input, hint);
    }

    draw_dependent(control, node) {
      const options = this.offered[control.from][node.data[control.of]] || [];
      return this.select(options, node.data[control.key], control.label, (value) => {
        node.data[control.key] = value;
        this.changed();
      });
    }

    // What is typed becomes a number or a truth value where it plainly is one.
    plain(text, op) {
      if (op === "in") return text.split(/[,，、]/).map((item) => this.plain(item.trim())).filter((item) => item !== "");
      if (/^-?\d{1,15}(\.\d+)?$/.test(text)) return Number(text);
      if (text === "true" || text === this.words.truth_yes) return true;
      if (text === "false" || text === this.words.truth_no) return false;
      return text;
    }

    values(control, node) {
      if (control.of === "field") {
        const named = { country: "countries", language: "languages" }[node.data.field];
        return this.offered[named] || [];
      }
      return this.offered.traits[node.data.trait] || [];
    }

    draw_value(control, node) {
      const op = node.data.op;
      if (op === "exists") {
        delete node.data[control.key];
        return null;
      }
      const have = node.data[control.key];
      const shown = Array.isArray(have) ? have.join(", ") : have === true ? this.words.truth_yes : have === false ? this.words.truth_no : have;
      const known = this.values(control, node);
      const label = op === "in" ? this.words.comma : control.label;
      return this.input("text", shown, label, (value) => {
        const plain = control.of === "field" ? (op === "in" ? this.plain(value, op).map(String) : value) : this.plain(value, op);
        node.data[control.key] = plain;
        this.changed();
      }, { list: known.length ? this.list(known) : undefined });
    }

    // Controls for what lies one level deeper in the JSON.
    draw_inside(control, node) {
      const inner = { data: node.data[control.key] };
      return element("span", { class: "rule-inline" }, ...control.controls.map((one) => this[`draw_${one.kind}`](one, inner)));
    }

    draw_figure(control, node) {
      const now = ["sum", "average", "last"].find((word) => word in node.data) || "count";
      const box = element("span", { class: "rule-inline" });
      box.append(this.select(control.options, now, control.label, (value) => {
        const kept = node.data.count !== undefined ? node.data.count : node.data.value;
        for (const word of ["sum", "average", "last", "count", "value"]) delete node.data[word];
        if (value !== "count") node.data[value] = value === "last" ? "days" : "";
        node.data[value === "count" ? "count" : "value"] = kept;
        this.changed(true);
      }));
      if (now === "sum" || now === "average") {
        const names = Object.keys(this.offered.properties[node.data.event] || {});
        box.append(this.input("text", node.data[now], this.words.property, (value) => {
          node.data[now] = value;
          this.changed();
        }, { list: names.length ? this.list(names) : undefined }));
      }
      return box;
    }

    draw_figure_number(control, node) {
      const key = "count" in node.data || !["sum", "average", "last"].some((word) => word in node.data) ? "count" : "value";
      return this.draw_number({ ...control, key }, node);
    }

    draw_window(control, node) {
      const days = node.data.days;
      const mode = days === undefined ? "ever" : Array.isArray(days) ? "between" : "last";
      const box = element("span", { class: "rule-inline" });
      const modes = ["ever", "last", "between"].map((word) => [word, this.words[word]]);
      box.append(this.select(modes, mode, control.label, (value) => {
        const one = Array.isArray(days) ? days[1] : days;
        this.set(node, "days", { ever: "", last: one || 30, between: [one || 30, (one || 30) * 2] }[value]);
        this.changed(true);
      }));
      const day = (value, change) => this.input("number", value, this.words.days, (text) => {
        change(Number(text));
        this.changed();
      }, { min: 0, step: "any" });
      if (mode === "last") box.append(day(days, (value) => { node.data.days = value; }), this.words.days);
      if (mode === "between") {
        box.append(day(days[0], (value) => { node.data.days[0] = value; }), this.words.and,
          day(days[1], (value) => { node.data.days[1] = value; }), this.words.days_ago);
      }
      return box;
    }

    draw_conditions(control, node) {
      const box = element("span", { class: "rule-inline" });
      const known = this.offered.properties[node.data.event] || {};
      const tests = node.data.where || [];
      const operators = this.parts.find((part) => part.word === "trait").controls[1].options;
      for (const test of tests) {
        box.append(this.words.with);
        box.append(this.input("text", test.property, this.words.property, (value) => {
          test.property = value;
          this.changed();
        }, { list: this.list(Object.keys(known)) }));
        box.append(this.select(operators, test.op || "=", control.label, (value) => {
          test.op = value;
          if (value === "exists") delete test.value;
          this.changed(true);
        }));
        if (test.op !== "exists") {
          const have = Array.isArray(test.value) ? test.value.join(", ") : test.value;
          box.append(this.input("text", have, control.label, (value) => {
            test.value = this.plain(value, test.op);
            this.changed();
          }, { list: this.list(known[test.property] || []) }));
        }
        box.append(element("button", { type: "button", class: "rule-remove", "aria-label": this.words.remove, onclick: () => {
          node.data.where = tests.filter((one) => one !== test);
          if (!node.data.where.length) delete node.data.where;
          this.changed(true);
        } }, "×"));
      }
      box.append(element("button", { type: "button", class: "rule-button", onclick: () => {
        node.data.where = [...tests, { property: "", op: "=", value: "" }];
        this.changed(true);
      } }, "+ " + this.words.with));
      return box;
    }

    draw_share(control, node) {
      const share = node.data.random;
      const box = element("span", { class: "rule-inline" });
      box.append(this.input("number", share.percent, control.label, (value) => {
        share.percent = value === "" ? null : Number(value);
        this.changed();
      }, { min: 0, max: 100, step: "any" }), "%", this.input("text", share.salt, control.salt, (value) => {
        share.salt = value;
        this.changed();
      }));
      return box;
    }
  }

  window.RuleEditor = Editor; // for pages that make rules while they are edited

  function begin() {
    for (const host of document.querySelectorAll("[data-rule-editor]")) new Editor(host);
    const kind = document.querySelector("select[name=kind]");
    if (!kind) return;
    // Only segments by rule have one to edit.
    const show = () => {
      for (const host of document.querySelectorAll("[data-rule-editor]")) {
        host.hidden = !["rule", "random"].includes(kind.value);
      }
    };
    kind.addEventListener("change", show);
    show();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
