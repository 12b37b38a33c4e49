"""What a module may be called."""

import pytest

from conduit_devtools.scaffold.naming import LONGEST, ModuleName, ModuleRefused


@pytest.mark.parametrize("text", ["notes", "reading_notes", "web2", "a", "x" * LONGEST, "match", "entry"])
def test_a_lower_case_identifier_is_a_name(text: str) -> None:
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
def test_anything_else_is_not(text: str) -> None:
    with pytest.raises(ModuleRefused, match=r"a name is made of lower-case letters, digits and single"):
        ModuleName(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("class", "a module cannot be called class: it is a keyword of Python"),
        ("kernel", "a module cannot be called kernel: it is what all modules share"),
        ("app", "a module cannot be called app: conduit_app is the application"),
        ("devtools", "a module cannot be called devtools: conduit_devtools is the developer tools"),
        ("sqlite", "a module cannot be called sqlite: SQLite keeps tables of this prefix for itself"),
        ("domain", "a module cannot be called domain: every module has a room of this name"),
        ("x" * 32, f"a module's name has at most 31 characters, {'x' * 32} has more"),
    ],
)
def test_what_is_reserved_or_too_long_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ModuleRefused) as refusal:
        ModuleName(text)
    assert str(refusal.value) == why


def test_the_longest_name_makes_no_name_that_postgresql_would_cut() -> None:
    assert len(f"ix_{'x' * LONGEST}_entry_owner_id_created_at_id") == 63


class TestBesideOthers:
    def test_a_name_that_nobody_has_is_free(self) -> None:
        ModuleName("article").refuse_if_taken({"articles", "users"})

    @pytest.mark.parametrize(
        ("text", "other", "why"),
        [
            ("comments", "comments", "there is a module called comments already"),
            (
                "comments_archive",
                "comments",
                "the tables of comments_archive and of comments could not be told apart by their prefix",
            ),
            (
                "comments",
                "comments_archive",
                "the tables of comments and of comments_archive could not be told apart by their prefix",
            ),
            ("kernel_tools", "users", "the tables of kernel_tools and of kernel could not be told apart"),
            ("sqlite_tools", "users", "the tables of sqlite_tools and of sqlite could not be told apart"),
            ("web_2", "web2", "the classes of web_2 would be called like those of web2"),
        ],
    )
    def test_one_that_would_clash_is_refused(self, text: str, other: str, why: str) -> None:
        with pytest.raises(ModuleRefused) as refusal:
            ModuleName(text).refuse_if_taken({other, "zebra"})
        assert str(refusal.value).startswith(why)
