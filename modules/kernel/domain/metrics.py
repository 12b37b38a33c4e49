"""What a service counts and measures. The manifest says under which names `/metrics` has it."""

from collections.abc import Callable


class Counter:
    """Counts what happens, such as calls of another service. It is a singleton of the container."""

    def __init__(self) -> None:
        self.observers: list[Callable[[float], object]] = []
        """Functions that are called with each amount."""

    def increment(self, amount: float = 1) -> None:
        """Add the amount, which is not negative."""
        if amount < 0:
            raise ValueError("a counter only grows")
        for observe in self.observers:
            observe(amount)


class Histogram:
    """Records a value each time, such as a duration in seconds. It is a singleton of the container."""

    def __init__(self) -> None:
        self.observers: list[Callable[[float], object]] = []
        """Functions that are called with each value."""

    def record(self, value: float) -> None:
        """Record a value."""
        for observe in self.observers:
            observe(value)
