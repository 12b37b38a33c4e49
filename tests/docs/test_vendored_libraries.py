"""The libraries of the example frontend are the listed files of npm packages, with their licenses."""

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "docs" / "frontend-example" / "vendor"
ROW = re.compile(
    r"^\| `([^`]+)` \| (?:@[^/]+/)?(\S+) \d[\d.]* \| .+ \| ([^|]+) \| `([0-9a-f]{64})` \|$", re.MULTILINE
)
LICENSE_NAMES = {"cdn-assets": "highlight.js"}
README = (VENDOR / "README.md").read_text(encoding="utf-8")


def test_every_file_is_listed_with_its_hash() -> None:
    listed = {name: digest for name, _, _, digest in ROW.findall(README)}
    files = {file.name: file for file in VENDOR.iterdir() if file.is_file() and file.name != "README.md"}
    assert listed == {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}


def test_every_package_has_its_license_file() -> None:
    packages = {LICENSE_NAMES.get(package, package) for _, package, _, _ in ROW.findall(README)}
    [included] = re.findall(r"^The file of markdown-it includes (.+)$", README, re.MULTILINE)
    packages |= set(re.findall(r"[a-z][\w.-]*[a-z]\b(?= |,)", re.sub(r"\(.+?\)|\band\b", "", included)))
    assert packages == {file.stem for file in (VENDOR / "licenses").iterdir()}
    assert {"entities", "mdurl", "uc.micro"} < packages


def test_page_loads_nothing_from_other_hosts() -> None:
    page = (VENDOR.parent / "index.html").read_text(encoding="utf-8")
    sources = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', page)
    assert [source for source in sources if not source.startswith(("/", "data:"))] == []
    for file in VENDOR.parent.glob("*.js"):
        imports = re.findall(
            r'^(?:import|\}) .*from "([^"]+)"', file.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert all(name.startswith("./") and (file.parent / name).is_file() for name in imports), file.name
