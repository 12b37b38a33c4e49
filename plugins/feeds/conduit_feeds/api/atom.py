"""A feed as Atom: https://www.rfc-editor.org/rfc/rfc4287."""

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import Response

from conduit_feeds.domain.syndication import Entry, Feed
from modules.kernel.domain.clock import to_iso

NAMESPACE = "http://www.w3.org/2005/Atom"
# Characters that XML does not allow, not even as references: https://www.w3.org/TR/xml/#charsets.
XML_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class AtomResponse(Response):
    """A response in Atom."""

    media_type = "application/atom+xml"


def atom(feed: Feed) -> bytes:
    """Return the feed as an Atom document in UTF-8."""
    root = Element("feed", xmlns=NAMESPACE)
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    _add(root, "updated", to_iso(feed.updated))
    _link(root, "self", AtomResponse.media_type, feed.atom_url)
    _link(root, "alternate", "text/html", feed.page_url)
    for entry in feed.entries:
        _add_entry(root, entry)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add_entry(root: Element, entry: Entry) -> None:
    element = SubElement(root, "entry")
    _add(element, "id", entry.id)
    _add(element, "title", entry.title)
    _add(element, "updated", to_iso(entry.updated))
    _add(element, "published", to_iso(entry.published))
    _link(element, "alternate", "text/html", entry.url)
    author = SubElement(element, "author")
    _add(author, "name", entry.author)
    _add(author, "uri", entry.author_url)
    for tag in entry.tags:
        SubElement(element, "category", term=_xml_safe(tag))
    _add(element, "summary", entry.summary)
    if entry.html is not None:
        _add(element, "content", entry.html).set("type", "html")


def _link(parent: Element, relation: str, kind: str, url: str) -> None:
    SubElement(parent, "link", rel=relation, type=kind, href=url)


def _add(parent: Element, name: str, text: str) -> Element:
    element = SubElement(parent, name)
    element.text = _xml_safe(text)
    return element


def _xml_safe(text: str) -> str:
    return XML_INVALID.sub("\ufffd", text)
