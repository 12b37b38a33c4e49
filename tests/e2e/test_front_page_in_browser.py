"""The page at `/` in a real browser."""

import pytest
from playwright.async_api import Browser, expect

from conduit_app.application import create_application
from tests.conftest import AppInstance
from tests.e2e.chromium import serving

pytestmark = pytest.mark.slow

DESKTOP, PHONE = (1280, 800), (390, 844)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_page_fits_and_leads_to_the_documentation(
    browser: Browser, sqlite_app: AppInstance, size: tuple[int, int]
) -> None:
    sqlite_app.empty()
    messages: list[str] = []
    width, height = size
    context = await browser.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    page.on("console", lambda message: messages.append(message.text))
    application = create_application(sqlite_app.settings, sqlite_app.composition)
    async with serving(application) as address:
        await page.goto(address)
        await expect(page.get_by_role("status")).to_contain_text("The database is empty.")
        # The content security policy allows the page's style.
        await expect(page.get_by_role("list")).to_have_css("display", "grid")
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        await page.get_by_role("link", name="Guide for operators").click()
        await expect(page).to_have_url(f"{address}/docs/guides/operations")
        assert messages == []
    await context.close()
