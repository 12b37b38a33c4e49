// A session with a running Conduit, through a client whose functions are generated from its OpenAPI document.

import { createClient, type Client } from "./client/client/index.js";
import {
  createArticle, createArticleComment, createArticleFavorite, createUser, deleteArticle, deleteArticleComment, followUserByUsername,
  getArticle, getArticleComments, getArticles, getArticlesFeed, getCurrentUser, getProfileByUsername, getTags, login, updateArticle,
  updateCurrentUser, type GenericErrorModel, type User,
} from "./client/index.js";

/** An error response of Conduit, with messages by field or subject. */
class RequestFailed extends Error {
  constructor(readonly status: number | undefined, readonly errors: GenericErrorModel["errors"]) {
    super(`${status}: ${Object.entries(errors).map(([key, messages]) => `${key} ${messages.join(", ")}`).join("; ")}`);
  }
}

type Result<T> = { data: T | undefined; error: GenericErrorModel | undefined; response?: Response };

/** Return the parsed response; throw `RequestFailed` for an error. */
async function value<T>(request: Promise<Result<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await request;
  if (error || data === undefined || data === null) throw new RequestFailed(response?.status, error?.errors ?? {});
  return data;
}

/** Return a client, which sends the token, if there is one, with every operation that takes it. */
function conduit(baseUrl: string, token?: string): Client {
  return createClient({ baseUrl, auth: ({ scheme }) => token && (scheme === "bearer" ? token : `Token ${token}`) });
}

function expect(claim: boolean, what: string): asserts claim {
  if (!claim) throw new Error(`not as expected: ${what}`);
}

async function register(baseUrl: string, username: string): Promise<User> {
  const user = { username, email: `${username}@example.com`, password: "correct horse battery" };
  return (await value(createUser({ client: conduit(baseUrl), body: { user } }))).user;
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
  const { user } = await value(login({ client: anonymous, body: { user: credentials } }));
  const jake = conduit(baseUrl, user.token);
  const anna = conduit(baseUrl, reader.token);
  await value(updateCurrentUser({ client: jake, body: { user: { bio: "I train dragons." } } }));
  expect((await value(getCurrentUser({ client: jake }))).user.bio === "I train dragons.", "the account is changed");

  const draft = { title: "How to train your dragon", description: "Ever wonder how?", body: "Believe.", tagList: ["dragons"] };
  const { article } = await value(createArticle({ client: jake, body: { article: draft } }));
  const path = { slug: article.slug };
  const query = { author: name, limit: 10 };
  const page = await value(getArticles({ client: anonymous, query }));
  expect(page.articlesCount === 1 && page.articles[0]?.title === draft.title, "the article is listed");
  expect((await value(getTags({ client: anonymous }))).tags.includes("dragons"), "its tag is in use");

  const { comment } = await value(createArticleComment({ client: anna, path, body: { comment: { body: "It takes a Jacobian." } } }));
  const { comments } = await value(getArticleComments({ client: anonymous, path }));
  expect(comments.length === 1 && comments[0]?.author.username === reader.username, "the comment is there");

  await value(followUserByUsername({ client: anna, path: { username: name } }));
  await value(createArticleFavorite({ client: anna, path }));
  const feed = await value(getArticlesFeed({ client: anna }));
  expect(feed.articles[0]?.slug === article.slug, "his article is in her feed");

  // Reads whose token is optional are hers if it is sent, and nobody's without it.
  const read = (await value(getArticle({ client: anna, path }))).article;
  expect(read.favorited && read.author.following, "she sees her favorite");
  expect((await value(getArticles({ client: anna, query }))).articles[0]?.favorited === true, "she sees it in lists");
  expect((await value(getProfileByUsername({ client: anna, path: { username: name } }))).profile.following, "she sees whom she follows");
  expect((await value(getArticleComments({ client: jake, path }))).comments[0]?.author.following === false, "he follows nobody");
  expect(!(await value(getArticle({ client: anonymous, path }))).article.favorited, "visitors have no favorites");

  const changed = await value(updateArticle({ client: jake, path, body: { article: { title: "Did you train your dragon?" } } }));
  path.slug = changed.article.slug; // A new title gives a new slug.
  const forbidden = await deleteArticle({ client: anna, path });
  expect(forbidden.response?.status === 403 && forbidden.error?.errors["article"]?.[0] === "forbidden", "she cannot delete his article");

  await deleteArticleComment({ client: anna, path: { ...path, id: comment.id }, throwOnError: true });
  expect((await value(getArticleComments({ client: anonymous, path }))).comments.length === 0, "the comment is gone");
  await deleteArticle({ client: jake, path, throwOnError: true });
  expect((await getArticle({ client: anonymous, path })).response?.status === 404, "the article is gone");
  console.log(`${name} published, ${reader.username} read: all as the document says`);
}

// The only one of Node's types that is needed.
declare const process: { argv: string[] };
await session(process.argv[2] ?? "http://127.0.0.1:8000");
