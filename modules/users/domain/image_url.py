"""Safe URLs of images, serialized as the WHATWG URL standard does (https://url.spec.whatwg.org)."""

import re

from ada_url import URL

STRIPPED = "".join(map(chr, range(0x21)))
# Bitmaps only: an SVG may contain scripts and links, and HTML is a page. `image/jpg` is a common mistake for
# `image/jpeg`, which browsers display.
BITMAP = re.compile(r"data:image/(?:avif|gif|jpe?g|png|webp)[;,]", re.IGNORECASE)
LEADING_DOT_SEGMENTS = re.compile(r"^(?:\.\.?/)+")
# The standard escapes only some of these, and none in a data URL. They end an attribute in a page that builds
# its markup from strings.
ESCAPES = str.maketrans({character: f"%{ord(character):02X}" for character in "\"'<>` "})
# A relative reference is resolved against this URL. Its scheme is special in the standard, as http is; with
# http or https itself, `https:image.png` would be relative.
BASE = "ftp://relative.invalid"


def safe_image_url(text: str) -> str | None:
    """Return the URL or relative reference of an image in its serialized form, or None for any other text.

    Accepted are http and https URLs, relative references, and data URLs of bitmaps. Serializing the result
    again returns it unchanged. Quotation marks, angle brackets, backticks and blanks are percent-encoded.
    """
    text = text.strip(STRIPPED)
    try:
        url = URL(text)
    except ValueError:
        return _relative_reference(text)
    if url.protocol == "data:":
        return url.href.translate(ESCAPES) if BITMAP.match(url.href) else None
    return _escaped(url, url.href) if url.protocol in {"http:", "https:"} else None


def _relative_reference(text: str) -> str | None:
    try:
        url = URL(text, BASE)
    except ValueError:
        return None
    # Of another host, `//example.com/image.png`.
    reference = url.href.removeprefix(BASE).removeprefix("ftp:")
    if not text.startswith(("/", "\\")):
        # The base has no folders: what the reference leaves is known to the page only.
        reference = text.removesuffix(LEADING_DOT_SEGMENTS.sub("", text)) + reference.removeprefix("/")
    # Without its dot segments, `/.//example.com` would be of another host.
    return _escaped(url, reference) if URL(reference, BASE).href == url.href else None


def _escaped(url: URL, serialized: str) -> str | None:
    # The standard permits these characters in a host name and does not encode them. No host has such a name.
    if url.hostname != url.hostname.translate(ESCAPES):
        return None
    return serialized.translate(ESCAPES) or None
