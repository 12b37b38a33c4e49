"""The versions of Conduit that a plugin declares: `pip install --no-deps` does not compare them."""

from importlib.metadata import Distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conduit_app.distribution import DISTRIBUTION, installed_version


def requirement_misfit(plugin: Distribution) -> str | None:
    """Return why the installed Conduit is not in the range that a plugin declares, or None if it is.

    A pre-release is in the range that its number is in.
    """
    ranges = [
        requirement.specifier
        for requirement in map(Requirement, plugin.requires or ())
        if canonicalize_name(requirement.name) == DISTRIBUTION
        and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    ]
    installed = installed_version()
    if not ranges:
        return f"declares no dependency on {DISTRIBUTION}, of which {installed} is installed"
    misfits = (str(declared) for declared in ranges if not declared.contains(installed, prereleases=True))
    declared = next(misfits, None)
    return None if declared is None else f"needs {DISTRIBUTION} {declared}, and {installed} is installed"
