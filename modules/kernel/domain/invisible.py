"""Characters that show nothing."""

import re
import unicodedata

# Default_Ignorable_Code_Point, unassigned ones included: DerivedCoreProperties.txt of Unicode 17.0,
# https://www.unicode.org/Public/17.0.0/ucd/. Python's unicodedata does not have the property.
DEFAULT_IGNORABLES = (
    "\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""The characters that are not displayed where they are not supported, for a class of a regular expression."""

DEFAULT_IGNORABLE = re.compile(f"[{DEFAULT_IGNORABLES}]+")
# Graphic characters of Unicode without a mark: the Braille pattern without dots, and the null note head.
INVISIBLE = re.compile(f"[{DEFAULT_IGNORABLES}\u2800\U0001d159]")


def is_invisible(text: str) -> bool:
    """Return whether the text has nothing but white space, controls and characters that show nothing."""
    # Most text begins with a visible ASCII character.
    if "!" <= text[:1] <= "~":
        return False
    visible = INVISIBLE.sub("", text)
    return all(character.isspace() or unicodedata.category(character) == "Cc" for character in visible)


def nfkc_casefold(text: str) -> str:
    """Return the text without differences of case, compatibility and default-ignorable characters.

    This is toNFKC_Casefold of the Unicode Standard, section 3.13, R5.
    """
    folded = unicodedata.normalize("NFKC", DEFAULT_IGNORABLE.sub("", text)).casefold()
    # Case folding decomposes some characters (U+0390), so normalize again.
    return unicodedata.normalize("NFKC", folded)
