"""The page /architecture in a real browser, with light and dark color schemes."""

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

# The contrast of each text with its background. A canvas converts any color notation to bytes.
CONTRASTS = """() => {
    const TEXTS = "h1, h2, h3, small, p, dt, li, code, li a, svg text, summary, nav.top a, .code span, mark";
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
    const background = (element) => {
        if (element.closest("a.box")) return style(element.parentNode.querySelector("rect")).fill;
        while (transparent(element)) element = element.parentElement;
        return style(element).backgroundColor;
    };
    const foreground = (element) => element.closest("a.box") ? style(element).fill : style(element).color;
    const transparent = (element) => {
        const {backgroundColor} = style(element);
        return backgroundColor === "rgba(0, 0, 0, 0)" || backgroundColor.includes(" / ");
    };
    const contrasts = {};
    for (const element of document.querySelectorAll(TEXTS)) {
        const pair = [luminance(foreground(element)), luminance(background(element))];
        const [light, dark] = pair.sort((a, b) => b - a);
        contrasts[`${element.localName}: ${element.textContent}`] = (light + 0.05) / (dark + 0.05);
    }
    return contrasts;
}"""


@pytest.fixture(scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Return the URL of a server in the development environment."""
    file = tmp_path_factory.mktemp("served") / "conduit.db"
    settings = Settings(database_url=f"sqlite+aiosqlite:///{file}", secret_key=SECRET, log_level="warning")
    async with serving(create_application(settings)) as address:
        yield address


class Visit:
    """A page in its own window, with the browser's messages and requests."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.messages: list[str] = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(error.message))

    async def route(self, route: Route) -> None:
        """Record requests, and abort those to other hosts."""
        self.requests.append(route.request.url)
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
    """Open a page with this color scheme, in a window of this width in pixels."""
    context: BrowserContext = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    page = await context.new_page()
    visit = Visit(page)
    await context.route("**/*", visit.route)
    await page.goto(f"{address}{path}")
    yield visit
    await context.close()


async def test_page_needs_a_single_request(browser: Browser, address: str) -> None:
    async with visit(browser, address) as opened:
        await expect(opened.page).to_have_title("Architecture of Conduit")
        assert opened.requests == [f"{address}/architecture"]


async def test_page_causes_no_console_message(browser: Browser, address: str) -> None:
    async with visit(browser, address) as opened:
        # The content security policy allows the page's style.
        await expect(opened.page.locator(".canvases")).to_have_css("display", "grid")
        assert opened.messages == []


async def test_csp_blocks_injected_scripts_and_images(browser: Browser, address: str) -> None:
    async with visit(browser, address) as opened:
        await opened.page.evaluate(
            """() => {
                document.body.append(Object.assign(document.createElement("script"), {text: "injected = 1"}));
                document.body.append(Object.assign(new Image(), {src: "https://outside.example/x.png"}));
            }"""
        )
        assert await opened.page.evaluate("typeof injected") == "undefined"
        assert opened.requests == [f"{address}/architecture"]


async def test_modules_are_drawn_above_those_they_need(browser: Browser, address: str) -> None:
    async with visit(browser, address) as opened:
        tops = {}
        for name in ("comments", "articles", "profiles", "users"):
            box = await opened.page.locator("a.box", has_text=name).locator("rect.body").bounding_box()
            assert box is not None
            tops[name] = box["y"]
        assert sorted(tops, key=tops.__getitem__) == ["comments", "articles", "profiles", "users"]


async def test_box_links_to_the_canvas_of_its_module(browser: Browser, address: str) -> None:
    async with visit(browser, address) as opened:
        await expect(opened.page.locator("#module-comments")).not_to_be_in_viewport()
        await opened.page.locator("a.box", has_text="comments").click()
        await expect(opened.page).to_have_url(f"{address}/architecture#module-comments")
        await expect(opened.page.locator("#module-comments")).to_be_in_viewport()


async def test_box_links_work_with_the_keyboard(browser: Browser, address: str) -> None:
    async with visit(browser, address) as opened:
        await opened.page.locator("a.box", has_text="profiles").focus()
        await opened.page.keyboard.press("Enter")
        await expect(opened.page.locator("#module-profiles")).to_be_in_viewport()


async def test_hovering_a_module_fades_other_lines(browser: Browser, address: str) -> None:
    async with visit(browser, address) as opened:
        own = opened.page.locator(
            "g.line", has=opened.page.get_by_text("profiles needs UserDirectory of users")
        )
        other = opened.page.locator("g.line", has=opened.page.get_by_text("comments handles ArticlesDeleted"))
        await expect(other).to_have_css("opacity", "1")
        await opened.page.locator("a.box", has_text="profiles").hover()
        await expect(other).to_have_css("opacity", "0.1")
        await expect(own).to_have_css("opacity", "1")


@pytest.mark.parametrize("path", ["/architecture", "/docs/guides/architecture", "/docs/guides/modules"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_texts_have_sufficient_contrast(
    browser: Browser, address: str, scheme: Literal["light", "dark"], path: str
) -> None:
    async with visit(browser, address, scheme, path=path) as opened:
        contrasts: Mapping[str, float] = await opened.page.evaluate(CONTRASTS)
    assert len(contrasts) > 50
    assert {text: ratio for text, ratio in contrasts.items() if ratio < MIN_CONTRAST} == {}


async def test_page_follows_the_preferred_color_scheme(browser: Browser, address: str) -> None:
    backgrounds = {}
    for scheme in ("light", "dark"):
        async with visit(browser, address, scheme) as opened:
            backgrounds[scheme] = await opened.page.evaluate(
                "getComputedStyle(document.body).backgroundColor"
            )
    assert backgrounds == {"light": "rgb(247, 247, 245)", "dark": "rgb(20, 22, 26)"}


@pytest.mark.parametrize("width", [360, 768, 1920])
async def test_page_has_no_horizontal_scrolling(browser: Browser, address: str, width: int) -> None:
    async with visit(browser, address, width=width) as opened:
        scroll_width = await opened.page.evaluate("document.documentElement.scrollWidth")
        assert scroll_width <= width


async def test_narrow_window_starts_with_the_modules(browser: Browser, address: str) -> None:
    async with visit(browser, address, width=390) as opened:
        await expect(opened.page.locator("#module-users")).to_be_in_viewport()
        tops = await opened.page.evaluate(
            """() => [".modules", ".dependencies"].map((section) =>
                document.querySelector(section).getBoundingClientRect().top)"""
        )
        assert tops == sorted(tops)


async def test_diagram_in_a_narrow_window_starts_in_the_middle(browser: Browser, address: str) -> None:
    async with visit(browser, address, width=390) as opened:
        await opened.page.locator(".dependencies").scroll_into_view_if_needed()
        await expect(
            opened.page.locator("a.box", has_text="comments").locator("rect.body")
        ).to_be_in_viewport(ratio=1)


async def test_labels_fit_their_tabs(browser: Browser, address: str) -> None:
    """The drawing estimates the widths of labels; this compares them with a real font."""
    async with visit(browser, address) as opened:
        spare: list[float] = await opened.page.evaluate(
            """() => [...document.querySelectorAll("text.tab")].map((text) =>
                text.previousElementSibling.getBBox().width - text.getBBox().width)"""
        )
    assert spare
    assert min(spare) >= 0


async def test_documentation_works_under_its_csp(browser: Browser, address: str) -> None:
    async with visit(browser, address, path="/docs") as opened:
        await expect(opened.page.get_by_text("/api/articles/feed")).to_be_visible()
        await opened.page.get_by_text("/api/articles/feed").click()
        await expect(opened.page.get_by_role("button", name="Try it out")).to_be_visible()
        assert opened.messages == []
        assert {urlsplit(url).hostname for url in opened.requests if not url.startswith("data:")} == {
            "127.0.0.1"
        }
