// The pages. Each function returns the title and the elements of one, or nothing if it leads to another.

import { ApiError, call, creator, guarded, has, path, session } from "./api.js";
import {
    area, askingButton, avatar, button, byline, clickHandler, empty, field, form, link, make, problem, row, tabs, tags, time,
} from "./elements.js";
import { highlight, markdown } from "./markdown.js";
import { go } from "./router.js";

const query = (name) => new URLSearchParams(location.search).get(name) ?? "";
const isMe = (author) => author.username === session.user?.username;

/** Return what a part of a page shows: its content, or its error. A rejected token concerns the whole page. */
const part = (content) => content.catch((error) => {
    if (error.status === 401) throw error;
    return problem(error);
});

// ---- Parts ---------------------------------------------------------------------------------

/** Return a button with two states that `request` changes; it returns the new state. `draw` returns the text and whether it is pressed. */
function toggle(state, draw, request, attributes = {}) {
    const show = () => {
        const [text, pressed] = draw(state);
        shown.textContent = text;
        shown.setAttribute("aria-pressed", pressed);
    };
    const shown = button({ ...attributes, onclick: clickHandler(async () => {
        if (!session.user) return go("/login");
        state = await request(state);
        show();
    }) });
    show();
    return shown;
}

const favorite = (article) => toggle(article,
    ({ favorited, favoritesCount }) => [`♥ ${favoritesCount}`, favorited],
    async ({ slug, favorited }) =>
        (await call(favorited ? "DELETE" : "POST", path("articles", slug, "favorite"))).value.article,
    { "aria-label": "Favorite" });

const follow = (profile) => !isMe(profile) && toggle(profile,
    ({ username, following }) => [`${following ? "Unfollow" : "Follow"} ${username}`, following],
    async ({ username, following }) =>
        (await call(following ? "DELETE" : "POST", path("profiles", username, "follow"))).value.profile);

/** Return the button that bookmarks an article, if there are bookmarks. */
async function bookmark(slug) {
    if (!session.user || !await has("/bookmarks")) return null;
    const { articles } = (await call("GET", "/bookmarks?limit=100")).value;
    return toggle(articles.some((article) => article.slug === slug),
        (bookmarked) => [bookmarked ? "Bookmarked" : "Bookmark", bookmarked],
        async (bookmarked) => {
            await call(bookmarked ? "DELETE" : "POST", path("articles", slug, "bookmark"));
            return !bookmarked;
        });
}

function preview(article) {
    // Search results mark the words that were found.
    const { title, description, body } = article.highlights ?? {};
    return make("article", { class: "card" },
        make("div", { class: "row spread" }, byline(article.author, article.createdAt), favorite(article)),
        make("h2", {}, link(path("article", article.slug), title ? highlight(title) : article.title)),
        make("p", { class: "soft" }, description ? highlight(description) : article.description),
        body && make("p", { class: "soft excerpt" }, highlight(body)),
        tags(article.tagList));
}

/**
 * Return a list with a button that loads the next page: by the `Link` header or, for the lists of plugins, by an offset.
 * `key` names the items in the response.
 */
async function list(address, { key = "articles", item = preview, none = "Nothing here yet.", byOffset = false } = {}) {
    const items = make("div");
    const more = button({ hidden: true, onclick: clickHandler(() => add(more.dataset.next)) }, "Show more");
    const add = async (from) => {
        const { value, next } = await call("GET", from);
        items.append(...value[key].map(item));
        const rest = byOffset && value[`${key}Count`] > items.childElementCount && value[key].length > 0;
        more.dataset.next = next ?? (rest ? `${address}&offset=${items.childElementCount}` : "");
        more.hidden = !more.dataset.next;
    };
    await add(address);
    return [items.childElementCount ? items : empty(none), row(more)];
}

// ---- Articles ------------------------------------------------------------------------------

const listTabs = (tag) => tabs(...(session.user ? [["/feed", "Your feed"]] : []), ["/", "All articles"],
    ...(tag ? [[`/?tag=${encodeURIComponent(tag)}`, `# ${tag}`]] : []));

export async function home() {
    const tag = query("tag");
    const [articles, popular] = await Promise.all([
        list(`/articles?limit=10${tag ? `&tag=${encodeURIComponent(tag)}` : ""}`),
        part(call("GET", "/tags").then(({ value }) => tags(value.tags.slice(0, 16)))),
    ]);
    return ["Articles", listTabs(tag), popular, articles];
}

export async function feed() {
    return ["Your feed", listTabs(), await list("/articles/feed?limit=10", { none: "Follow authors to see their articles here." })];
}

export async function bookmarks() {
    return ["Bookmarks", await list("/bookmarks?limit=10", { none: "No bookmarks yet.", byOffset: true })];
}

export async function search() {
    const words = query("q").trim();
    if (!words) return ["Search", empty("Type what you are looking for.")];
    const found = await list(`/search?q=${encodeURIComponent(words)}&limit=10`, { none: "No article has these words.", byOffset: true });
    return [`“${words}”`, found];
}

