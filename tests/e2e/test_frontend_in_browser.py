"""The page in docs/frontend-example: in a real browser, from another origin and from Conduit's own."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Browser, Page, Route, expect
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from conduit_app.application import create_application
from conduit_app.settings import Settings
from tests.client import PASSWORD, Json
from tests.conftest import SECRET
from tests.e2e.chromium import serving
from tests.login_attempts import LOGIN_ATTEMPTS

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "docs" / "frontend-example"
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
HOSTILE_URL = "javascript:document.title=1"

Requests = set[tuple[str, str]]


class Conduit:
    """A running Conduit with its recorded requests, and a client other than the browser."""

    def __init__(self, address: str, requests: Requests) -> None:
        self.address = address
        self.requests = requests
        self.client = httpx2.AsyncClient(base_url=f"{address}/api")

    async def register(self, name: str) -> dict[str, str]:
        """Register a user, and return the Authorization header."""
        user = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        response = await self.client.post("/users", json={"user": user})
        assert response.status_code == 201, response.text
        return {"Authorization": f"Token {response.json()['user']['token']}"}

    async def publish(self, author: dict[str, str], title: str, body: str = "They fly.") -> Json:
        """Publish an article, and return it."""
        article = {"title": title, "description": f"On {title}", "body": body, "tagList": ["beasts"]}
        response = await self.client.post("/articles", json={"article": article}, headers=author)
        assert response.status_code == 201, response.text
        published: Json = response.json()["article"]
        return published


@asynccontextmanager
async def conduit_on(settings: Settings) -> AsyncIterator[Conduit]:
    """Serve Conduit for the block."""
    application = create_application(settings)
    requests: Requests = set()

    async def recording(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            requests.add((scope["method"], scope["path"]))
        await application(scope, receive, send)

    async with serving(recording) as address:
        conduit = Conduit(address, requests)
        yield conduit
        await conduit.client.aclose()


def page_that_calls(address: str) -> ASGIApp:
    """Return an application that serves the page at every path, configured with the API's address."""
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    configured = page.replace(
        'name="conduit-api" content="/api"', f'name="conduit-api" content="{address}/api"'
    )
    assert configured != page

    async def serve_page(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await HTMLResponse(configured)(scope, receive, send)

    return serve_page


@pytest.fixture
def settings(tmp_path: Path, migrated: Path) -> Settings:
    """Return the settings of an empty database."""
    file = Path(shutil.copy(migrated, tmp_path / "conduit.db"))
    return Settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SECRET, log_level="warning")


@pytest.fixture
async def conduit(settings: Settings) -> AsyncIterator[Conduit]:
    """Return a running Conduit that allows every origin."""
    async with conduit_on(settings) as conduit:
        yield conduit


