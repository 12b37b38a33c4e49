"""Unchanged builds of the common tools in a real browser, under the content security policy of Conduit."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from conduit_app.application import create_application
from conduit_app.settings import Settings
from tests.conftest import SECRET
from tests.e2e.chromium import serving

pytestmark = pytest.mark.slow

MARK = "document.documentElement.dataset"
# What each tool writes into its index.html, abbreviated. The inline script has the line ends of Windows.
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Built</title>
<base href="/">
<!-- Every template of a RealWorld frontend: icons and fonts of other hosts, without a scheme. -->
<link href="//OTHER/icons.css" rel="stylesheet" type="text/css">
<link href="http://OTHER/fonts.css" rel="stylesheet">
<script src="//OTHER/analytics.js?id=1" async></script>
<!-- Angular: critical styles inline, the others not before they are loaded. -->
<style>.critical {{ color: rgb(1, 2, 3) }}</style>
<link rel="stylesheet" href="styles-5INURTSO.css" media="print" onload="this.media='all'">
<noscript><link rel="stylesheet" href="styles-5INURTSO.css"></noscript>
<!-- Vite: React and Vue. -->
<script type="module" crossorigin src="/assets/index-DdT3xQ1a.js"></script>
<!-- webpack: Vue CLI and Create React App. -->
<script defer="defer" src="/js/app.8f3b2c1d.js"></script>
</head>
<body data-sveltekit-preload-data="hover">
<div style="display: contents">
<!-- SvelteKit. -->
<script>\r
	{{\r
		__sveltekit_1u2b3c = {{ base: "" }};\r
		const element = document.currentScript.parentElement;\r
		Promise.all([\r
			import("/_app/immutable/entry/start.DdT3xQ1a.js")\r
		]).then(([kit]) => {{ kit.start(element); }});\r
	}}\r
</script>
</div>
<p class="critical">Critical</p><p class="late">Late</p><p style="font-family: Icons">&#xf101;</p>
<!-- Attributes are decoded before they are hashed. -->
<img src="/gone.png" alt="" onerror="if (1 &lt; 2 &amp;&amp; this) {MARK}.handler = 1">
</body>
</html>
"""
FILES = {
    "index.html": PAGE,
    "styles-5INURTSO.css": ".late { color: rgb(4, 5, 6) }",
    "js/app.8f3b2c1d.js": f"{MARK}.webpack = 1",
    "_app/immutable/entry/start.DdT3xQ1a.js": f"""
export const start = (element) => {{ {MARK}.sveltekit = element.tagName; }};
""",
    "assets/index-DdT3xQ1a.js": f"""
const mark = {MARK};
mark.vite = 1;
const work = new Blob(["postMessage(1)"], {{ type: "text/javascript" }});
new Worker(URL.createObjectURL(work)).onmessage = () => {{ mark.worker = 1; }};
WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)).then(() => {{ mark.wasm = 1; }});
fetch("http://OTHER/data.json").then(() => {{ mark.fetched = 1; }});
const preview = new Image();
preview.onload = () => {{ mark.preview = 1; }};
const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
preview.src = URL.createObjectURL(new Blob([svg], {{ type: "image/svg+xml" }}));
""",
}
ELSEWHERE = {
    "/icons.css": ("text/css", "@font-face { font-family: Icons; src: url(http://OTHER/icons.woff2) }"),
    "/fonts.css": ("text/css", ".late { font-weight: 700 }"),
    "/icons.woff2": ("font/woff2", ""),
    "/analytics.js": ("text/javascript", f"{MARK}.analytics = 1"),
    "/data.json": ("application/json", "{}"),
    "/evil.js": ("text/javascript", f"{MARK}.evil = 'other host'"),
}
WORKS = {
    "handler": "1",
    "vite": "1",
    "webpack": "1",
    "sveltekit": "DIV",
    "worker": "1",
    "wasm": "1",
    "fetched": "1",
    "preview": "1",
    "analytics": "1",
}
# What text of a user becomes in a page that builds its markup from strings.
INJECT = """async (other) => {
    const violations = [];
    document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
    const handler = document.createElement("div");
    handler.innerHTML = `<img src="/gone.png" onerror="document.documentElement.dataset.evil = 'handler'">`;
    const inline = document.createElement("script");
    inline.textContent = "document.documentElement.dataset.evil = 'inline'";
    const elsewhere = document.createElement("script");
    elsewhere.src = `http://${other}/evil.js`;
    document.body.append(handler, inline, elsewhere);
    while (new Set(violations).size < 2 || violations.length < 3) await new Promise(requestAnimationFrame);
    return violations.sort();
}"""


class Elsewhere:
    """Another host: its requests, and its address without a scheme once it is served."""

    def __init__(self) -> None:
        self.address = ""
        self.requests: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Return a file."""
        if scope["type"] == "http":
            self.requests.add(scope["path"])
            media_type, text = ELSEWHERE[scope["path"]]
            headers = {"Access-Control-Allow-Origin": "*"}
            response = Response(text.replace("OTHER", self.address), media_type=media_type, headers=headers)
            await response(scope, receive, send)


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    """Return another host, while it serves."""
    host = Elsewhere()
    async with serving(host) as address:
        host.address = address.removeprefix("http://")
        yield host


@pytest.fixture
def settings(tmp_path: Path, elsewhere: Elsewhere) -> Settings:
    """Return settings with the built frontend."""
    for name, text in FILES.items():
        file = tmp_path / "dist" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("OTHER", elsewhere.address), newline="")
    return Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path}/conduit.db",
        secret_key=SECRET,
        log_level="error",
        frontend_dir=tmp_path / "dist",
    )


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Return a page in its own window."""
    context = await browser.new_context()
    context.set_default_timeout(20_000)
    yield await context.new_page()
    await context.close()


async def test_build_works_unchanged_and_scripts_are_restricted(
    settings: Settings, elsewhere: Elsewhere, page: Page
) -> None:
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    application: ASGIApp = create_application(settings)
    async with serving(application) as address:
        await page.goto(f"{address}/article/dragons")
        html = page.locator("html")
        for name, value in WORKS.items():
            await expect(html).to_have_attribute(f"data-{name}", value)
        await expect(page.locator(".critical")).to_have_css("color", "rgb(1, 2, 3)")
        await expect(page.locator(".late")).to_have_css("color", "rgb(4, 5, 6)")
        await expect(page.locator(".late")).to_have_css("font-weight", "700")
        await page.evaluate("document.fonts.ready")
        assert "/icons.woff2" in elsewhere.requests
        assert [message for message in messages if "Content Security Policy" in message] == []

        violations = await page.evaluate(INJECT, elsewhere.address)
        assert violations == ["script-src-attr", "script-src-elem", "script-src-elem"]
        assert await html.get_attribute("data-evil") is None
        assert "/evil.js" not in elsewhere.requests


@pytest.mark.parametrize(("policy", "colors"), [("style-src 'none'", "rgb(0, 0, 0)"), ("", "rgb(4, 5, 6)")])
async def test_policy_is_a_setting(settings: Settings, page: Page, policy: str, colors: str) -> None:
    configured = settings.model_copy(update={"frontend_content_security_policy": policy})
    application: ASGIApp = create_application(configured)
    async with serving(application) as address:
        await page.goto(address)
        await expect(page.locator("html")).to_have_attribute("data-vite", "1")
        await expect(page.locator(".late")).to_have_css("color", colors)
