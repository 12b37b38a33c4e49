"""The page /architecture: content, availability, and security policy."""

import base64
import hashlib
import re
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI

from conduit_app.application import create_application
from conduit_app.composition import Composition
from conduit_app.discovery import discover
from conduit_app.module_catalog import ModuleDescription, describe_modules
from conduit_app.settings import Settings
from conduit_devtools.architecture.page import render_page
from tests.client import Api
from tests.conftest import SECRET


@pytest.fixture
async def page(api: Api) -> str:
    """Return the HTML of the page."""
    response = await api.outside("GET", "/architecture")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.text


def parsed(page: str) -> ElementTree.Element:
    """Return the root element. The page is well-formed XML."""
    return ElementTree.fromstring(page)  # noqa: S314 - our own page


def texts(canvas: ElementTree.Element, row: str) -> list[str]:
    """Return the entries of one row of a canvas."""
    return ["".join(item.itertext()) for item in canvas.iterfind(f".//div[@class='{row}']//li")]


class TestContent:
    async def test_every_module_has_a_canvas(
        self, page: str, composition: Composition, application: FastAPI
    ) -> None:
        modules = describe_modules(composition, application)
        canvases = {canvas.get("id"): canvas for canvas in parsed(page).iter("article")}
        assert list(canvases) == [f"module-{module.name}" for module in modules]
        for module in modules:
            canvas = canvases[f"module-{module.name}"]
            needs = [f"{contract} of {provider}" for contract, provider in module.needs.items()]
            handles = [f"{event} of {publisher}" for event, publisher in module.handles.items()]
            assert canvas.findtext("h3") == f"{module.name} "
            assert canvas.findtext("h3/small") == module.version
            assert canvas.findtext("p") == module.summary
            assert texts(canvas, "needs") == (needs or ["nothing"])
            assert texts(canvas, "offers") == (list(module.offers) or ["nothing"])
            assert texts(canvas, "handles") == (handles or ["nothing"])
            assert texts(canvas, "publishes") == (list(module.publishes) or ["nothing"])
            assert texts(canvas, "routes") == (list(module.routes) or ["nothing"])
            assert texts(canvas, "tables") == (list(module.tables) or ["nothing"])

    async def test_links_reference_ids_of_the_page(self, page: str) -> None:
        ids = {element.get("id") for element in parsed(page).iter()}
        links = [link.get("href", "") for link in parsed(page).iterfind("body/main//a")]
        assert links
        assert {link.removeprefix("#") for link in links} <= ids

    async def test_diagram_has_a_text_alternative(self, page: str) -> None:
        diagram = parsed(page).find(".//svg[@role='group']")
        assert diagram is not None
        assert diagram.findtext("title") == "Modules and their dependencies"
        assert "comments needs ArticleDirectory of articles" in diagram.findtext("desc", "")
        assert "comments handles ArticlesDeleted of articles" in diagram.findtext("desc", "")

    async def test_disabled_module_is_not_shown(self, settings: Settings) -> None:
        without = settings.model_copy(update={"disabled_modules": ("comments",)})
        response = await Api(create_application(without)).outside("GET", "/architecture")
        canvases = [canvas.get("id") for canvas in parsed(response.text).iter("article")]
        assert "module-articles" in canvases
        assert "module-comments" not in canvases

    async def test_page_without_modules(self, settings: Settings) -> None:
        names = tuple(module.name for module in discover())
        empty = settings.model_copy(update={"disabled_modules": names})
        response = await Api(create_application(empty)).outside("GET", "/architecture")
        assert "0 modules" in response.text


class TestAvailability:
    async def test_page_does_not_exist_in_production(self, settings: Settings) -> None:
        production = settings.model_copy(update={"environment": "production", "secret_key": SECRET})
        response = await Api(create_application(production)).outside("GET", "/architecture")
        assert response.status_code == 404
        assert response.json() == {"errors": {"path": ["not found"]}}

    async def test_page_is_not_in_the_openapi_document(self, application: FastAPI) -> None:
        assert "/architecture" not in application.openapi()["paths"]


class TestSecurity:
    async def test_policy_allows_only_the_inline_style(self, api: Api) -> None:
        response = await api.outside("GET", "/architecture")
        [style] = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert response.headers["content-security-policy"] == (
            f"default-src 'none'; style-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert response.headers["x-content-type-options"] == "nosniff"

    async def test_page_has_no_script_and_no_external_resource(self, page: str) -> None:
        elements = list(parsed(page).iter())
        assert {"script", "link", "img", "iframe", "use", "image"}.isdisjoint(
            element.tag for element in elements
        )
        attributes = {name for element in elements for name in element.keys()}  # noqa: SIM118 - no mapping
        assert not {name for name in attributes if name.startswith("on")}
        assert {"src", "style", "srcset"}.isdisjoint(attributes)
        assert "://" not in page
        assert "url(" not in page
        assert "@import" not in page

    @pytest.mark.parametrize(
        "hostile",
        ["<script>alert(1)</script>", '"><b onclick="x">', "a&amp;b", "'}</style>", "--><!--"],
    )
    def test_module_names_are_escaped(self, hostile: str) -> None:
        modules = [
            ModuleDescription(
                hostile, hostile, hostile, {}, [hostile], [f"GET {hostile}"], [hostile], [hostile], {}
            ),
            ModuleDescription("other", "1", "", {hostile: hostile}, [], [], [], [], {hostile: hostile}),
        ]
        page = parsed(render_page(modules))
        assert not list(page.iter("script"))
        assert not [element for element in page.iter() if element.get("onclick")]
        first, second = page.iter("article")
        assert texts(first, "offers") == texts(first, "tables") == texts(first, "publishes") == [hostile]
        assert texts(first, "routes") == [f"GET {hostile}"]
        assert texts(second, "needs") == [f"{hostile} of {hostile}"]
        assert texts(second, "handles") == [f"{hostile} of {hostile}"]
        assert [text.text for text in page.iter("text") if text.get("class") == "name"] == ["other", hostile]
