"""The page /architecture: what it shows, to whom, and under which policy."""

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
    """Return the page as it is served."""
    answer = await api.outside("GET", "/architecture")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def parsed(page: str) -> ElementTree.Element:
    """Return the page's elements: it is HTML that any XML parser reads."""
    return ElementTree.fromstring(page)  # noqa: S314 - our own page


def texts(canvas: ElementTree.Element, row: str) -> list[str]:
    """Return the entries of one row of a canvas."""
    return ["".join(item.itertext()) for item in canvas.iterfind(f".//div[@class='{row}']//li")]


class TestForDevelopers:
    async def test_every_module_has_a_canvas_that_tells_what_its_card_tells(
        self, page: str, composition: Composition, application: FastAPI
    ) -> None:
        house = describe_modules(composition, application)
        canvases = {canvas.get("id"): canvas for canvas in parsed(page).iter("article")}
        assert list(canvases) == [f"module-{card.name}" for card in house]
        for card in house:
            canvas = canvases[f"module-{card.name}"]
            needs = [f"{contract} of {module}" for contract, module in card.needs.items()]
            handles = [f"{event} of {module}" for event, module in card.handles.items()]
            assert canvas.findtext("h3") == f"{card.name} "
            assert canvas.findtext("h3/small") == card.version
            assert canvas.findtext("p") == card.summary
            assert texts(canvas, "needs") == (needs or ["nothing"])
            assert texts(canvas, "offers") == (list(card.offers) or ["nothing"])
            assert texts(canvas, "handles") == (handles or ["nothing"])
            assert texts(canvas, "publishes") == (list(card.publishes) or ["nothing"])
            assert texts(canvas, "routes") == (list(card.routes) or ["nothing"])
            assert texts(canvas, "tables") == (list(card.tables) or ["nothing"])

    async def test_every_link_leads_to_something_on_the_page(self, page: str) -> None:
        ids = {element.get("id") for element in parsed(page).iter()}
        links = [link.get("href", "") for link in parsed(page).iter("a")]
        assert links
        assert {link.removeprefix("#") for link in links} <= ids

    async def test_whoever_cannot_see_the_picture_is_told_it(self, page: str) -> None:
        picture = parsed(page).find(".//svg[@role='group']")
        assert picture is not None
        assert picture.findtext("title") == "The modules and what they need of each other"
        assert "comments needs ArticleDirectory of articles" in picture.findtext("desc", "")
        assert "comments hears ArticleDeleted of articles" in picture.findtext("desc", "")

    async def test_a_module_that_is_switched_off_is_not_shown(self, settings: Settings) -> None:
        without = settings.model_copy(update={"disabled_modules": ("comments",)})
        answer = await Api(create_application(without)).outside("GET", "/architecture")
        shown = [canvas.get("id") for canvas in parsed(answer.text).iter("article")]
        assert "module-articles" in shown
        assert "module-comments" not in shown

    async def test_a_house_without_modules_is_shown_too(self, settings: Settings) -> None:
        every = tuple(module.name for module in discover())
        empty = settings.model_copy(update={"disabled_modules": every})
        answer = await Api(create_application(empty)).outside("GET", "/architecture")
        assert "0 modules" in answer.text


class TestForNobodyElse:
    async def test_in_production_there_is_no_such_page(self, settings: Settings) -> None:
        production = settings.model_copy(update={"environment": "production", "secret_key": SECRET})
        answer = await Api(create_application(production)).outside("GET", "/architecture")
        assert answer.status_code == 404
        assert answer.json() == {"errors": {"path": ["not found"]}}

    async def test_the_document_of_the_api_does_not_mention_it(self, application: FastAPI) -> None:
        assert "/architecture" not in application.openapi()["paths"]


class TestWhatABrowserMayDo:
    async def test_the_policy_allows_the_one_style_and_nothing_else(self, api: Api) -> None:
        answer = await api.outside("GET", "/architecture")
        [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert answer.headers["content-security-policy"] == (
            f"default-src 'none'; style-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert answer.headers["x-content-type-options"] == "nosniff"

    async def test_the_page_fetches_nothing_and_runs_nothing(self, page: str) -> None:
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
    def test_whatever_a_module_is_called_is_text(self, hostile: str) -> None:
        house = [
            ModuleDescription(
                hostile, hostile, hostile, {}, [hostile], [f"GET {hostile}"], [hostile], [hostile], {}
            ),
            ModuleDescription("other", "1", "", {hostile: hostile}, [], [], [], [], {hostile: hostile}),
        ]
        page = parsed(render_page(house))
        assert not list(page.iter("script"))
        assert not [element for element in page.iter() if element.get("onclick")]
        first, second = page.iter("article")
        assert texts(first, "offers") == texts(first, "tables") == texts(first, "publishes") == [hostile]
        assert texts(first, "routes") == [f"GET {hostile}"]
        assert texts(second, "needs") == [f"{hostile} of {hostile}"]
        assert texts(second, "handles") == [f"{hostile} of {hostile}"]
        assert [text.text for text in page.iter("text") if text.get("class") == "name"] == ["other", hostile]
