// A session with a running Conduit, through a client whose types are generated from its OpenAPI document.

import createClient from "openapi-fetch";
import type { components, paths } from "./conduit.js";

type Schemas = components["schemas"];
type Errors = Schemas["GenericErrorModel"]["errors"];

/** An error response of Conduit, with messages by field or subject. */
class RequestFailed extends Error {
  constructor(
    readonly status: number,
    readonly errors: Errors,
  ) {
    super(`${status}: ${Object.entries(errors).map(([key, messages]) => `${key} ${messages.join(", ")}`).join("; ")}`);
  }
}

type Result<T> = { data?: T; error?: Schemas["GenericErrorModel"]; response: Response };

/** Return the parsed response; throw `RequestFailed` for an error. */
async function value<T>(request: Promise<Result<T>>): Promise<T> {
  const { data, error, response } = await request;
  // A proxy may return an error without a body or without JSON.
  if (!response.ok) throw new RequestFailed(response.status, error?.errors ?? {});
  return data as T;
}

/** Return a client, which sends the token if there is one. */
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
  const anonymous = conduit(baseUrl);
  const name = `jake${Date.now()}`;
  const author = await register(baseUrl, name);
  const reader = await register(baseUrl, `anna${Date.now()}`);

  // Errors are typed too.
  try {
    await register(baseUrl, name);
    expect(false, "a username can be taken twice");
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    expect(error.status === 409 && error.errors["username"]?.[0] === "has already been taken", error.message);
  }

  const credentials = { email: author.email, password: "correct horse battery" };
  const { user } = await value(anonymous.POST("/api/users/login", { body: { user: credentials } }));
  const jake = conduit(baseUrl, user.token);
  const anna = conduit(baseUrl, reader.token);
  await value(jake.PUT("/api/user", { body: { user: { bio: "I train dragons." } } }));
  expect((await value(jake.GET("/api/user"))).user.bio === "I train dragons.", "the account is changed");

  const draft = { title: "How to train your dragon", description: "Ever wonder how?", body: "Believe.", tagList: ["dragons"] };
  const { article } = await value(jake.POST("/api/articles", { body: { article: draft } }));
  const path = { slug: article.slug };
  const query = { author: name, limit: 10 };
  const page = await value(anonymous.GET("/api/articles", { params: { query } }));
  expect(page.articlesCount === 1 && page.articles[0]?.title === draft.title, "the article is listed");
  expect((await value(anonymous.GET("/api/tags"))).tags.includes("dragons"), "its tag is in use");

  const body = { comment: { body: "It takes a Jacobian." } };
  const { comment } = await value(anna.POST("/api/articles/{slug}/comments", { params: { path }, body }));
  const { comments } = await value(anonymous.GET("/api/articles/{slug}/comments", { params: { path } }));
  expect(comments.length === 1 && comments[0]?.author.username === reader.username, "the comment is there");

  const { profile } = await value(anna.POST("/api/profiles/{username}/follow", { params: { path: { username: name } } }));
  expect(profile.following && profile.bio === "I train dragons.", "anna follows jake");
  const feed = await value(anna.GET("/api/articles/feed"));
  expect(feed.articles[0]?.slug === article.slug, "his article is in her feed");
  const favorite = await value(anna.POST("/api/articles/{slug}/favorite", { params: { path } }));
  expect(favorite.article.favorited && favorite.article.favoritesCount === 1, "she favorites it");

  // Reads whose token is optional are hers if it is sent, and nobody's without it.
  const read = (await value(anna.GET("/api/articles/{slug}", { params: { path } }))).article;
  expect(read.favorited && read.author.following, "she sees her favorite");
  const listed = await value(anna.GET("/api/articles", { params: { query } }));
  expect(listed.articles[0]?.favorited === true, "she sees it in lists");
  const unnamed = await value(anonymous.GET("/api/articles/{slug}", { params: { path } }));
  expect(!unnamed.article.favorited, "visitors have no favorites");

  const changes = { article: { title: "Did you train your dragon?" } };
  const changed = await value(jake.PUT("/api/articles/{slug}", { params: { path }, body: changes }));
  path.slug = changed.article.slug; // A new title gives a new slug.
  const forbidden = await anna.DELETE("/api/articles/{slug}", { params: { path } });
  expect(forbidden.response.status === 403 && forbidden.error?.errors["article"]?.[0] === "forbidden", "she cannot delete his article");

  await value(anna.DELETE("/api/articles/{slug}/comments/{id}", { params: { path: { ...path, id: comment.id } } }));
  const remaining = await value(anonymous.GET("/api/articles/{slug}/comments", { params: { path } }));
  expect(remaining.comments.length === 0, "the comment is gone");
  await value(anna.DELETE("/api/articles/{slug}/favorite", { params: { path } }));
  await value(anna.DELETE("/api/profiles/{username}/follow", { params: { path: { username: name } } }));
  await value(jake.DELETE("/api/articles/{slug}", { params: { path } }));
  const gone = await anonymous.GET("/api/articles/{slug}", { params: { path } });
  expect(gone.response.status === 404, "the article is gone");
  console.log(`${name} published, ${reader.username} read: all as the document says`);
}

// The only one of Node's types that is needed.
declare const process: { argv: string[] };
await session(process.argv[2] ?? "http://127.0.0.1:8000");
