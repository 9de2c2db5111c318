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
