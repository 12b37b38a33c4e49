// Conduit's example frontend: the header, and which page belongs to which URL.

import { call, has, path, restoreSession, session } from "./api.js";
import { button, clickHandler, link, make, problem } from "./elements.js";
import {
    article, bookmarks, editor, feed, home, login, logout, notifications, profile, register, search, settings,
} from "./pages.js";
import { go, start } from "./router.js";

const ROUTES = [
    [/^\/$/, home], [/^\/feed$/, feed], [/^\/article\/([^/]+)$/, article],
    [/^\/profile\/([^/]+)(?:\/(favorites))?$/, profile], [/^\/editor(?:\/([^/]+))?$/, editor],
    [/^\/login$/, login], [/^\/register$/, register], [/^\/logout$/, logout], [/^\/settings$/, settings],
    [/^\/bookmarks$/, bookmarks], [/^\/notifications$/, notifications], [/^\/search$/, search],
];

const searchForm = document.querySelector("header form");
searchForm.addEventListener("submit", (event) => {
    event.preventDefault();
    go(`/search?q=${encodeURIComponent(searchForm.q.value)}`);
});
showIfConduitHas("/search", searchForm);

/** Show an element only if Conduit has this operation, which may be one of a plugin; return the element. */
function showIfConduitHas(operation, element) {
    element.hidden = true;
    has(operation).then((exists) => { element.hidden = !exists; });
    return element;
}

function showNavigation() {
    const user = session.user;
    document.querySelector("header nav").replaceChildren(...(user
        ? [
            link("/editor", "New article"),
            showIfConduitHas("/bookmarks", link("/bookmarks", "Bookmarks")),
            showIfConduitHas("/notifications", link("/notifications", "Notifications")),
            link(path("profile", user.username), user.username), link("/settings", "Settings"), link("/logout", "Sign out"),
        ]
        : [link("/login", "Sign in"), link("/register", "Sign up")]));
}

/** Show the number of unread notifications in the header. */
async function showUnread() {
    if (!session.user || !await has("/notifications")) return;
    const { unreadCount } = (await call("GET", "/notifications?limit=1")).value;
    const shown = document.querySelector("header a[href='/notifications']");
    if (shown) shown.textContent = unreadCount ? `Notifications (${unreadCount})` : "Notifications";
}

/** Verify the stored session. If Conduit is unavailable, say so: the user is still signed in. */
async function verifySession() {
    const notice = document.querySelector("#notice");
    try {
        await restoreSession();
        notice.replaceChildren();
    } catch (error) {
        const retry = button({ onclick: clickHandler(async () => {
            await verifySession();
            await go(location.pathname + location.search);
        }) }, "Try again");
        notice.replaceChildren(make("p", {}, "You are signed in, but your account cannot be read now."), problem(error), retry);
    }
}

addEventListener("session", showNavigation);
// Another tab signed in or out.
addEventListener("storage", showNavigation);
addEventListener("shown", () => showUnread().catch((error) => console.warn(`no count of notifications: ${error.message}`)));
showNavigation();
await verifySession();
await start(ROUTES);
