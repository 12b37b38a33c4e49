// Markdown by markdown-it, code highlighted by highlight.js, and the result sanitized by DOMPurify.

import hljs from "./vendor/highlight.min.js";
import MarkdownIt from "./vendor/markdown-it.esm.min.mjs";
import DOMPurify from "./vendor/purify.es.mjs";

import { make } from "./elements.js";

// Characters. A longer text is shown as it was typed: half a million may have a quarter of a million elements, which take a
// browser half a minute.
const MAX_RENDERED = 100_000;

// HTML in a text is shown as text. The sanitizer is the second defense: it removes what a fault of the renderer lets through.
const renderer = new MarkdownIt({
    html: false,
    highlight: (code, language) => hljs.getLanguage(language)
        ? hljs.highlight(code, { language, ignoreIllegals: true }).value
        : "",
});
renderer.core.ruler.push("page", ({ tokens }) => {
    for (const token of tokens) {
        // The page's h1 is the title.
        if (/^h[1-5]$/.test(token.tag)) token.tag = `h${Number(token.tag[1]) + 1}`;
        // The alignment of a table's column; the sanitizer removes styles.
        const align = /^text-align:(\w+)$/.exec(token.attrGet("style") ?? "");
        if (align) token.attrs = [["align", align[1]]];
    }
});

DOMPurify.addHook("afterSanitizeAttributes", (element) => {
    if (element.tagName === "A") element.setAttribute("rel", "nofollow noopener ugc");
    if (element.tagName === "IMG") element.setAttribute("loading", "lazy");
    // Scrolls sideways, so it must be reachable by keyboard.
    if (element.tagName === "PRE") element.setAttribute("tabindex", "0");
});

const TAGS = [
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre", "s", "span", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
];
const ATTRIBUTES = ["align", "alt", "class", "href", "src", "start", "title"];

/** Return the elements of a Markdown text, or the text itself if it is very long. */
export function markdown(text) {
    if (text.length > MAX_RENDERED) return make("div", { class: "plain" }, text);
    const options = { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ATTRIBUTES, RETURN_DOM_FRAGMENT: true };
    return DOMPurify.sanitize(renderer.render(text), options);
}

/** Return the text and the marked words of a search result's highlight, which is HTML. */
export function highlight(html) {
    return DOMPurify.sanitize(html, { ALLOWED_TAGS: ["mark"], ALLOWED_ATTR: [], RETURN_DOM_FRAGMENT: true });
}
