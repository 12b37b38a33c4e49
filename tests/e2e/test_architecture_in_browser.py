"""The page /architecture as a person sees it: in a real browser, in light and in dark."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from conduit_app.application import create_application
from conduit_app.settings import Settings
from tests.conftest import SECRET
from tests.e2e.chromium import serving

pytestmark = pytest.mark.slow

# WCAG 2.2, success criterion 1.4.3.
MIN_CONTRAST = 4.5

# Of each text that can be seen: the ratio of its colour to that of what lies behind it. A canvas
# turns whatever notation a colour is in into bytes.
CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const luminance = (color) => {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => {
            const part = byte / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = (element) => getComputedStyle(element);
    const paper = (element) => {
        if (element.closest("a.box")) return style(element.parentNode.querySelector("rect")).fill;
        while (style(element).backgroundColor === "rgba(0, 0, 0, 0)") element = element.parentElement;
        return style(element).backgroundColor;
    };
    const ink = (element) => element.closest("a.box") ? style(element).fill : style(element).color;
    const found = {};
    for (const element of document.querySelectorAll("h1, h2, h3, small, p, dt, li, code, li a, svg text")) {
        const [light, dark] = [luminance(ink(element)), luminance(paper(element))].sort((a, b) => b - a);
        found[`${element.localName}: ${element.textContent}`] = (light + 0.05) / (dark + 0.05);
    }
    return found;
}"""


@pytest.fixture(scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Return where Conduit serves in development, on a port of its own."""
    file = tmp_path_factory.mktemp("served") / "conduit.db"
    settings = Settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SECRET, log_level="warning")
    async with serving(create_application(settings)) as address:
        yield address


class Visit:
    """The page, opened in a window of its own, and what the browser said and asked for meanwhile."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(error.message))

    async def route(self, route: Route) -> None:
        """Note what the browser asks for, and let only this machine answer."""
        self.asked.append(route.request.url)
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            await route.continue_()
        else:
            await route.abort()


@asynccontextmanager
async def visit(
    browser: Browser,
    address: str,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1280,
    path: str = "/architecture",
) -> AsyncIterator[Visit]:
    """Open a page as somebody does who prefers this colour scheme, in a window so many pixels wide."""
    context: BrowserContext = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    page = await context.new_page()
    visit = Visit(page)
    await context.route("**/*", visit.route)
    await page.goto(f"{address}{path}")
    yield visit
    await context.close()


async def test_the_page_is_all_that_the_browser_asks_for(browser: Browser, address: str) -> None:
    async with visit(browser, address) as seen:
        await expect(seen.page).to_have_title("Architecture of Conduit")
        assert seen.asked == [f"{address}/architecture"]


async def test_the_browser_has_nothing_to_complain_of(browser: Browser, address: str) -> None:
    async with visit(browser, address) as seen:
        # The style was let in by the policy: without it the canvases would not stand in a grid.
        await expect(seen.page.locator(".canvases")).to_have_css("display", "grid")
        assert seen.complaints == []


async def test_the_policy_keeps_out_what_the_page_did_not_bring(browser: Browser, address: str) -> None:
    async with visit(browser, address) as seen:
        await seen.page.evaluate(
            """() => {
                document.body.append(Object.assign(document.createElement("script"), {text: "stained = 1"}));
                document.body.append(Object.assign(new Image(), {src: "https://outside.example/x.png"}));
            }"""
        )
        assert await seen.page.evaluate("typeof stained") == "undefined"
        assert seen.asked == [f"{address}/architecture"]


async def test_users_stands_at_the_bottom_and_comments_at_the_top(browser: Browser, address: str) -> None:
    async with visit(browser, address) as seen:
        tops = {}
        for name in ("comments", "articles", "profiles", "users"):
            box = await seen.page.locator("a.box", has_text=name).locator("rect.body").bounding_box()
            assert box is not None
            tops[name] = box["y"]
        assert sorted(tops, key=tops.__getitem__) == ["comments", "articles", "profiles", "users"]


async def test_a_click_on_a_box_leads_to_the_canvas_of_the_module(browser: Browser, address: str) -> None:
    async with visit(browser, address) as seen:
        await expect(seen.page.locator("#module-comments")).not_to_be_in_viewport()
        await seen.page.locator("a.box", has_text="comments").click()
        await expect(seen.page).to_have_url(f"{address}/architecture#module-comments")
        await expect(seen.page.locator("#module-comments")).to_be_in_viewport()


async def test_the_keyboard_leads_there_too(browser: Browser, address: str) -> None:
    async with visit(browser, address) as seen:
        await seen.page.locator("a.box", has_text="profiles").focus()
        await seen.page.keyboard.press("Enter")
        await expect(seen.page.locator("#module-profiles")).to_be_in_viewport()


async def test_pointing_at_a_module_leaves_only_its_own_lines_strong(browser: Browser, address: str) -> None:
    async with visit(browser, address) as seen:
        own = seen.page.locator("g.line", has=seen.page.get_by_text("profiles needs UserDirectory of users"))
        other = seen.page.locator("g.line", has=seen.page.get_by_text("comments hears ArticleDeleted"))
        await expect(other).to_have_css("opacity", "1")
        await seen.page.locator("a.box", has_text="profiles").hover()
        await expect(other).to_have_css("opacity", "0.1")
        await expect(own).to_have_css("opacity", "1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_stands_out_from_what_lies_behind_it(
    browser: Browser, address: str, scheme: Literal["light", "dark"]
) -> None:
    async with visit(browser, address, scheme) as seen:
        contrasts: Mapping[str, float] = await seen.page.evaluate(CONTRASTS)
    assert len(contrasts) > 50
    assert {text: ratio for text, ratio in contrasts.items() if ratio < MIN_CONTRAST} == {}


async def test_the_page_is_as_dark_as_the_reader_prefers(browser: Browser, address: str) -> None:
    backgrounds = {}
    for scheme in ("light", "dark"):
        async with visit(browser, address, scheme) as seen:
            backgrounds[scheme] = await seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert backgrounds == {"light": "rgb(247, 247, 245)", "dark": "rgb(20, 22, 26)"}


@pytest.mark.parametrize("width", [360, 768, 1920])
async def test_the_page_never_scrolls_sideways(browser: Browser, address: str, width: int) -> None:
    async with visit(browser, address, width=width) as seen:
        wide = await seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


async def test_every_label_fits_its_tab(browser: Browser, address: str) -> None:
    """Widths of labels are reckoned, not measured: here they are held against a real font."""
    async with visit(browser, address) as seen:
        spare: list[float] = await seen.page.evaluate(
            """() => [...document.querySelectorAll("text.tab")].map((text) =>
                text.previousElementSibling.getBBox().width - text.getBBox().width)"""
        )
    assert spare
    assert min(spare) >= 0


async def test_the_documentation_works_under_its_policy(browser: Browser, address: str) -> None:
    async with visit(browser, address, path="/docs") as seen:
        await expect(seen.page.get_by_text("/api/articles/feed")).to_be_visible()
        await seen.page.get_by_text("/api/articles/feed").click()
        await expect(seen.page.get_by_role("button", name="Try it out")).to_be_visible()
        assert seen.complaints == []
        assert {urlsplit(url).hostname for url in seen.asked if not url.startswith("data:")} == {"127.0.0.1"}
