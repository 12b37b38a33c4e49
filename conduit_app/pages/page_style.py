"""The style of Conduit's own pages: what they have in common, and what each adds."""

from pathlib import Path

COMMON = Path(__file__).with_name("page.css")


def page_style(own: Path) -> str:
    """Return the rules of every page and, after them, those of this file."""
    return COMMON.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")