@pytest.fixture
async def elsewhere(conduit: Conduit) -> AsyncIterator[str]:
    """Return the URL of the page on another origin."""
    async with serving(page_that_calls(conduit.address)) as address:
        yield address


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Return a page in its own window. Without interception, which would bypass preflights."""
    context = await browser.new_context(viewport={"width": 1000, "height": 800})
    context.set_default_timeout(20_000)
    page = await context.new_page()
    yield page
    await context.close()


async def fill(page: Page, **typed: str) -> None:
    """Fill in fields of the form, by the beginning of their labels."""
    for label, text in typed.items():
        await page.get_by_label(re.compile(f"^{label}")).fill(text)


async def sign_in(page: Page, origin: str, name: str, password: str = PASSWORD) -> None:
    await page.goto(f"{origin}/login")
    await fill(page, **{"E-mail": f"{name}@example.com", "Password": password})
    await page.get_by_role("button", name="Sign in").click()


async def signed_in(page: Page, origin: str, name: str) -> None:
    await sign_in(page, origin, name)
    await expect(page.get_by_role("link", name="Sign out")).to_be_visible()


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


async def test_disallowed_origin_cannot_call_conduit(settings: Settings, page: Page) -> None:
    """Proves that the browser enforces CORS in the other tests."""
    strict = settings.model_copy(update={"cors_origins": ["https://frontend.example"]})
    async with conduit_on(strict) as conduit, serving(page_that_calls(conduit.address)) as elsewhere:
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
        await page.get_by_role("button", name="Older articles").click()
        await expect(page.locator("article h2")).to_have_text(titles[::-1])
        await expect(page.get_by_role("button", name="Older articles")).to_be_hidden()


class TestEditing:
    """If-Match from another origin: no edit and no typed text is lost."""

    @pytest.fixture
    async def anna(self, conduit: Conduit, elsewhere: str, page: Page) -> dict[str, str]:
        """Publish an article as anna, and open it in her editor."""
        anna = await conduit.register("anna")
        await conduit.publish(anna, "Dragons")
        await signed_in(page, elsewhere, "anna")
        await page.goto(f"{elsewhere}/editor/dragons")
        await expect(page.get_by_label("Title")).to_have_value("Dragons")
        return anna

    @staticmethod
    async def edit_elsewhere(conduit: Conduit, anna: dict[str, str], **changes: object) -> None:
        response = await conduit.client.put("/articles/dragons", json={"article": changes}, headers=anna)
        assert response.status_code == 200

    @pytest.mark.usefixtures("anna")
    async def test_favorite_of_a_reader_does_not_fail_an_edit(self, conduit: Conduit, page: Page) -> None:
        jake = await conduit.register("jake")
        assert (await conduit.client.post("/articles/dragons/favorite", headers=jake)).status_code == 200
        await fill(page, Text="From the window.")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator(".text")).to_have_text("From the window.")
        await expect(page.get_by_role("button", name="Favorite")).to_have_text("♥ 1")

    async def test_edits_of_different_fields_are_merged(
        self, conduit: Conduit, page: Page, anna: dict[str, str]
    ) -> None:
        await fill(page, Text="From the window.")
        await self.edit_elsewhere(conduit, anna, description="From elsewhere", tagList=["scales", "fire"])
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator(".text")).to_have_text("From the window.")
        article = (await conduit.client.get("/articles/dragons")).json()["article"]
        assert (article["body"], article["description"], article["tagList"]) == (
            "From the window.",
            "From elsewhere",
            ["scales", "fire"],
        )

    async def test_conflicting_edit_is_shown_beside_the_typed_text(
        self, conduit: Conduit, page: Page, anna: dict[str, str]
    ) -> None:
        await fill(page, Text="From the window.")
        await self.edit_elsewhere(conduit, anna, body="From elsewhere.", description="From elsewhere")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert")).to_contain_text("was edited elsewhere")
        await expect(page.get_by_label("Text")).to_have_value("From the window.")
        await expect(page.get_by_label("Saved meanwhile")).to_have_value("From elsewhere.")
        # Nobody else changed it here, so there is nothing to ask.
        await expect(page.get_by_label("What's")).to_have_value("From elsewhere")
        await page.get_by_role("button", name="Swap with mine").click()
        await expect(page.get_by_label("Text")).to_have_value("From elsewhere.")
        await expect(page.get_by_label("Saved meanwhile")).to_have_value("From the window.")
        await page.get_by_role("button", name="Swap with mine").click()
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator(".text")).to_have_text("From the window.")

    async def test_third_edit_during_a_conflict_is_not_overwritten(
        self, conduit: Conduit, page: Page, anna: dict[str, str]
    ) -> None:
        await fill(page, Text="From the window.")
        for body in ("From elsewhere.", "Once more."):
            await self.edit_elsewhere(conduit, anna, body=body)
            await page.get_by_role("button", name="Save").click()
            await expect(page.get_by_label("Saved meanwhile")).to_have_value(body)
            await expect(page.get_by_label("Text")).to_have_value("From the window.")

    async def test_typed_text_survives_reloading_and_a_lost_session(
        self, conduit: Conduit, elsewhere: str, page: Page, anna: dict[str, str]
    ) -> None:
        await fill(page, Text="From the window.")
        await page.reload()
        await expect(page.get_by_label("Text")).to_have_value("From the window.")
        assert (await conduit.client.post("/user/logout-all", headers=anna)).status_code == 204
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert")).to_contain_text("token is invalid")
        await signed_in(page, elsewhere, "anna")
        await page.goto(f"{elsewhere}/editor/dragons")
        await expect(page.get_by_label("Text")).to_have_value("From the window.")
        await page.get_by_role("button", name="Discard it").click()
        await expect(page.get_by_label("Text")).to_have_value("They fly.")

    async def test_edited_article_is_not_deleted(
        self, conduit: Conduit, elsewhere: str, page: Page, anna: dict[str, str]
    ) -> None:
        await page.goto(f"{elsewhere}/article/dragons")
        await page.get_by_role("button", name="Favorite").click()
        await expect(page.get_by_role("button", name="Favorite")).to_have_text("♥ 1")
        await self.edit_elsewhere(conduit, anna, body="From elsewhere.")
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_role("alert")).to_contain_text("article has been modified since you read it")
        await page.reload()
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("Nothing here yet.")).to_be_visible()
        assert (await conduit.client.get("/articles/dragons")).status_code == 404


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
    async def conduit(self, settings: Settings) -> AsyncIterator[Conduit]:
        async with conduit_on(settings.model_copy(update={"frontend_dir": FOLDER})) as conduit:
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