export async function profile(username, favorites) {
    const own = path("profile", username);
    const filter = `${favorites ? "favorited" : "author"}=${encodeURIComponent(username)}`;
    const [{ value }, articles] = await Promise.all([
        call("GET", path("profiles", username)), part(list(`/articles?limit=10&${filter}`))]);
    const shown = value.profile;
    return [shown.username,
        make("div", { class: "row spread" }, avatar(shown, "large"), make("p", { class: "bio" }, shown.bio ?? ""), follow(shown),
            isMe(shown) && link("/settings", "Edit your settings")),
        tabs([own, "Articles"], [`${own}/favorites`, "Favorites"]), articles];
}

export async function article(slug) {
    const read = await call("GET", path("articles", slug));
    const shown = read.value.article;
    const [bookmarkButton, discussion] = await Promise.all([part(bookmark(shown.slug)), part(comments(shown.slug))]);
    const remove = () => ({
        question: "Delete this article with all its comments? This cannot be undone.",
        action: "Delete",
        send: async () => {
            await guarded("DELETE", read);
            go("/");
        },
    });
    return [shown.title,
        make("div", { class: "row spread" }, byline(shown.author, shown.createdAt),
            row(follow(shown.author), favorite(shown), bookmarkButton,
                isMe(shown.author) && link(path("editor", shown.slug), "Edit"),
                isMe(shown.author) && askingButton("Delete", remove))),
        make("div", { class: "text" }, markdown(shown.body)),
        tags(shown.tagList),
        discussion];
}

async function comments(slug) {
    const address = path("articles", slug, "comments");
    const shown = (comment) => {
        const card = make("div", { class: "card comment" }, make("p", {}, comment.body),
            make("div", { class: "row spread" }, byline(comment.author, comment.createdAt), isMe(comment.author) && askingButton("Delete", () => ({
                question: "Delete your comment?",
                action: "Delete",
                send: async () => {
                    await call("DELETE", `${address}/${comment.id}`);
                    card.remove();
                },
            }))));
        return card;
    };
    const { value } = await call("GET", address);
    const cards = make("div", {}, value.comments.map(shown));
    const create = creator(address);
    const write = form({
        fields: [area("Your comment", "body", 3, "", { required: true })],
        action: "Comment",
        send: async (typed) => {
            const { value } = await create({ comment: typed });
            cards.prepend(shown(value.comment));
            write.reset();
        },
    });
    return make("section", { "aria-label": "Comments" }, make("h2", {}, "Comments"),
        session.user ? write : make("p", {}, link("/login", "Sign in"), " to comment."), cards);
}

// ---- The editor ----------------------------------------------------------------------------

const NEW = { title: "", description: "", body: "", tagList: [] };
const FIELDS = { title: "title", description: "description", body: "text", tagList: "tags" };
const typable = (value) => Array.isArray(value) ? value.join(", ") : value;
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export async function editor(slug) {
    if (!session.user) return go("/login");
    // The version that the changes in the form are based on.
    let base = slug && await call("GET", path("articles", slug));
    const { title, description, body, tagList } = base?.value.article ?? NEW;
    const create = creator("/articles");

    /** Save the changed fields, so that changes made elsewhere to the others remain. */
    async function save(typed) {
        const opened = base.value.article;
        const changes = Object.fromEntries(Object.entries(typed).filter(([key, value]) => !same(value, opened[key])));
        if (same(changes, {})) return base;
        try {
            return await guarded("PUT", base, { article: changes });
        } catch (error) {
            if (!error.now) throw error;
            const theirs = error.now.value.article;
            const both = Object.keys(changes).filter((key) => !same(theirs[key], opened[key]) && !same(theirs[key], changes[key]));
            base = error.now;
            if (both.length === 0) return save({ ...theirs, ...changes });
            // What was not changed here is theirs from now on, so that saving again does not undo it.
            for (const key of Object.keys(typed).filter((key) => !(key in changes))) {
                element.elements[key === "tagList" ? "tags" : key].value = typable(theirs[key]);
            }
            throw new Conflict(both, theirs);
        }
    }

    const element = form({
        fields: [
            field("Title", "title", { value: title, required: true, maxlength: 250 }),
            field("What's this article about?", "description", { value: description, required: true, maxlength: 1000 }),
            area("Text (Markdown)", "body", 16, body, { required: true }),
            field("Tags, comma-separated", "tags", { value: tagList.join(", ") }),
        ],
        action: slug ? "Save" : "Publish",
        send: async ({ tags, ...typed }) => {
            const article = { ...typed, tagList: tags.split(",").map((tag) => tag.trim()).filter(Boolean) };
            // A form has CR LF as line ends.
            article.body = article.body.replaceAll("\r\n", "\n");
            element.querySelector(".conflict")?.remove();
            try {
                const { value } = slug ? await save(article) : await create({ article });
                await go(path("article", value.article.slug));
            } catch (error) {
                if (!(error instanceof Conflict)) throw error;
                element.append(error.notice());
            }
        },
    });
    return [slug ? "Edit article" : "New article", element];
}

