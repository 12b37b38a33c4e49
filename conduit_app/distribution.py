"""The installed distribution of Conduit."""

from importlib.metadata import version

DISTRIBUTION = "realworld-conduit"
"""The name on package indexes, where an unrelated project owns `conduit`."""


def installed_version() -> str:
    """Return the version of Conduit that is installed."""
    return version(DISTRIBUTION)
