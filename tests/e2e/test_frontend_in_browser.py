"""The page in docs/frontend-example: in a real browser, from another origin and from Conduit's own."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from conduit_app.settings import Settings
from tests.client import PASSWORD
from tests.e2e.chromium import serving
from tests.e2e.example_frontend import (
    FOLDER,
    Conduit,
    conduit_on,
    confirm,
    fill,
    frontend_that_calls,
    press,
    sign_in,
    signed_in,
)
from tests.login_attempts import LOGIN_ATTEMPTS

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
HOSTILE_URL = "javascript:document.title=1"


@pytest.fixture
async def conduit(sqlite_settings: Settings) -> AsyncIterator[Conduit]:
    """Return a running Conduit that allows every origin."""
    async with conduit_on(sqlite_settings) as conduit:
        yield conduit


@pytest.fixture
async def elsewhere(conduit: Conduit, tmp_path: Path) -> AsyncIterator[str]:
    """Return the URL of the page on another origin."""
    async with serving(frontend_that_calls(conduit.address, tmp_path / "frontend")) as address:
        yield address


async def test_full_session_from_another_origin(conduit: Conduit, elsewhere: str, page: Page) -> None:
    jake = await conduit.register("jake")
    await conduit.publish(jake, "Dragons")
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(error.message))

    await page.goto(elsewhere)
    await page.get_by_role("link", name="Sign up").click()
    await fill(page, Name="anna", **{"E-mail": "anna@example.com", "Password": PASSWORD})
    await page.get_by_role("button", name="Sign up").click()
    await expect(page.get_by_role("link", name="anna")).to_be_visible()

    await page.get_by_role("link", name="New article").click()
    await fill(page, Title="Knights", What="On knights", Text="# Armor\n\n- *heavy*", Tags="steel, horses")
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_role("heading", name="Armor")).to_be_visible()
    await expect(page.locator("li em")).to_have_text("heavy")
    await expect(page).to_have_url(f"{elsewhere}/article/knights")

    await page.get_by_role("link", name="conduit").click()
    await page.get_by_role("link", name="Dragons").click()
    await fill(page, Your="Do they?")
    await page.get_by_role("button", name="Comment").click()
    await expect(page.locator(".comment")).to_contain_text("Do they?")
    await page.get_by_role("button", name="Favorite").click()
    await expect(page.get_by_role("button", name="Favorite")).to_have_text("♥ 1")
    await page.get_by_role("button", name="Follow jake").click()
    await expect(page.get_by_role("button", name="Unfollow jake")).to_be_visible()

    await page.get_by_role("link", name="conduit").click()
    await page.get_by_role("link", name="Your feed").click()
    await expect(page.locator("article h2")).to_have_text(["Dragons"])

    article = (await conduit.client.get("/articles/dragons")).json()["article"]
    assert article["favoritesCount"] == 1
    comments = (await conduit.client.get("/articles/dragons/comments")).json()["comments"]
    assert [(comment["author"]["username"], comment["body"]) for comment in comments] == [
        ("anna", "Do they?")
    ]
    assert messages == []
    # The browser sent preflights before tokens and JSON.
    assert {path for method, path in conduit.requests if method == "OPTIONS"} >= {
        "/api/users",
        "/api/articles",
        "/api/articles/dragons/comments",
        "/api/profiles/jake/follow",
        "/api/articles/feed",
    }


async def test_disallowed_origin_cannot_call_conduit(
    sqlite_settings: Settings, page: Page, tmp_path: Path
) -> None:
    """Proves that the browser enforces CORS in the other tests."""
    strict = sqlite_settings.model_copy(update={"cors_origins": ["https://frontend.example"]})
    async with (
        conduit_on(strict) as conduit,
        serving(frontend_that_calls(conduit.address, tmp_path / "frontend")) as elsewhere,
    ):
        await page.goto(elsewhere)
        await expect(page.get_by_role("alert")).to_have_text("Conduit cannot be reached")
        assert ("GET", "/api/articles") in conduit.requests


class TestExposedHeaders:
    async def test_request_id_of_an_error_is_shown(
        self, conduit: Conduit, elsewhere: str, page: Page
    ) -> None:
        async with page.expect_response(f"{conduit.address}/api/profiles/nobody") as response:
            await page.goto(f"{elsewhere}/profile/nobody")
        request_id = (await (await response.value).all_headers())["x-request-id"]
        await expect(page.get_by_role("alert")).to_have_text(
            re.compile(f"profile not foundRequest {request_id}")
        )

    async def test_retry_after_of_a_rate_limit_is_shown(
        self, conduit: Conduit, elsewhere: str, page: Page
    ) -> None:
        await conduit.register("anna")
        wrong = {"user": {"email": "anna@example.com", "password": "wrong password"}}
        for _ in range(LOGIN_ATTEMPTS):
            assert (await conduit.client.post("/users/login", json=wrong)).status_code == 401
        await sign_in(page, elsewhere, "anna")
        await expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Try again in \d+ seconds"))

    async def test_conflicting_edit_loses_no_text_and_can_overwrite(
        self, conduit: Conduit, elsewhere: str, page: Page
    ) -> None:
        anna = await conduit.register("anna")
        await conduit.publish(anna, "Dragons")
        await signed_in(page, elsewhere, "anna")
        await page.goto(f"{elsewhere}/editor/dragons")
        await fill(page, Text="From the window.")
        await edit_elsewhere(conduit, anna, description="Theirs.", body="From elsewhere.")
        await press(page, "Save")
        await expect(page.get_by_role("alert")).to_contain_text("changed elsewhere, in its text too")
        await expect(page.get_by_label("Text (Markdown)")).to_have_value("From the window.")
        await expect(page.get_by_label("The other text")).to_have_value("From elsewhere.")
        assert (await conduit.article("dragons"))["body"] == "From elsewhere."
        await press(page, "Save")
        await expect(page.locator(".text")).to_have_text("From the window.")
        article = await conduit.article("dragons")
        assert (article["description"], article["body"]) == ("Theirs.", "From the window.")

    async def test_edits_of_different_fields_are_merged(
        self, conduit: Conduit, elsewhere: str, page: Page
    ) -> None:
        anna = await conduit.register("anna")
        await conduit.publish(anna, "Dragons")
        await signed_in(page, elsewhere, "anna")
        await page.goto(f"{elsewhere}/editor/dragons")
        await fill(page, Text="From the window.", Tags="wings")
        await edit_elsewhere(conduit, anna, description="From elsewhere.")
        await press(page, "Save")
        await expect(page.locator(".text")).to_have_text("From the window.")
        article = await conduit.article("dragons")
        assert (article["description"], article["body"], article["tagList"]) == (
            "From elsewhere.",
            "From the window.",
            ["wings"],
        )

    async def test_favorite_of_a_reader_does_not_disturb_an_edit(
        self, conduit: Conduit, elsewhere: str, page: Page
    ) -> None:
        await conduit.publish(await conduit.register("anna"), "Dragons")
        await signed_in(page, elsewhere, "anna")
        await page.goto(f"{elsewhere}/editor/dragons")
        await fill(page, Text="From the window.")
        reader = await conduit.register("bob")
        assert (await conduit.client.post("/articles/dragons/favorite", headers=reader)).status_code == 200
        await press(page, "Save")
        await expect(page.locator(".text")).to_have_text("From the window.")

    async def test_favorited_article_can_be_deleted(
        self, conduit: Conduit, elsewhere: str, page: Page
    ) -> None:
        await conduit.publish(await conduit.register("anna"), "Dragons")
        await favorite_own_article(page, elsewhere)
        await confirm(page, "Delete")
        await expect(page.get_by_text("Nothing here yet.")).to_be_visible()
        assert (await conduit.client.get("/articles/dragons")).status_code == 404

    async def test_favoriting_does_not_allow_a_stale_deletion(
        self, conduit: Conduit, elsewhere: str, page: Page
    ) -> None:
        anna = await conduit.register("anna")
        await conduit.publish(anna, "Dragons")

        async def change() -> None:
            await edit_elsewhere(conduit, anna, body="From elsewhere.")

        await favorite_own_article(page, elsewhere, meanwhile=change)
        await confirm(page, "Delete")
        await expect(page.get_by_role("dialog")).to_contain_text(
            "article has been modified since you read it"
        )
        await press(page, "Cancel")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        assert (await conduit.article("dragons"))["body"] == "From elsewhere."

    async def test_next_page_continues_after_the_previous_one(
        self, conduit: Conduit, elsewhere: str, page: Page
    ) -> None:
        anna = await conduit.register("anna")
        titles = [f"Dragon {number}" for number in range(12)]
        for title in titles:
            await conduit.publish(anna, title)
        await page.goto(elsewhere)
        await expect(page.locator("article h2")).to_have_count(10)
        await conduit.publish(anna, "Between two pages")
        await page.get_by_role("button", name="Show more").click()
        await expect(page.locator("article h2")).to_have_text(titles[::-1])
        await expect(page.get_by_role("button", name="Show more")).to_be_hidden()


async def nothing() -> None: ...


async def edit_elsewhere(conduit: Conduit, author: dict[str, str], **changes: str) -> None:
    """Edit the article about dragons with another client."""
    response = await conduit.client.put("/articles/dragons", json={"article": changes}, headers=author)
    assert response.status_code == 200, response.text


async def favorite_own_article(
    page: Page, origin: str, meanwhile: Callable[[], Awaitable[None]] = nothing
) -> None:
    """Favorite the article about dragons as anna, after something has happened to it."""
    await signed_in(page, origin, "anna")
    await page.goto(f"{origin}/article/dragons")
    favorite = page.get_by_role("button", name="Favorite")
    await expect(favorite).to_have_text("♥ 0")
    await meanwhile()
    await favorite.click()
    await expect(favorite).to_have_text("♥ 1")
    await expect(favorite).to_be_enabled()


async def test_malformed_url_shows_an_error(elsewhere: str, page: Page) -> None:
    await page.goto(f"{elsewhere}/profile/%")
    await expect(page.get_by_role("heading", level=1)).to_have_text("That did not work")
    await expect(page.get_by_role("alert")).to_have_text("This page failed: URI malformed")


async def test_user_content_is_shown_and_never_executed(conduit: Conduit, elsewhere: str, page: Page) -> None:
    mallory = await conduit.register("mallory")
    body = f"{HOSTILE}\n\n[click]({HOSTILE_URL}) ![see]({HOSTILE_URL})\n\n> {HOSTILE}"
    article = await conduit.publish(mallory, HOSTILE, body)
    comment = {"comment": {"body": HOSTILE}}
    await conduit.client.post(f"/articles/{article['slug']}/comments", json=comment, headers=mallory)
    await page.goto(f"{elsewhere}/article/{article['slug']}")
    await expect(page.locator(".comment p")).to_have_text(HOSTILE)
    await expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    await expect(page.locator(".text blockquote")).to_have_text(HOSTILE)
    assert (
        await page.locator(".text").evaluate("element => element.querySelectorAll('a, img, script').length")
        == 0
    )
    await expect(page).to_have_title(f"{HOSTILE} · Conduit")


async def lose_response(page: Page, url: str, action: str) -> None:
    """Press the button, and drop the response after the request has succeeded."""

    async def lose(route: Route) -> None:
        assert (await route.fetch()).status == 201
        await route.abort()

    await page.route(url, lose, times=1)
    await page.get_by_role("button", name=action).click()
    await expect(page.get_by_role("alert")).to_have_text("Conduit cannot be reached")


class TestSameOrigin:
    @pytest.fixture
    async def conduit(self, sqlite_settings: Settings) -> AsyncIterator[Conduit]:
        async with conduit_on(sqlite_settings.model_copy(update={"frontend_dir": FOLDER})) as conduit:
            yield conduit

    async def test_page_works_when_served_by_conduit(self, conduit: Conduit, page: Page) -> None:
        messages: list[str] = []
        page.on("console", lambda message: messages.append(message.text))
        anna = await conduit.register("anna")
        await signed_in(page, conduit.address, "anna")
        await conduit.publish(anna, "Dragons", "![chart](data:image/png;base64,iVBORw0KGgo=) `fly`")
        await page.get_by_role("link", name="conduit").click()
        await page.get_by_role("link", name="Dragons").click()
        await expect(page.locator(".text code")).to_have_text("fly")
        assert messages == []
        assert not [path for method, path in conduit.requests if method == "OPTIONS"]

    async def test_repeated_registration_after_a_lost_response_succeeds(
        self, conduit: Conduit, page: Page
    ) -> None:
        await page.goto(f"{conduit.address}/register")
        await fill(page, Name="anna", **{"E-mail": "anna@example.com", "Password": PASSWORD})
        await lose_response(page, f"{conduit.address}/api/users", "Sign up")
        await page.get_by_role("button", name="Sign up").click()
        await expect(page.get_by_role("link", name="anna")).to_be_visible()

    @pytest.mark.parametrize(
        ("title", "titles"), [("Knights", ["Knights"]), ("Knights!", ["Knights!", "Knights"])]
    )
    async def test_repeated_article_after_a_lost_response_is_created_once(
        self, conduit: Conduit, page: Page, title: str, titles: list[str]
    ) -> None:
        await conduit.register("anna")
        await signed_in(page, conduit.address, "anna")
        await page.goto(f"{conduit.address}/editor")
        await fill(page, Title="Knights", What="On knights", Text="Armor.")
        await lose_response(page, f"{conduit.address}/api/articles", "Publish")
        await fill(page, Title=title)
        await page.get_by_role("button", name="Publish").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(title)
        articles = (await conduit.client.get("/articles")).json()["articles"]
        assert [article["title"] for article in articles] == titles

    async def test_repeated_comment_after_a_lost_response_is_created_once(
        self, conduit: Conduit, page: Page
    ) -> None:
        await conduit.publish(await conduit.register("anna"), "Dragons")
        await signed_in(page, conduit.address, "anna")
        await page.goto(f"{conduit.address}/article/dragons")
        await fill(page, Your="Hear!")
        await lose_response(page, f"{conduit.address}/api/articles/dragons/comments", "Comment")
        for bodies in (["Hear!"], ["Hear!", "Hear!"]):
            await fill(page, Your="Hear!")
            await page.get_by_role("button", name="Comment").click()
            await expect(page.locator(".comment p")).to_have_text(bodies)
            comments = (await conduit.client.get("/articles/dragons/comments")).json()["comments"]
            assert [comment["body"] for comment in comments] == bodies

    async def test_late_401_does_not_redirect_from_the_next_page(self, conduit: Conduit, page: Page) -> None:
        anna = await conduit.register("anna")
        await signed_in(page, conduit.address, "anna")
        requested, left = asyncio.Event(), asyncio.Event()

        async def wait(route: Route) -> None:
            requested.set()
            await left.wait()
            await route.continue_()

        await page.route(f"{conduit.address}/api/articles/feed?limit=10", wait)
        assert (await conduit.client.post("/user/logout-all", headers=anna)).status_code == 204
        await page.get_by_role("link", name="Your feed").click()
        await requested.wait()
        await page.get_by_role("link", name="New article").click()
        await fill(page, Title="Knights")
        left.set()
        await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        await expect(page).to_have_url(f"{conduit.address}/editor")
        await expect(page.get_by_label("Title")).to_have_value("Knights")

    async def test_urls_of_the_page_support_opening_reloading_and_going_back(
        self, conduit: Conduit, page: Page
    ) -> None:
        await conduit.publish(await conduit.register("john.doe"), "Dragons")
        heading = page.get_by_role("heading", level=1)
        await page.goto(f"{conduit.address}/profile/john.doe")
        await expect(heading).to_have_text("john.doe")
        await page.get_by_role("link", name="Dragons").click()
        await expect(heading).to_have_text("Dragons")
        await page.reload()
        await expect(heading).to_have_text("Dragons")
        await page.go_back()
        await expect(heading).to_have_text("john.doe")
