"""Valid, reserved and conflicting names of modules."""

import pytest

from conduit_devtools.scaffold.naming import MAX_LENGTH, InvalidModule, ModuleName


@pytest.mark.parametrize("text", ["notes", "reading_notes", "web2", "a", "x" * MAX_LENGTH, "match", "entry"])
def test_lower_case_identifier_is_valid(text: str) -> None:
    assert ModuleName(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Notes",
        "1st",
        "reading-notes",
        "_notes",
        "notes_",
        "reading__notes",
        "nötes",
        "a b",
        "a\n",
        "../x",
        "٣",
    ],
)
def test_other_text_is_invalid(text: str) -> None:
    with pytest.raises(InvalidModule, match="use lower-case letters, digits and single underscores"):
        ModuleName(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("class", "invalid module name class: it is a Python keyword"),
        ("kernel", "reserved module name kernel: modules/kernel is the shared kernel"),
        ("app", "reserved module name app: conduit_app is the application"),
        ("devtools", "reserved module name devtools: conduit_devtools is the developer tools"),
        ("sqlite", "reserved module name sqlite: SQLite reserves the prefix for its own tables"),
        ("domain", "reserved module name domain: every module has a layer of this name"),
        ("demo", "reserved module name demo: every module has a layer of this name"),
        ("x" * 32, f"invalid module name {'x' * 32}: longer than 31 characters"),
    ],
)
def test_reserved_or_too_long_name_is_invalid(text: str, why: str) -> None:
    with pytest.raises(InvalidModule) as raised:
        ModuleName(text)
    assert str(raised.value) == why


def test_longest_name_fits_the_identifiers_of_postgresql() -> None:
    assert len(f"ix_{'x' * MAX_LENGTH}_entry_owner_id_created_at_id") == 63


class TestConflicts:
    def test_new_name_is_available(self) -> None:
        ModuleName("article").require_available({"articles", "users"})

    @pytest.mark.parametrize(
        ("text", "other", "why"),
        [
            ("comments", "comments", "module comments already exists"),
            ("comments_archive", "comments", "the table prefixes of comments_archive and comments overlap"),
            ("comments", "comments_archive", "the table prefixes of comments and comments_archive overlap"),
            ("kernel_tools", "users", "the table prefixes of kernel_tools and kernel overlap"),
            ("sqlite_tools", "users", "the table prefixes of sqlite_tools and sqlite overlap"),
            ("web_2", "web2", "the class names of web_2 and web2 are the same"),
        ],
    )
    def test_conflicting_name_is_rejected(self, text: str, other: str, why: str) -> None:
        with pytest.raises(InvalidModule) as raised:
            ModuleName(text).require_available({other, "zebra"})
        assert str(raised.value) == why