/** The same fields were changed here and elsewhere. The form still has this version; saving again overwrites the other one. */
class Conflict extends Error {
    constructor(fields, theirs) {
        super("conflict");
        this.fields = fields;
        this.theirs = theirs;
    }

    notice() {
        const others = this.fields.map((key) =>
            area(`The other ${FIELDS[key]}`, "", key === "body" ? 8 : 1, typable(this.theirs[key]), { readonly: true }));
        return make("div", { class: "conflict problem", role: "alert" },
            make("p", {}, `This article has been changed elsewhere, in its ${this.fields.map((key) => FIELDS[key]).join(" and ")} too. `
                + "Your version is still in the form: edit it, or press Save again to overwrite the other one."),
            others);
    }
}

// ---- The account ---------------------------------------------------------------------------

function account(title, send, fields, other) {
    return [title, form({
        fields, action: title, kind: "narrow",
        send: async (user) => {
            session.user = (await send({ user })).value.user;
            await go("/");
        },
    }), make("p", {}, other)];
}

const email = (value) => field("E-mail", "email", { type: "email", autocomplete: "email", required: true, value });
const username = (value) => field("Name", "username", { autocomplete: "username", required: true, maxlength: 64, value });
const password = (label, attributes) => field(label, "password", { type: "password", ...attributes });
const newPassword = (label, attributes) =>
    password(label, { autocomplete: "new-password", minlength: 8, maxlength: 256, ...attributes });
const currentPassword = () => password("Password", { autocomplete: "current-password", required: true });

export const login = () => account("Sign in", (body) => call("POST", "/users/login", { body }),
    [email(), currentPassword()], link("/register", "Need an account?"));

export const register = () => account("Sign up", creator("/users"),
    [username(), email(), newPassword("Password, at least 8 characters", { required: true })], link("/login", "Have an account?"));

/** End the session on this device, and show the first page. */
export function logout() {
    session.user = null;
    return go("/");
}

export async function settings() {
    const { user } = (await call("GET", "/user")).value;
    const save = async ({ password, ...typed }) => {
        const changes = { ...typed, bio: typed.bio.replaceAll("\r\n", "\n"), ...(password && { password }) };
        session.user = (await call("PUT", "/user", { body: { user: changes } })).value.user;
        // What is no safe URL of an image is stored as null.
        if (typed.image.trim() && !session.user.image) throw new ApiError(422, { image: ["is not a URL of an image"] });
        await go(path("profile", session.user.username));
    };
    return ["Settings",
        form({
            fields: [
                field("URL of your picture", "image", { value: user.image, maxlength: 2000 }),
                username(user.username),
                area("About you", "bio", 4, user.bio ?? "", { maxlength: 10000 }),
                email(user.email),
                newPassword("New password (signs out all other devices)"),
            ],
            action: "Save", kind: "narrow", send: save,
        }),
        make("h2", {}, "Devices"),
        row(link("/logout", "Sign out"), askingButton("Sign out everywhere", () => ({
            question: "Sign out on all devices, this one included?",
            action: "Sign out everywhere",
            send: async () => {
                await call("POST", "/user/logout-all");
                await logout();
            },
        }))),
        make("h2", {}, "Your data"),
        row(button({ onclick: clickHandler(exportData) }, "Download your data"), askingButton("Delete account", () => ({
            question: "Delete your account with all your articles, comments and favorites? This cannot be undone.",
            action: "Delete account",
            fields: [currentPassword()],
            send: async (typed) => {
                await call("DELETE", "/user", { body: { user: typed } });
                await logout();
            },
        })))];
}

async function exportData() {
    const { value } = await call("GET", "/user/export");
    const file = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
    make("a", { href: file, download: `conduit-${session.user.username}.json` }).click();
    URL.revokeObjectURL(file);
}

// ---- Notifications -------------------------------------------------------------------------

export async function notifications() {
    const markAll = button({ onclick: clickHandler(async () => {
        await call("POST", "/notifications/read");
        await go("/notifications");
    }) }, "Mark all as read");
    return ["Notifications", row(markAll),
        await list("/notifications?limit=20", { key: "notifications", item: notification, none: "No notifications yet.", byOffset: true })];
}

function notification({ id, kind, createdAt, read, article, actor }) {
    const markRead = () => read || call("POST", `/notifications/${id}/read`);
    const open = link(path("article", article.slug), article.title);
    open.addEventListener("click", clickHandler(markRead));
    return make("div", { class: read ? "card notification" : "card notification unread" },
        avatar(actor),
        make("p", {}, link(path("profile", actor.username), actor.username), kind === "comment" ? " commented on " : " favorited ", open,
            !read && make("small", { class: "new" }, "new")),
        time(createdAt));
}
