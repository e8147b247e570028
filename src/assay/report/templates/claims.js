// Filters: claims of any pressed verdict (none pressed means all), and of any pressed axis.
{
  const cards = [...document.querySelectorAll("article.claim")];
  const pressed = (kind) => [...document.querySelectorAll(`[data-${kind}][aria-pressed="true"]`)].map((b) => b.dataset[kind]);
  const count = document.getElementById("count");
  function filter() {
    const verdicts = pressed("verdict"), axes = pressed("axis");
    let shown = 0;
    for (const card of cards) {
      card.hidden = (verdicts.length > 0 && !verdicts.includes(card.dataset.verdict)) || (axes.length > 0 && !axes.includes(card.dataset.axis));
      shown += card.hidden ? 0 : 1;
    }
    if (count) count.textContent = shown === cards.length ? `${shown} claims` : `${shown} of ${cards.length} claims`;
    document.getElementById("none").hidden = shown > 0 || cards.length === 0;
  }
  for (const button of document.querySelectorAll(".filters button"))
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      filter();
    });
}
