"""The page /docs in a real browser without internet access."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.async_api import Browser, Page, Route, expect

from conduit_app.application import create_application
from conduit_app.pages.guides import GUIDES, PREFIX
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
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    await page.goto(f"{address}/docs")
    for name, audience in GUIDES.items():
        await expect(page.get_by_role("link", name=audience)).to_have_attribute("href", f"{PREFIX}/{name}")

    await page.goto(f"{address}{PREFIX}/frontends")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    # The content security policy allows the page's style.
    await expect(page.locator("nav")).to_have_css("display", "flex")
    await page.get_by_role("link", name=GUIDES["operations"]).first.click()
    await expect(page).to_have_url(f"{address}{PREFIX}/operations")
    assert messages == []
