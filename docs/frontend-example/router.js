// Navigation: the page of a URL is shown without loading a document.

import { empty, make, problem } from "./elements.js";

const main = document.querySelector("main");
let routes = [];

/** Render the page of the current URL, unless the user has navigated away while it loaded. */
async function show() {
    const requested = location.href;
    let content;
    try {
        const [pattern, page] = routes.find(([pattern]) => pattern.test(location.pathname)) ?? [/^/, null];
        const parts = pattern.exec(location.pathname).slice(1).map((part) => part && decodeURIComponent(part));
        content = page ? await page(...parts) : ["Not found", empty("This page does not exist.")];
    } catch (error) {
        // Do not redirect a user who has navigated to another page meanwhile.
        if (location.href !== requested) return;
        if (error.status === 401) return go("/login");
        content = [error.status === 404 ? "Not found" : "That did not work", problem(error)];
    }
    if (!content || location.href !== requested) return;
    const [title, ...rest] = content;
    const heading = make("h1", { tabindex: -1 }, title);
    main.replaceChildren(heading, ...rest.flat().filter(Boolean));
    document.title = `${title} · Conduit`;
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
    dispatchEvent(new Event("shown"));
}

/** Show the page of an address of this frontend. */
export function go(address) {
    history.pushState(null, "", address);
    return show();
}

/** Show the page of the current URL, and from now on the pages of followed links. */
export function start(pages) {
    routes = pages;
    document.addEventListener("click", (event) => {
        const anchor = event.target.closest("a[href^='/']");
        if (!anchor || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        go(anchor.getAttribute("href"));
    });
    addEventListener("popstate", show);
    return show();
}
