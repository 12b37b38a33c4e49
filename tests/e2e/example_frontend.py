"""The example frontend in a browser: a running Conduit, the page on an origin, and what a visitor does."""

import hashlib
import re
import shutil
from base64 import b32encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from playwright.async_api import Page, expect
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from conduit_app.application import create_application
from conduit_app.settings import Settings
from tests.client import PASSWORD, Json
from tests.e2e.chromium import serving

FOLDER = Path(__file__).parents[2] / "docs" / "frontend-example"

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

    async def article(self, slug: str) -> Json:
        """Return an article."""
        response = await self.client.get(f"/articles/{slug}")
        assert response.status_code == 200, response.text
        article: Json = response.json()["article"]
        return article


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


def frontend_that_calls(address: str, folder: Path) -> ASGIApp:
    """Return an application that serves the frontend, configured with the API's address in this new folder.

    Like most servers of single-page applications, it serves the index page at every path without a file.
    """
    shutil.copytree(FOLDER, folder)
    index = folder / "index.html"
    page = index.read_text(encoding="utf-8")
    configured = page.replace(
        'name="conduit-api" content="/api"', f'name="conduit-api" content="{address}/api"'
    )
    assert configured != page
    index.write_text(configured, encoding="utf-8")

    async def serve_file(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            file = folder / scope["path"].lstrip("/")
            await FileResponse(file if file.is_file() else index)(scope, receive, send)

    return serve_file


def build_as_angular(folder: Path) -> Path:
    """Write the frontend to this new folder as Angular's builder would, and return the folder.

    Hashed names in the root, a base URL, preloaded chunks, critical styles inline, and the style sheet loaded
    by an event handler in the markup.
    """
    folder.mkdir()
    scripts = sorted([*FOLDER.rglob("*.js"), *FOLDER.rglob("*.mjs")])
    styles = sorted(FOLDER.rglob("*.css"))
    names = {file.name: _hashed(file) for file in scripts}
    for file in scripts:
        code = re.sub(
            r'from "\./(?:vendor/)?([^"]+)"',
            lambda found: f'from "./{names[found[1]]}"',
            file.read_text(encoding="utf-8"),
        )
        (folder / names[file.name]).write_text(code, encoding="utf-8")
    sheet = "\n".join(file.read_text(encoding="utf-8") for file in styles if "dark" not in file.name)
    (folder / "styles-5INURTSO.css").write_text(sheet, encoding="utf-8")
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    page = re.sub(r'<link rel="stylesheet".*\n|<script.*\n', "", page)
    chunks = "".join(f'<link rel="modulepreload" href="{name}">' for name in names.values())
    built = page.replace("<title>", '<base href="/"><title>').replace(
        "</head>",
        "<style>body{margin:0}</style>"
        '<link rel="stylesheet" href="styles-5INURTSO.css" media="print" onload="this.media=\'all\'">'
        '<noscript><link rel="stylesheet" href="styles-5INURTSO.css"></noscript></head>',
    )
    built = built.replace(
        "</body>", f'{chunks}<script src="{names["app.js"]}" type="module"></script></body>'
    )
    (folder / "index.html").write_text(built, encoding="utf-8")
    return folder


def _hashed(file: Path) -> str:
    digest = b32encode(hashlib.sha256(file.read_bytes()).digest()).decode()[:8]
    return f"{'main' if file.name == 'app.js' else 'chunk'}-{digest}.js"


async def fill(page: Page, **typed: str) -> None:
    """Fill in fields of the form, by the beginning of their labels."""
    for label, text in typed.items():
        await page.get_by_label(re.compile(f"^{label}")).fill(text)


async def press(page: Page, action: str) -> None:
    """Press the button of a form or of the page."""
    await page.get_by_role("button", name=action, exact=True).click()


async def confirm(page: Page, action: str, **typed: str) -> None:
    """Press a button that asks first, and confirm in its dialog."""
    await page.get_by_role("main").get_by_role("button", name=action, exact=True).first.click()
    for label, text in typed.items():
        await page.get_by_role("dialog").get_by_label(label).fill(text)
    await page.get_by_role("dialog").get_by_role("button", name=action).click()


async def sign_up(page: Page, origin: str, name: str) -> None:
    """Register in the browser."""
    await page.goto(f"{origin}/register")
    await fill(page, Name=name, Password=PASSWORD, **{"E-mail": f"{name}@example.com"})
    await press(page, "Sign up")
    await expect(page.get_by_role("link", name="Sign out")).to_be_visible()


async def sign_in(page: Page, origin: str, name: str, password: str = PASSWORD) -> None:
    """Fill in and send the form, whatever comes of it."""
    await page.goto(f"{origin}/login")
    await fill(page, **{"E-mail": f"{name}@example.com", "Password": password})
    await press(page, "Sign in")


async def signed_in(page: Page, origin: str, name: str, password: str = PASSWORD) -> None:
    """Sign in."""
    await sign_in(page, origin, name, password)
    await expect(page.get_by_role("link", name="Sign out")).to_be_visible()
