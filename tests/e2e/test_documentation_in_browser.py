"""The page /docs and the guides in a real browser without internet access."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.async_api import Browser, Page, Route, expect

from conduit_app.application import create_application
from conduit_app.pages.guide_library import PREFIX, SEARCH
from conduit_app.pages.guides import GUIDES
from conduit_app.settings import Settings
from tests.client import PASSWORD
from tests.conftest import SECRET
from tests.e2e.chromium import serving

pytestmark = pytest.mark.slow


@pytest.fixture
async def address(tmp_path: Path, migrated: Path) -> AsyncIterator[str]:
    """Return the URL of a server on an empty database."""
    file = shutil.copy(migrated, tmp_path / "conduit.db")
    settings = Settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SECRET, log_level="warning")
    async with serving(create_application(settings)) as address:
        yield address


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Return a page whose requests to other hosts are aborted."""

    async def block_other_hosts(route: Route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            await route.continue_()
        else:
            await route.abort()

    context = await browser.new_context()
    await context.route("**/*", block_other_hosts)
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize(("field", "prefix"), [("#api_key_value", "Token "), ("#auth-bearer-value", "")])
async def test_operation_can_be_called_with_a_token(
    address: str, page: Page, field: str, prefix: str
) -> None:
    user = {"username": "anna", "email": "anna@example.com", "password": PASSWORD}
    async with httpx2.AsyncClient(base_url=address) as client:
        token = (await client.post("/api/users", json={"user": user})).json()["user"]["token"]
    await page.goto(f"{address}/docs")

    await page.get_by_role("button", name="Authorize").click()
    form = page.locator("form").filter(has=page.locator(field))
    await form.get_by_role("textbox").fill(f"{prefix}{token}")
    await form.get_by_role("button", name="Apply credentials").click()
    await page.locator(".modal-ux").get_by_role("button", name="Close").first.click()

    operation = page.locator("#operations-User_and_Authentication-GetCurrentUser")
    await operation.get_by_text("/api/user").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    response = operation.locator(".live-responses-table tbody")
    await expect(response.locator(".response-col_status")).to_have_text("200")
    await expect(response.locator("pre").first).to_contain_text('"username": "anna"')


async def test_operation_shows_request_and_response_examples(address: str, page: Page) -> None:
    await page.goto(f"{address}/docs")
    operation = page.locator("#operations-User_and_Authentication-CreateUser")
    await expect(operation).to_contain_text("Register a new user")
    await operation.get_by_text("/api/users").click()
    await expect(operation.locator(".opblock-section-request-body pre")).to_contain_text('"username": "jake"')
    await expect(operation.locator(".responses-table")).to_contain_text("has already been taken")


async def test_documentation_links_to_the_guides(address: str, page: Page) -> None:
    await page.goto(f"{address}/docs")
    for name, audience in GUIDES.items():
        await expect(page.get_by_role("link", name=audience)).to_have_attribute("href", f"{PREFIX}/{name}")
    await page.get_by_role("link", name="Guides", exact=True).click()
    await expect(page).to_have_url(f"{address}{PREFIX}")
    menu = page.get_by_role("navigation", name="Guides")
    await menu.get_by_role("link", name="Operations").click()
    await expect(page).to_have_url(f"{address}{PREFIX}/operations")
    await expect(menu.locator("[aria-current]")).to_have_text("Operations")
    await page.get_by_role("link", name="API", exact=True).click()
    await expect(page).to_have_url(f"{address}/docs")


@pytest.mark.parametrize(
    ("scheme", "background"), [("light", "rgba(0, 0, 0, 0)"), ("dark", "rgb(28, 32, 34)")]
)
async def test_documentation_follows_the_preferred_color_scheme(
    address: str, page: Page, scheme: Literal["light", "dark"], background: str
) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.goto(f"{address}/docs")
    await expect(page.locator("html")).to_have_css("background-color", background)


@pytest.mark.parametrize(
    "path", ["/docs", PREFIX, f"{PREFIX}/architecture", f"{PREFIX}/performance", f"{SEARCH}?q=token"]
)
@pytest.mark.parametrize("width", [390, 1280])
async def test_pages_cause_no_console_message_and_no_horizontal_scrolling(
    address: str, page: Page, path: str, width: int
) -> None:
    """A violation of the content security policy is a console message."""
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(error.message))
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto(f"{address}{path}")
    await expect(page.locator("h1, h2").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert messages == []


async def test_search_shows_results_while_typing(address: str, page: Page) -> None:
    await page.goto(f"{address}{PREFIX}/glossary")
    await page.keyboard.press("/")
    await page.keyboard.type("idempotency retrying")
    await page.locator(".found").get_by_role("link", name="Retrying safely: Idempotency-Key").click()
    await expect(page).to_have_url(f"{address}{PREFIX}/frontends#retrying-safely-idempotency-key")
    await expect(page.get_by_role("heading", name="Retrying safely")).to_be_in_viewport()


async def test_search_has_a_page_of_results(address: str, page: Page) -> None:
    await page.goto(f"{address}{PREFIX}/decisions/0014-outbox")
    await page.get_by_role("searchbox").fill("idempotency retrying")
    await page.get_by_role("searchbox").press("Enter")
    await expect(page).to_have_url(f"{address}{SEARCH}?q=idempotency+retrying")
    await expect(page.locator("main .hits li").first).to_contain_text("Retrying safely: Idempotency-Key")


async def test_code_is_copied(address: str, page: Page) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"{address}{PREFIX}/modules")
    block = page.locator(".code").first
    await block.hover()
    await block.get_by_role("button", name="Copy").click()
    await expect(block.get_by_role("button")).to_have_text("Copied")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == await block.locator("code").text_content()


async def test_menu_and_contents_are_closed_in_a_narrow_window(address: str, page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.goto(f"{address}{PREFIX}/frontends")
    await expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    contents = page.get_by_role("navigation", name="On this page")
    await expect(contents).to_be_hidden()
    await page.get_by_text("On this page", exact=True).click()
    await contents.get_by_role("link", name="Field limits").click()
    await expect(page.get_by_role("heading", name="Field limits")).to_be_in_viewport()
