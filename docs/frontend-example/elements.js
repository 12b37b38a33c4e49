// The elements that pages are made of.

import { ApiError, path } from "./api.js";

/** Create an element. Strings become text nodes, never HTML, so that text of users cannot inject any. */
export function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else if (value === true) element.setAttribute(key, "");
        else if (value !== false && value != null) element.setAttribute(key, value);
    }
    element.append(...children.flat().filter((child) => child != null && child !== false));
    return element;
}

export const link = (href, ...children) => make("a", { href }, ...children);
export const row = (...children) => make("div", { class: "row" }, ...children);
export const button = (attributes, text) => make("button", { type: "button", ...attributes }, text);
export const empty = (text) => make("p", { class: "empty" }, text);

/** Return the URL if it is one of an image, else null. */
function imageUrl(address) {
    try {
        return /^(https?:|data:image\/)/.test(new URL(address, location.href).href) ? address : null;
    } catch {
        return null;
    }
}

export function avatar({ username, image }, size = "") {
    const initial = () => make("span", { class: `avatar ${size}`, "aria-hidden": "true" }, [...username][0].toUpperCase());
    const source = image && imageUrl(image);
    if (!source) return initial();
    return make("img", { class: `avatar ${size}`, src: source, alt: "", onerror: (event) => event.target.replaceWith(initial()) });
}

const DAY = 24 * 60 * 60;
const UNITS = [["day", DAY], ["hour", 60 * 60], ["minute", 60], ["second", 1]];

/** Return a time: how long ago in the last week, the date before. */
export function time(moment) {
    const date = new Date(moment);
    const seconds = Math.max(0, Math.floor((Date.now() - date) / 1000));
    const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
    const text = seconds < 7 * DAY
        ? new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.floor(seconds / length), unit)
        : date.toLocaleDateString("en", { day: "numeric", month: "long", year: "numeric" });
    return make("time", { datetime: moment, title: date.toLocaleString("en") }, text);
}

export function byline(author, moment) {
    return row(avatar(author), make("span", { class: "byline" }, link(path("profile", author.username), author.username), time(moment)));
}

export const tags = (names) => row(names.map((name) => make("a", { class: "tag", href: `/?tag=${encodeURIComponent(name)}` }, name)));

/** Return links to lists, of which the one to this page is marked. */
export function tabs(...entries) {
    return make("nav", { class: "row tabs", "aria-label": "Lists" }, entries.map(([href, text]) =>
        make("a", { href, "aria-current": href === location.pathname + location.search && "page" }, text)));
}

export function problem(error) {
    if (!(error instanceof ApiError)) {
        reportError(error);
        error = new ApiError(0, { "This page": [`failed: ${error.message}`] });
    }
    return make("div", { class: "problem", role: "alert" },
        Object.entries(error.errors).map(([key, messages]) => make("p", {}, `${key} ${messages.join(", ")}`)),
        error.seconds > 0 && make("p", {}, `Try again in ${error.seconds} seconds.`),
        error.request && make("small", {}, `Request ${error.request}`));
}

/** Return a click handler: the button is disabled while the action runs, and an error is shown beside it. */
export function clickHandler(action) {
    return async (event) => {
        const pressed = event.currentTarget;
        pressed.disabled = true;
        pressed.parentElement.querySelector(".problem")?.remove();
        try {
            await action(pressed);
        } catch (error) {
            pressed.parentElement.append(problem(error));
        } finally {
            pressed.disabled = false;
        }
    };
}

/** Return a form; `send` is called with the values of its fields, by name. `also` is shown beside its button. */
export function form({ fields, action, kind = "", also, send }) {
    const submit = make("button", { class: kind }, action);
    const element = make("form", { class: kind }, fields, row(submit, also));
    element.addEventListener("submit", async (event) => {
        event.preventDefault();
        submit.disabled = true;
        element.querySelectorAll(".problem").forEach((shown) => shown.remove());
        try {
            await send(Object.fromEntries(new FormData(element)));
        } catch (error) {
            submit.parentElement.before(problem(error));
        } finally {
            submit.disabled = false;
        }
    });
    return element;
}

export const field = (text, name, attributes = {}) => make("label", {}, text, make("input", { name, ...attributes }));

export function area(text, name, rows, value = "", attributes = {}) {
    const element = make("textarea", { name, rows, ...attributes });
    element.value = value;
    return make("label", {}, text, element);
}

/** Ask before something that cannot be undone. `send` gets the values of the fields; the dialog shows its error and stays open. */
export function ask({ question, action, fields = [], send }) {
    const dialog = make("dialog", { "aria-label": action }, make("p", {}, question), form({
        fields, action, kind: "bad",
        also: button({ onclick: () => dialog.close() }, "Cancel"),
        send: async (typed) => {
            await send(typed);
            dialog.close();
        },
    }));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
}

/** Return a button that asks before it acts; `question` returns the arguments of `ask`. */
export const askingButton = (text, question) => button({ class: "bad", onclick: () => ask(question()) }, text);
