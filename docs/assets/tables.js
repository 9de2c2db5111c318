// A table that is wider than its page scrolls, and is then reached by keyboard.
const reach = () => {
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) {
    const wide = table.scrollWidth > table.clientWidth;
    for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", "Table"]])
      wide ? table.setAttribute(name, value) : table.removeAttribute(name);
  }
};
addEventListener("load", reach);
addEventListener("resize", reach);

// A word of a command stays in one piece: browsers break "--pulse" behind its hyphens.
const LONGEST_WORD = 30;
for (const code of document.querySelectorAll(".md-typeset td code")) {
  if (code.children.length) continue;
  const parts = code.textContent.split(/( +)/).map((word) => {
    if (!word.includes("-") || word.length > LONGEST_WORD) return word;
    const whole = document.createElement("span");
    whole.className = "word";
    whole.textContent = word;
    return whole;
  });
  code.replaceChildren(...parts);
}
