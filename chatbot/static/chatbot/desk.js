/* At the desk: says every twenty seconds that this page is open, also from a tab in the background;
   shows who waits in the title, and tells of a new one by the browser where that is allowed. */
(() => {
  "use strict";
  const bar = document.getElementById("desk");
  if (!bar) return;
  const words = bar.dataset;
  const token = bar.querySelector("[name=csrfmiddlewaretoken]").value;
  const button = document.getElementById("desk-presence");
  const count = document.getElementById("desk-count");
  const said = document.getElementById("desk-said");
  const notify = document.getElementById("desk-notify");
  const title = document.title;
  let newest = null;
  let isAway = false;

  async function beat(wanted) {
    try {
      const answer = await fetch(words.beat, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(wanted || {}) });
      if (!answer.ok) throw new Error();
      show(await answer.json());
    } catch { said.textContent = words.offline; }
  }
  function show(data) {
    isAway = data.is_away;
    button.textContent = isAway ? words.away : words.here;
    button.setAttribute("aria-pressed", String(!isAway));
    bar.classList.toggle("away", isAway);
    const mine = data.mine ? ` · ${words.mine} ${data.mine}` : "";
    count.textContent = data.waiting ? `${words.some} ${data.waiting}${mine}` : words.none;
    count.classList.toggle("some", data.waiting > 0);
    document.title = data.waiting ? `(${data.waiting}) ${title}` : title;
    said.textContent = data.is_open ? "" : words.closed;
    if (newest !== null && data.newest > newest) tell();
    newest = data.newest;
  }
  function tell() {
    bar.classList.remove("new"); void bar.offsetWidth; bar.classList.add("new");
    if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
    const note = new Notification(words.new, { tag: "rapport-waiting", silent: true });
    note.onclick = () => { window.focus(); location.href = words.waiting; };
  }
  if ("Notification" in window && Notification.permission === "default") {
    notify.hidden = false;
    notify.onclick = async () => { await Notification.requestPermission(); notify.hidden = true; };
  }
  button.onclick = () => beat({ is_away: !isAway });
  beat(); setInterval(beat, 20000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) beat(); });
})();
