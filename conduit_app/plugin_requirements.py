"""The versions of Conduit that a plugin declares: `pip install --no-deps` does not compare them."""

from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conduit_app.distribution import DISTRIBUTION, installed_version


def requirement_misfit(requirements: Iterable[str]) -> str | None:
    """Return why the installed Conduit is not in the range that a plugin's requirements declare, or None.

    A pre-release is in the range that its number is in.
    """
    ranges = [
        requirement.specifier
        for requirement in map(Requirement, requirements)
        if canonicalize_name(requirement.name) == DISTRIBUTION
        and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    ]
    installed = installed_version()
    if not ranges:
        return f"declares no dependency on {DISTRIBUTION}, of which {installed} is installed"
    misfits = (str(declared) for declared in ranges if not declared.contains(installed, prereleases=True))
    declared = next(misfits, None)
    return None if declared is None else f"needs {DISTRIBUTION} {declared}, and {installed} is installed"
