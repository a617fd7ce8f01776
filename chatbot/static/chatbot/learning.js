/* Teach in one click: the row says so and the next one is ready for the keyboard. */
(() => {
  "use strict";
  const page = document.getElementById("learn");
  if (!page) return;
  const token = page.querySelector("[name=csrfmiddlewaretoken]").value;
  async function teach(row) {
    const said = row.querySelector("[role=status]");
    const body = { action: "correct", message: Number(row.dataset.message), intent: row.querySelector("select").value };
    try {
      const answer = await fetch(row.dataset.do, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error((await answer.json()).error || page.dataset.failed);
      said.textContent = "✓ " + page.dataset.taught;
      row.classList.add("taught");
      const next = row.nextElementSibling && row.nextElementSibling.querySelector("select");
      if (next) next.focus();
    } catch (problem) { said.textContent = problem.message || page.dataset.failed; }
  }
  for (const row of page.querySelectorAll(".learn-row")) {
    const button = row.querySelector("button");
    if (!button) continue;
    button.onclick = () => teach(row);
    row.querySelector("select").onkeydown = (event) => { if (event.key === "Enter") { event.preventDefault(); teach(row); } };
  }
})();
