"""The style sheets of the HTML pages."""

from pathlib import Path

COMMON = [Path(__file__).with_name(name) for name in ("page.css", "top_bar.css")]


def page_style(*files: Path) -> str:
    """Return the common rules, followed by those of these files."""
    return "".join(file.read_text(encoding="utf-8") for file in (*COMMON, *files))
