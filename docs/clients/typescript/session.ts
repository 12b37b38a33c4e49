// A whole session with a running Conduit, through a client whose types come from its document.

import createClient from "openapi-fetch";
import type { components, paths } from "./conduit.js";

type Schemas = components["schemas"];
type Errors = Schemas["GenericErrorModel"]["errors"];

/** What Conduit said no to: messages by the field, or the thing, that they are about. */
class Refused extends Error {
  constructor(
    readonly status: number,
    readonly errors: Errors,
  ) {
    super(`${status}: ${Object.entries(errors).map(([key, messages]) => `${key} ${messages.join(", ")}`).join("; ")}`);
  }
}

type Answer<T> = { data?: T; error?: Schemas["GenericErrorModel"]; response: Response };

/** Return what an operation answers with; throw `Refused` when that is an error. */
async function value<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  // What stands before Conduit may answer without a body, or without JSON.
  if (!response.ok) throw new Refused(response.status, error?.errors ?? {});
  return data as T;
}

/** Return a client for the Conduit at this address; with a token, it calls as that user. */
function conduit(baseUrl: string, token?: string) {
  return createClient<paths>({ baseUrl, headers: token ? { Authorization: `Token ${token}` } : {} });
}

function expect(claim: boolean, what: string): asserts claim {
  if (!claim) throw new Error(`not as expected: ${what}`);
}

async function register(baseUrl: string, username: string): Promise<Schemas["User"]> {
  const user = { username, email: `${username}@example.com`, password: "correct horse battery" };
  return (await value(conduit(baseUrl).POST("/api/users", { body: { user } }))).user;
}

async function session(baseUrl: string): Promise<void> {
  const anybody = conduit(baseUrl);
  const name = `jake${Date.now()}`;
  const author = await register(baseUrl, name);
  const reader = await register(baseUrl, `anna${Date.now()}`);

  // Errors have a type too.
  try {
    await register(baseUrl, name);
    expect(false, "a name can be taken twice");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    expect(error.status === 409 && error.errors["username"]?.[0] === "has already been taken", error.message);
  }

  const credentials = { email: author.email, password: "correct horse battery" };
  const { user } = await value(anybody.POST("/api/users/login", { body: { user: credentials } }));
  const jake = conduit(baseUrl, user.token);
  const anna = conduit(baseUrl, reader.token);
  await value(jake.PUT("/api/user", { body: { user: { bio: "I train dragons." } } }));
  expect((await value(jake.GET("/api/user"))).user.bio === "I train dragons.", "the account is changed");

  const draft = { title: "How to train your dragon", description: "Ever wonder how?", body: "Believe.", tagList: ["dragons"] };
  const { article } = await value(jake.POST("/api/articles", { body: { article: draft } }));
  const path = { slug: article.slug };
  const query = { author: name, limit: 10 };
  const page = await value(anybody.GET("/api/articles", { params: { query } }));
  expect(page.articlesCount === 1 && page.articles[0]?.title === draft.title, "the article is listed");
  expect((await value(anybody.GET("/api/tags"))).tags.includes("dragons"), "its tag is in use");

  const body = { comment: { body: "It takes a Jacobian." } };
  const { comment } = await value(anna.POST("/api/articles/{slug}/comments", { params: { path }, body }));
  const { comments } = await value(anybody.GET("/api/articles/{slug}/comments", { params: { path } }));
  expect(comments.length === 1 && comments[0]?.author.username === reader.username, "the comment is there");

  const { profile } = await value(anna.POST("/api/profiles/{username}/follow", { params: { path: { username: name } } }));
  expect(profile.following && profile.bio === "I train dragons.", "anna follows jake");
  const feed = await value(anna.GET("/api/articles/feed"));
  expect(feed.articles[0]?.slug === article.slug, "his article is in her feed");
  const favorite = await value(anna.POST("/api/articles/{slug}/favorite", { params: { path } }));
  expect(favorite.article.favorited && favorite.article.favoritesCount === 1, "she favorites it");

  const changes = { article: { title: "Did you train your dragon?" } };
  const changed = await value(jake.PUT("/api/articles/{slug}", { params: { path }, body: changes }));
  path.slug = changed.article.slug; // Another title, another slug.
  const forbidden = await anna.DELETE("/api/articles/{slug}", { params: { path } });
  expect(forbidden.response.status === 403 && forbidden.error?.errors["article"]?.[0] === "forbidden", "it is not hers");

  await value(anna.DELETE("/api/articles/{slug}/comments/{id}", { params: { path: { ...path, id: comment.id } } }));
  const left = await value(anybody.GET("/api/articles/{slug}/comments", { params: { path } }));
  expect(left.comments.length === 0, "the comment is gone");
  await value(anna.DELETE("/api/articles/{slug}/favorite", { params: { path } }));
  await value(anna.DELETE("/api/profiles/{username}/follow", { params: { path: { username: name } } }));
  await value(jake.DELETE("/api/articles/{slug}", { params: { path } }));
  const gone = await anybody.GET("/api/articles/{slug}", { params: { path } });
  expect(gone.response.status === 404, "the article is gone");
  console.log(`${name} has published, ${reader.username} has read: all as the document says`);
}

// Of Node's own types, this is all that is needed.
declare const process: { argv: string[] };
await session(process.argv[2] ?? "http://127.0.0.1:8000");
