"""Deprecated alias of `conduit_devtools.testkit`, until 1.1."""

from importlib import import_module
from typing import Any
from warnings import warn

from conduit_app.devtools import PACKAGE

RENAMED = {"ModuleAlone": "ModuleTestApp", "module_alone": "boot_module"}


def __getattr__(name: str) -> Any:
    # The import system reads __path__.
    if name.startswith("__"):
        raise AttributeError(name)
    member = getattr(import_module(f"{PACKAGE}.testkit"), RENAMED.get(name, name))
    warn(f"{__name__} has moved: import {PACKAGE}.testkit", DeprecationWarning, stacklevel=2)
    return member
