"""What the public end-to-end suite of RealWorld does, in a browser against the example frontend.

The suite: https://github.com/realworld-apps/realworld/tree/main/specs/e2e. Every flow runs in three ways: the
page on another origin, the page served by Conduit, and the page served by Conduit as Angular would build it.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page, Route, expect

from conduit_app import discovery
from conduit_app.application import compose_from_settings
from conduit_app.migrations.runner import migrate
from conduit_app.settings import Settings
from tests.client import PASSWORD
from tests.e2e.chromium import serving
from tests.e2e.example_frontend import (
    FOLDER,
    Conduit,
    build_as_angular,
    conduit_on,
    confirm,
    fill,
    frontend_that_calls,
    press,
    sign_in,
    sign_up,
    signed_in,
)

pytestmark = pytest.mark.slow

SCRIPT = '<img src=x onerror="window.executed=1"><script>window.executed=1</script>'
SHORT_SCRIPT = '<img src=x onerror="executed=1">'
SCRIPT_URL = "javascript:window.executed=1"
PLUGINS = ["bookmarks", "notifications", "search"]
TABLE = "| Beast | Wings |\n|---|--:|\n| Dragon | 2 |"
MARKDOWN = f"{TABLE}\n\n- one\n  - nested\n\n```python\nfor wing in wings: fly()\n```"


@dataclass(frozen=True, slots=True)
class Site:
    """A frontend and the Conduit that it calls."""

    origin: str
    conduit: Conduit

    def api(self, path: str) -> str:
        """Return the URL of an operation."""
        return f"{self.conduit.address}/api{path}"


@pytest.fixture(params=["on another origin", "served by Conduit", "built as by Angular"])
async def site(
    request: pytest.FixtureRequest, sqlite_settings: Settings, tmp_path: Path
) -> AsyncIterator[Site]:
    """Return the frontend in each way to serve it."""
    if request.param == "on another origin":
        async with (
            conduit_on(sqlite_settings) as conduit,
            serving(frontend_that_calls(conduit.address, tmp_path / "frontend")) as origin,
        ):
            yield Site(origin, conduit)
        return
    folder = FOLDER if request.param == "served by Conduit" else build_as_angular(tmp_path / "browser")
    async with conduit_on(sqlite_settings.model_copy(update={"frontend_dir": folder})) as conduit:
        yield Site(conduit.address, conduit)


@pytest.fixture
def heading(page: Page) -> Any:
    """Return the title of the shown page."""
    return page.get_by_role("heading", level=1)


async def respond(route: Route, status: int, body: object) -> None:
    """Respond in place of Conduit, to any origin."""
    await route.fulfill(
        status=status,
        json=body,
        headers={"Access-Control-Allow-Origin": "*", "Content-Type": "application/json"},
    )


async def fail(page: Page, url: str, status: int, method: str = "GET") -> None:
    """Let requests fail with this status, or without a response for 0."""

    async def handle(route: Route) -> None:
        if route.request.method != method:
            await route.continue_()
        elif status == 0:
            await route.abort()
        else:
            await respond(route, status, {"errors": {"conduit": ["failed on purpose"]}})

    await page.route(url, handle)


async def stored_token(page: Page) -> str | None:
    """Return the token that the page has stored."""
    stored = await page.evaluate("localStorage.getItem('conduit')")
    return None if stored is None else str(json.loads(stored)["token"])


class TestAuthentication:
    async def test_user_registers_signs_out_and_signs_in(self, site: Site, page: Page, heading: Any) -> None:
        await sign_up(page, site.origin, "anna")
        await page.reload()
        await expect(page.get_by_role("link", name="anna")).to_be_visible()
        await page.get_by_role("link", name="Sign out").click()
        await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        assert await stored_token(page) is None
        await sign_in(page, site.origin, "anna", "wrong password")
        await expect(page.get_by_role("alert")).to_contain_text("credentials invalid")
        await signed_in(page, site.origin, "anna")
        await expect(heading).to_have_text("Articles")

    async def test_taken_name_and_address_are_named(self, site: Site, page: Page) -> None:
        await site.conduit.register("anna")
        await page.goto(f"{site.origin}/register")
        await fill(page, Name="anna", Password=PASSWORD, **{"E-mail": "anna@example.com"})
        await press(page, "Sign up")
        await expect(page.get_by_role("alert")).to_contain_text("username has already been taken")
        await expect(page.get_by_role("alert")).to_contain_text("email has already been taken")
        await expect(page.get_by_label("Name")).to_have_value("anna")

    async def test_pages_of_users_lead_visitors_to_the_login(self, site: Site, page: Page) -> None:
        for path in ("/editor", "/settings", "/feed"):
            await page.goto(f"{site.origin}{path}")
            await expect(page).to_have_url(f"{site.origin}/login")


class TestArticles:
    async def test_article_is_published_edited_and_deleted(
        self, site: Site, page: Page, heading: Any
    ) -> None:
        await sign_up(page, site.origin, "anna")
        await page.get_by_role("link", name="New article").click()
        await fill(page, Title="Dragons", What="On dragons", Text=MARKDOWN, Tags="wings, beasts")
        await press(page, "Publish")
        await expect(page).to_have_url(f"{site.origin}/article/dragons")
        text = page.locator(".text")
        await expect(text.locator("td")).to_have_text(["Dragon", "2"])
        await expect(text.locator("li li")).to_have_text("nested")
        await expect(text.locator("code .hljs-keyword")).to_have_text(["for", "in"])
        await expect(page.locator("main .tag")).to_have_text(["wings", "beasts"])

        await page.get_by_role("link", name="Edit").click()
        await expect(page.get_by_label("Text (Markdown)")).to_have_value(MARKDOWN)
        await fill(page, Title="Old dragons", Text="They sleep.", Tags="beasts")
        await press(page, "Save")
        await expect(heading).to_have_text("Old dragons")
        await expect(text).to_have_text("They sleep.")
        await expect(page.locator("main .tag")).to_have_text(["beasts"])

        await press(page, "Delete")
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        await expect(heading).to_have_text("Old dragons")
        await confirm(page, "Delete")
        await expect(page.get_by_text("Nothing here yet.")).to_be_visible()
        assert (await site.conduit.client.get("/articles")).json()["articlesCount"] == 0

    async def test_articles_of_others_cannot_be_edited(self, site: Site, page: Page, heading: Any) -> None:
        await site.conduit.publish(await site.conduit.register("jake"), "Dragons")
        await sign_up(page, site.origin, "anna")
        await page.goto(f"{site.origin}/article/dragons")
        await expect(heading).to_have_text("Dragons")
        await expect(page.get_by_role("link", name="Edit")).to_have_count(0)
        await expect(page.get_by_role("button", name="Delete")).to_have_count(0)
        await page.goto(f"{site.origin}/editor/dragons")
        await fill(page, Title="Mine")
        await press(page, "Save")
        await expect(page.get_by_role("alert")).to_contain_text("article forbidden")

    async def test_lists_are_filtered_by_tag_and_continue(self, site: Site, page: Page) -> None:
        jake = await site.conduit.register("jake")
        for number in range(11):
            await site.conduit.publish(jake, f"Dragon {number}")
        untagged = {"title": "Knights", "description": "On knights", "body": "Armor."}
        await site.conduit.client.post("/articles", json={"article": untagged}, headers=jake)
        await page.goto(site.origin)
        await expect(page.locator("article h2").first).to_have_text("Knights")
        await page.locator("main > .row .tag", has_text="beasts").click()
        await expect(page.locator("article h2").first).to_have_text("Dragon 10")
        await expect(page.get_by_role("link", name="# beasts")).to_have_attribute("aria-current", "page")
        await press(page, "Show more")
        await expect(page.locator("article h2")).to_have_count(11)


class TestComments:
    async def test_comments_are_written_and_deleted(self, site: Site, page: Page) -> None:
        jake = await site.conduit.register("jake")
        await site.conduit.publish(jake, "Dragons")
        comment = {"comment": {"body": "First!"}}
        await site.conduit.client.post("/articles/dragons/comments", json=comment, headers=jake)
        await page.goto(f"{site.origin}/article/dragons")
        comments = page.locator(".comment p")
        await expect(comments).to_have_text(["First!"])
        await expect(page.get_by_label("Your comment")).to_have_count(0)

        await sign_up(page, site.origin, "anna")
        await page.goto(f"{site.origin}/article/dragons")
        for body in ("Do they?", "They do."):
            await fill(page, Your=body)
            await press(page, "Comment")
            await expect(comments.first).to_have_text(body)
        # Only her own comments can be deleted.
        await expect(page.locator(".comment").get_by_role("button", name="Delete")).to_have_count(2)
        await confirm(page, "Delete")
        await expect(comments).to_have_text(["Do they?", "First!"])
        stored = (await site.conduit.client.get("/articles/dragons/comments")).json()["comments"]
        assert [comment["body"] for comment in stored] == ["Do they?", "First!"]


class TestSocial:
    async def test_user_follows_favorites_and_reads_the_feed(self, site: Site, page: Page) -> None:
        await site.conduit.publish(await site.conduit.register("jake"), "Dragons")
        await site.conduit.publish(await site.conduit.register("lena"), "Knights")
        await sign_up(page, site.origin, "anna")
        await page.goto(f"{site.origin}/profile/jake")
        await press(page, "Follow jake")
        await expect(page.get_by_role("button", name="Unfollow jake")).to_be_visible()
        await page.get_by_role("link", name="Dragons").click()
        # The profile has such a button, too.
        await expect(page.get_by_role("heading", name="Dragons", level=1)).to_be_visible()
        await press(page, "Unfollow jake")
        await press(page, "Follow jake")
        await expect(page.get_by_role("button", name="Unfollow jake")).to_be_visible()
        await press(page, "Favorite")
        await expect(page.get_by_role("button", name="Favorite")).to_have_text("♥ 1")

        titles = page.locator("article h2")
        await page.get_by_role("link", name="conduit").click()
        await page.get_by_role("link", name="Your feed").click()
        await expect(titles).to_have_text(["Dragons"])
        await page.get_by_role("link", name="anna").click()
        await expect(page.get_by_text("Nothing here yet.")).to_be_visible()
        await expect(page.get_by_role("button", name=re.compile("ollow"))).to_have_count(0)
        await page.get_by_role("link", name="Favorites").click()
        await expect(page).to_have_url(f"{site.origin}/profile/anna/favorites")
        await expect(titles).to_have_text(["Dragons"])
        await expect(page.get_by_role("button", name="Favorite")).to_have_attribute("aria-pressed", "true")

    async def test_visitors_who_follow_are_led_to_the_login(self, site: Site, page: Page) -> None:
        await site.conduit.publish(await site.conduit.register("jake"), "Dragons")
        for action in ("Follow jake", "Favorite"):
            await page.goto(f"{site.origin}/article/dragons")
            await press(page, action)
            await expect(page).to_have_url(f"{site.origin}/login")


class TestSettings:
    async def test_every_setting_changes(self, site: Site, page: Page, heading: Any) -> None:
        await site.conduit.register("lena")
        await sign_up(page, site.origin, "anna")
        await page.get_by_role("link", name="Settings").click()
        # The page of the registration, which may still be shown, has a name, too.
        await expect(heading).to_have_text("Settings")
        await fill(page, Name="lena")
        await press(page, "Save")
        await expect(page.get_by_role("alert")).to_contain_text("username has already been taken")
        await fill(
            page, Name="annika", About="I ride.", New="another password", **{"E-mail": "annika@example.com"}
        )
        await fill(page, URL=f"{site.conduit.address}/face.png")
        await press(page, "Save")
        await expect(heading).to_have_text("annika")
        await expect(page.locator(".bio")).to_have_text("I ride.")
        await page.get_by_role("link", name="Sign out").click()
        await signed_in(page, site.origin, "annika", "another password")
        await page.get_by_role("link", name="Settings").click()
        await expect(page.get_by_label("URL")).to_have_value(f"{site.conduit.address}/face.png")
        await expect(page.get_by_label("About")).to_have_value("I ride.")

    async def test_account_is_exported_and_deleted(self, site: Site, page: Page) -> None:
        await sign_up(page, site.origin, "anna")
        await page.get_by_role("link", name="Settings").click()
        async with page.expect_download() as download:
            await press(page, "Download your data")
        exported = json.loads(await asyncio.to_thread((await (await download.value).path()).read_bytes))
        assert exported["export"]["users"]["email"] == "anna@example.com"

        await confirm(page, "Delete account", Password="not my password")
        await expect(page.get_by_role("dialog")).to_contain_text("password is wrong")
        await page.get_by_role("dialog").get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("dialog").get_by_role("button", name="Delete account").click()
        await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        assert (await site.conduit.client.get("/profiles/anna")).status_code == 404

    async def test_signing_out_everywhere_revokes_other_sessions(self, site: Site, page: Page) -> None:
        elsewhere = await site.conduit.register("anna")
        await signed_in(page, site.origin, "anna")
        await page.get_by_role("link", name="Settings").click()
        await confirm(page, "Sign out everywhere")
        await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        assert (await site.conduit.client.get("/user", headers=elsewhere)).status_code == 401


class TestNavigation:
    async def test_every_page_opens_by_its_url(self, site: Site, page: Page, heading: Any) -> None:
        await site.conduit.publish(await site.conduit.register("jake"), "Dragons")
        await signed_in(page, site.origin, "jake")
        titles = {
            "/": "Articles",
            "/?tag=beasts": "Articles",
            "/feed": "Your feed",
            "/article/dragons": "Dragons",
            "/profile/jake": "jake",
            "/profile/jake/favorites": "jake",
            "/editor": "New article",
            "/editor/dragons": "Edit article",
            "/settings": "Settings",
            "/login": "Sign in",
            "/register": "Sign up",
            "/article/unknown": "Not found",
            "/profile/unknown": "Not found",
            "/unknown": "Not found",
        }
        for path, title in titles.items():
            await page.goto(f"{site.origin}{path}")
            await expect(heading).to_have_text(title)
            await expect(page).to_have_title(f"{title} · Conduit")

    async def test_back_forward_and_reload_show_the_page_of_the_url(
        self, site: Site, page: Page, heading: Any
    ) -> None:
        await site.conduit.publish(await site.conduit.register("jake"), "Dragons")
        await page.goto(site.origin)
        await page.get_by_role("link", name="Dragons").click()
        await expect(heading).to_have_text("Dragons")
        await page.get_by_role("link", name="jake").click()
        await expect(heading).to_have_text("jake")
        await page.go_back()
        await expect(heading).to_have_text("Dragons")
        await page.go_forward()
        await expect(heading).to_have_text("jake")
        await page.reload()
        await expect(heading).to_have_text("jake")


async def test_null_fields_are_shown_as_empty(site: Site, page: Page, heading: Any) -> None:
    anna = await site.conduit.register("anna")
    await site.conduit.publish(anna, "Dragons")
    comment = {"comment": {"body": "Mine."}}
    await site.conduit.client.post("/articles/dragons/comments", json=comment, headers=anna)
    await signed_in(page, site.origin, "anna")
    for path, title in {"/": "Articles", "/article/dragons": "Dragons", "/profile/anna": "anna"}.items():
        await page.goto(f"{site.origin}{path}")
        await expect(heading).to_have_text(title)
        await expect(page.locator("main .avatar").first).to_have_text("A")
        await expect(page.locator("body")).not_to_contain_text(re.compile("null|undefined"))
    for bio, image in ((None, None), ("I ride.", f"{site.conduit.address}/face.png"), (None, None)):
        await page.goto(f"{site.origin}/settings")
        await fill(page, About=bio or "", URL=image or "")
        await press(page, "Save")
        await expect(heading).to_have_text("anna")
        profile = (await site.conduit.client.get("/profiles/anna")).json()["profile"]
        assert (profile["bio"], profile["image"]) == (bio, image)


class TestStaleTokens:
    async def test_public_page_opens_with_a_stale_token(self, site: Site, page: Page, heading: Any) -> None:
        anna = await site.conduit.register("anna")
        await site.conduit.publish(anna, "Dragons")
        await signed_in(page, site.origin, "anna")
        assert (await site.conduit.client.post("/user/logout-all", headers=anna)).status_code == 204
        await page.goto(f"{site.origin}/article/dragons")
        await expect(heading).to_have_text("Dragons")
        await expect(page.get_by_role("link", name="Sign up")).to_be_visible()
        assert await stored_token(page) is None

    async def test_public_page_stays_readable_when_the_token_is_revoked(
        self, site: Site, page: Page, heading: Any
    ) -> None:
        anna = await site.conduit.register("anna")
        await site.conduit.publish(anna, "Dragons")
        await signed_in(page, site.origin, "anna")
        assert (await site.conduit.client.post("/user/logout-all", headers=anna)).status_code == 204
        await page.get_by_role("link", name="Dragons").click()
        await expect(heading).to_have_text("Dragons")

    async def test_comment_typed_with_a_revoked_token_is_not_lost(self, site: Site, page: Page) -> None:
        anna = await site.conduit.register("anna")
        await site.conduit.publish(anna, "Dragons")
        await signed_in(page, site.origin, "anna")
        await page.goto(f"{site.origin}/article/dragons")
        await fill(page, Your="A long thought.")
        assert (await site.conduit.client.post("/user/logout-all", headers=anna)).status_code == 204
        await press(page, "Comment")
        await expect(page.get_by_role("alert")).to_contain_text("token is invalid")
        await expect(page.get_by_label("Your comment")).to_have_value("A long thought.")

    async def test_signing_out_in_another_tab_outlasts_a_late_response(self, site: Site, page: Page) -> None:
        await site.conduit.register("anna")
        await signed_in(page, site.origin, "anna")
        requested, signed_out = asyncio.Event(), asyncio.Event()

        async def wait(route: Route) -> None:
            requested.set()
            await signed_out.wait()
            await route.continue_()

        await page.route(site.api("/user"), wait)
        await page.goto(f"{site.origin}/", wait_until="commit")
        await requested.wait()
        tab = await page.context.new_page()
        await tab.goto(f"{site.origin}/logout")
        await expect(tab.get_by_role("link", name="Sign in")).to_be_visible()
        signed_out.set()
        await expect(page.get_by_role("heading", name="Articles")).to_be_visible()
        await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        assert await stored_token(page) is None


class TestFailures:
    async def test_rejected_request_for_the_user_ends_the_session(
        self, site: Site, page: Page, heading: Any
    ) -> None:
        await sign_up(page, site.origin, "anna")
        user = await page.evaluate("localStorage.getItem('conduit')")
        for status in (400, 401, 403, 404):
            await page.evaluate("user => localStorage.setItem('conduit', user)", user)
            await fail(page, site.api("/user"), status)
            await page.reload()
            await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
            await expect(heading).to_have_text("Articles")
            assert await stored_token(page) is None, status
            await page.unroute(site.api("/user"))

    async def test_failed_request_for_the_user_continues_the_session(
        self, site: Site, page: Page, heading: Any
    ) -> None:
        await sign_up(page, site.origin, "anna")
        token = await stored_token(page)
        notice = page.get_by_role("status").filter(has_text="You are signed in")
        for status in (0, 500, 503):
            await fail(page, site.api("/user"), status)
            await page.reload()
            await expect(notice).to_be_visible()
            await expect(heading).to_have_text("Articles")
            assert await stored_token(page) == token, status
            await page.unroute(site.api("/user"))
            await press(page, "Try again")
            await expect(notice).to_be_hidden()
            await expect(page.get_by_role("link", name="anna")).to_be_visible()

    async def test_failed_part_leaves_the_rest_of_the_page(
        self, site: Site, page: Page, heading: Any
    ) -> None:
        await site.conduit.publish(await site.conduit.register("jake"), "Dragons")
        await fail(page, site.api("/tags"), 500)
        await fail(page, site.api("/articles/dragons/comments"), 0)
        await page.goto(site.origin)
        await expect(page.locator("article h2")).to_have_text(["Dragons"])
        await expect(page.get_by_role("alert")).to_contain_text("failed on purpose")
        await page.get_by_role("link", name="Dragons").click()
        await expect(heading).to_have_text("Dragons")
        await expect(page.get_by_role("alert")).to_contain_text("Conduit cannot be reached")

    async def test_failed_action_is_shown_and_changes_nothing(self, site: Site, page: Page) -> None:
        jake = await site.conduit.register("jake")
        await site.conduit.publish(jake, "Dragons")
        await signed_in(page, site.origin, "jake")
        await fail(page, site.api("/articles/dragons/favorite"), 403, "POST")
        await fail(page, site.api("/articles/dragons"), 500, "DELETE")
        await fail(page, site.api("/articles"), 503, "POST")
        await page.goto(f"{site.origin}/article/dragons")
        await press(page, "Favorite")
        await expect(page.get_by_role("alert")).to_contain_text("failed on purpose")
        await expect(page.get_by_role("button", name="Favorite")).to_have_text("♥ 0")
        await confirm(page, "Delete")
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("failed on purpose")
        await press(page, "Cancel")
        await page.goto(f"{site.origin}/editor")
        await fill(page, Title="Knights", What="On knights", Text="Armor.")
        await press(page, "Publish")
        await expect(page.get_by_role("alert")).to_contain_text("failed on purpose")
        await expect(page.get_by_label("Text (Markdown)")).to_have_value("Armor.")


async def test_no_text_field_executes_a_script(site: Site, page: Page, heading: Any) -> None:
    body = (
        f"{SCRIPT}\n\n[link]({SCRIPT_URL}) ![image]({SCRIPT_URL}) <{SCRIPT_URL}>\n\n"
        f'[title](https://example.com "\\"onmouseover=window.executed=1")\n\n> {SCRIPT}\n\n'
        f"```{SCRIPT}\n{SCRIPT}\n```\n\n| {SCRIPT} |\n|---|\n| {SCRIPT} |\n\n<svg onload=window.executed=1>"
    )
    name = '"><u>eve'
    await page.goto(f"{site.origin}/register")
    await fill(page, Name=name, Password=PASSWORD, **{"E-mail": "eve@example.com"})
    await press(page, "Sign up")
    await page.get_by_role("link", name="New article").click()
    await fill(page, Title=SCRIPT, What=SCRIPT, Text=body, Tags=f"{SHORT_SCRIPT}, beasts")
    await press(page, "Publish")
    await expect(heading).to_have_text(SCRIPT)
    await fill(page, Your=SCRIPT)
    await press(page, "Comment")
    await expect(page.locator(".comment p")).to_have_text(SCRIPT)
    await press(page, "Favorite")
    article = page.url
    await page.get_by_role("link", name="Settings").click()
    image = f'{site.conduit.address}/"onerror="window.executed=1'
    await fill(page, About=SCRIPT, URL=image)
    await press(page, "Save")
    await expect(page.locator(".bio")).to_have_text(SCRIPT)

    own = page.get_by_role("link", name=name, exact=True).first
    profile = f"{site.origin}{await own.get_attribute('href')}"
    tag = f"{site.origin}/?tag={quote(SHORT_SCRIPT)}"
    for url in (site.origin, tag, article, profile, f"{profile}/favorites", f"{site.origin}/settings"):
        await page.goto(url)
        await expect(heading).to_be_visible()
        await expect(page.locator("main :is(script, svg, iframe, u)")).to_have_count(0)
        handlers = "main :is([onerror], [onload], [onmouseover], [href^='javascript:'], [src^='javascript:'])"
        await expect(page.locator(handlers)).to_have_count(0)
        assert await page.evaluate("window.executed") is None, url
    # A URL that is not one of an image.
    await fill(page, URL=SCRIPT_URL)
    await press(page, "Save")
    await expect(page.get_by_role("alert")).to_contain_text("image")


class TestPlugins:
    @pytest.fixture
    async def conduit(
        self, sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[Conduit]:
        """Return a Conduit with plugins, which serves the page."""
        entry_points = [
            EntryPoint(name, f"conduit_{name}.module:MODULE", discovery.ENTRY_POINTS) for name in PLUGINS
        ]
        for name in PLUGINS:
            monkeypatch.syspath_prepend(FOLDER.parents[1] / "plugins" / name)
        monkeypatch.setattr(discovery, "entry_points", lambda group: _of(group, entry_points))
        composition = compose_from_settings(sqlite_settings)
        await migrate(composition.database, composition.modules)
        await composition.database.dispose()
        async with conduit_on(sqlite_settings.model_copy(update={"frontend_dir": FOLDER})) as conduit:
            yield conduit

    async def test_article_is_found_by_its_words(self, conduit: Conduit, page: Page, heading: Any) -> None:
        await conduit.publish(await conduit.register("jake"), "Green dragons", f"They fly. {SCRIPT}")
        await page.goto(conduit.address)
        await responds(page, "/api/search?q=dragons", "articlesCount", {})
        await page.get_by_role("searchbox").fill("dragons fly")
        await page.get_by_role("searchbox").press("Enter")
        await expect(heading).to_have_text("“dragons fly”")
        await expect(page.locator("article h2 mark")).to_have_text(["dragons"])
        await expect(page.locator("article .excerpt")).to_contain_text(SCRIPT)
        await page.get_by_role("searchbox").fill("unicorns")
        await page.get_by_role("searchbox").press("Enter")
        await expect(page.get_by_text("No article has these words.")).to_be_visible()

    async def test_bookmarked_article_is_listed(self, conduit: Conduit, page: Page) -> None:
        await conduit.publish(await conduit.register("jake"), "Dragons")
        await sign_up(page, conduit.address, "anna")
        await page.get_by_role("link", name="Dragons").click()
        await press(page, "Bookmark")
        await expect(page.get_by_role("button", name="Bookmarked")).to_be_visible()
        await page.get_by_role("link", name="Bookmarks").click()
        await page.get_by_role("link", name="Dragons").click()
        await press(page, "Bookmarked")
        await expect(page.get_by_role("button", name="Bookmark", exact=True)).to_be_visible()
        await page.get_by_role("link", name="Bookmarks").click()
        await expect(page.get_by_text("No bookmarks yet.")).to_be_visible()

    async def test_notifications_are_counted_and_marked_as_read(self, conduit: Conduit, page: Page) -> None:
        jake, anna = await conduit.register("jake"), await conduit.register("anna")
        await conduit.publish(jake, "Dragons")
        await conduit.client.post("/articles/dragons/favorite", headers=anna)
        comment = {"comment": {"body": "Nice"}}
        await conduit.client.post("/articles/dragons/comments", json=comment, headers=anna)
        await signed_in(page, conduit.address, "jake")
        await responds(page, "/api/notifications?offset=1", "notifications.length", jake)
        await page.get_by_role("link", name="Notifications").click()
        await expect(page.get_by_role("link", name="Notifications")).to_have_text("Notifications (2)")
        await expect(page.locator(".notification p")).to_contain_text(
            ["commented on Dragons", "favorited Dragons"]
        )
        await page.get_by_role("main").get_by_role("link", name="Dragons").first.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Dragons")
        await page.get_by_role("link", name="Notifications").click()
        await expect(page.locator(".unread")).to_have_count(1)
        await press(page, "Mark all as read")
        await expect(page.locator(".unread")).to_have_count(0)
        await expect(page.get_by_role("link", name="Notifications")).to_have_text("Notifications")

    async def test_nothing_of_a_missing_plugin_is_shown(
        self, sqlite_settings: Settings, page: Page, heading: Any
    ) -> None:
        settings = sqlite_settings.model_copy(update={"frontend_dir": FOLDER})
        async with conduit_on(settings) as conduit:
            await conduit.publish(await conduit.register("jake"), "Dragons")
            async with page.expect_response(f"{conduit.address}/openapi.json"):
                await signed_in(page, conduit.address, "jake")
            await page.get_by_role("link", name="Dragons").click()
            await expect(heading).to_have_text("Dragons")
            for name in ("Bookmarks", "Notifications"):
                await expect(page.get_by_role("link", name=name)).to_have_count(0)
            await expect(page.get_by_role("searchbox")).to_have_count(0)
            await expect(page.get_by_role("button", name="Bookmark")).to_have_count(0)


def _of(group: str, entry_points: Sequence[EntryPoint]) -> Sequence[EntryPoint]:
    return [entry_point for entry_point in entry_points if entry_point.group == group]


async def responds(page: Page, path: str, value: str, headers: dict[str, str]) -> None:
    """Wait until a value in the response is positive: plugins handle events after the commit."""
    await page.wait_for_function(
        f"async ([path, headers]) => (await (await fetch(path, {{ headers }})).json()).{value} > 0",
        arg=[path, headers],
        polling=100,
    )
