// The API: requests, errors, the session, and which plugins Conduit has.

const API = new URL(document.querySelector('meta[name="conduit-api"]').content, location.origin).href;

/** An error response: messages by field or resource, and the request id under which it is logged. */
export class ApiError extends Error {
    constructor(status, errors, headers = new Headers()) {
        super(Object.entries(errors).map(([key, messages]) => `${key} ${messages.join(", ")}`).join("; "));
        this.status = status;
        this.errors = errors;
        this.request = headers.get("X-Request-ID");
        this.seconds = Number(headers.get("Retry-After"));
    }
}

/** Encode parts of a path: a username or tag may contain any character. */
export const path = (...parts) => "/" + parts.map(encodeURIComponent).join("/");

/** Send a request and return the value and headers of its response; throw `ApiError` for an error response. */
export async function call(method, path, { body, headers = {} } = {}) {
    const token = session.user?.token;
    if (token) headers.Authorization = `Token ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    let response;
    try {
        response = await fetch(path.startsWith("/") ? API + path : path, { method, headers, body: body && JSON.stringify(body) });
    } catch {
        throw new ApiError(0, { Conduit: ["cannot be reached"] });
    }
    // A proxy may respond instead of Conduit, and not in JSON.
    const value = response.status === 204 ? null : await response.json().catch(() => null);
    if (response.ok) return { value, headers: response.headers, next: next(response) };
    const errors = value?.errors ?? { Conduit: [`returned status ${response.status}`] };
    // Only if the token is still the current one: the user may have signed in again meanwhile.
    if (errors.token && token === session.user?.token) session.user = null;
    throw new ApiError(response.status, errors, response.headers);
}

/**
 * Return a function that creates something by POST, with an idempotency key: a retry after a lost response creates nothing.
 * A different body gets a new key, and so does the same body after a successful response.
 */
export function creator(path) {
    let sent, key;
    return async (body) => {
        if (sent !== JSON.stringify(body)) {
            sent = JSON.stringify(body);
            // crypto.randomUUID needs a secure context, which plain HTTP is not.
            key = crypto.getRandomValues(new Uint32Array(4)).join("-");
        }
        const created = await call("POST", path, { body, headers: { "Idempotency-Key": key } });
        sent = undefined;
        return created;
    };
}

/**
 * Change or delete an article, unless its author has changed it since it was read; return the response.
 * Throws the `ApiError` of the 412 otherwise, with the article as it is now in `now`.
 */
export async function guarded(method, read, body) {
    const address = path("articles", read.value.article.slug);
    try {
        return await call(method, address, { body, headers: { "If-Match": read.headers.get("ETag") } });
    } catch (error) {
        if (error.status !== 412) throw error;
        error.now = await call("GET", address);
        // A favorite is no change of the article, though it may change the ETag.
        if (error.now.value.article.updatedAt !== read.value.article.updatedAt) throw error;
        return guarded(method, error.now, body);
    }
}

/** Return the URL of the next page from the `Link` header (RFC 8288), or null. */
function next(response) {
    const link = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
    return link && new URL(link[1], response.url).href;
}

/** The signed-in user, in local storage until they sign out or their token is rejected. */
export const session = {
    get user() { return JSON.parse(localStorage.getItem("conduit")); },
    set user(user) {
        if (user) localStorage.setItem("conduit", JSON.stringify(user));
        else localStorage.removeItem("conduit");
        dispatchEvent(new Event("session"));
    },
};

/**
 * Fetch the user of the stored token. A client error ends the session: public pages do not reject a bad token.
 * Throws `ApiError` if Conduit is unavailable or rejects all requests for a while: the session goes on.
 */
export async function restoreSession() {
    const token = session.user?.token;
    if (!token) return;
    let user;
    try {
        ({ user } = (await call("GET", "/user")).value);
    } catch (error) {
        if (error.status < 400 || error.status >= 500 || error.seconds) throw error;
        user = null;
    }
    // Meanwhile the user may have signed out, or in again, in another tab.
    if (session.user?.token === token) session.user = user;
}

// The OpenAPI document names the operations of installed plugins. Without it, the page shows none of them.
const operations = fetch(new URL("../openapi.json", `${API}/`))
    .then((response) => response.json())
    .then((document) => new Set(Object.keys(document.paths)))
    .catch(() => new Set());

/** Return whether Conduit has an operation at this path: "/search" if the plugin is installed. */
export const has = async (path) => (await operations).has(`/api${path}`);
