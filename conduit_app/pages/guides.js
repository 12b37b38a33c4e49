"use strict";

// Menu and contents are open in columns of their own, and closed above the text.
const columns = { menu: "(min-width: 60.0625rem)", contents: "(min-width: 75.0625rem)" };
for (const [name, query] of Object.entries(columns)) {
  const details = document.querySelector(`details.${name}`);
  const wide = matchMedia(query);
  const adjust = () => { if (details) details.open = wide.matches; };
  wide.addEventListener("change", adjust);
  adjust();
}
document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest" });

// Browsers have a clipboard on HTTPS and on localhost.
if (navigator.clipboard) {
  for (const block of document.querySelectorAll(".code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    block.append(button);
  }
}

// Results while typing: those of the results page, which the form leads to without a script.
const form = document.querySelector("[role=search]");
const field = form.querySelector("input");
const found = form.querySelector(".found");
const DELAY_MILLISECONDS = 150;
const MAX_SHOWN = 8;
let timer = 0;
let running = new AbortController();

async function show() {
  running.abort();
  running = new AbortController();
  const words = field.value.trim();
  if (words === "") {
    found.replaceChildren();
    found.hidden = true;
    return;
  }
  const address = new URL(form.action);
  address.searchParams.set("q", words);
  const response = await fetch(address, { signal: running.signal });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const hits = page.querySelector(".hits");
  for (const link of hits?.querySelectorAll("a") ?? []) link.href = new URL(link.getAttribute("href"), address);
  for (const hit of [...(hits?.children ?? [])].slice(MAX_SHOWN)) hit.remove();
  reveal(hits ?? "Nothing found.");
}

function reveal(content) {
  found.replaceChildren(content);
  found.hidden = false;
}

function showOrFail() {
  show().catch((error) => {
    if (error.name !== "AbortError") reveal("The search failed.");
  });
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(showOrFail, DELAY_MILLISECONDS);
});
field.addEventListener("focus", () => { found.hidden = !found.hasChildNodes(); });
form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) found.hidden = true; });
addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    found.hidden = true;
  } else if (event.key === "/" && !event.target.closest("input, textarea")) {
    event.preventDefault();
    field.focus();
  }
});
