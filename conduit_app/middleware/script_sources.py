"""The sources of the scripts in an HTML page, for its content security policy."""

import base64
import hashlib
import re
from collections.abc import Sequence
from html.parser import HTMLParser

LINE_END = re.compile(r"\r\n?")
# A host and a path, as CSP 3, 2.3.1 has them; the scheme of the page applies where there is none.
OF_ANOTHER_HOST = re.compile(r"(?://|https?://)[^/?#;,\s'\"]+[^?#;,\s'\"]*", re.IGNORECASE)

Attributes = list[tuple[str, str | None]]


def script_sources(page: bytes) -> str:
    """Return the CSP source expressions of the scripts that a page names itself (CSP 3, 2.3.1).

    These are the hashes of its inline scripts and event handlers, and the URLs of scripts of other hosts.
    """
    # The parser of a browser sees no other line ends, and the hashes are of what it sees.
    parser = _Scripts(LINE_END.sub("\n", page.decode("utf-8-sig", errors="replace")))
    hashes = [hash_source(script) for script in parser.scripts]
    if parser.handlers:
        # Without it, hashes allow no handlers.
        hashes += ["'unsafe-hashes'", *map(hash_source, parser.handlers)]
    return " ".join(dict.fromkeys([*hashes, *parser.urls]))


def hash_source(script: str) -> str:
    """Return the hash of a script as a CSP source expression."""
    digest = hashlib.sha256(script.encode("utf-8", errors="replace")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


class _Scripts(HTMLParser):
    """The inline scripts, event handlers and URLs of scripts of other hosts in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.urls: list[str] = []
        self._is_inline = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        self.handlers += [value for name, value in attrs if name.startswith("on") and value]
        if tag != "script":
            return
        sources = _values(attrs, "src")
        self._is_inline = not sources
        if self._is_inline:
            self.scripts.append("")
        self.urls += [found[0].removeprefix("//") for src in sources if (found := OF_ANOTHER_HOST.match(src))]

    def handle_data(self, data: str) -> None:
        # The parser may pass the text of one script in parts.
        if self._is_inline and self.cdata_elem == "script":
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._is_inline = False


def _values(attrs: Attributes, name: str) -> Sequence[str]:
    return [(value or "").strip() for key, value in attrs if key == name]
