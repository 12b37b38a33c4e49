"""The style sheets of the HTML pages."""

from pathlib import Path

COMMON = Path(__file__).with_name("page.css")


def page_style(file: Path) -> str:
    """Return the common rules, followed by those of this file."""
    return COMMON.read_text(encoding="utf-8") + file.read_text(encoding="utf-8")
