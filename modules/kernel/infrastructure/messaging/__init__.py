"""Events between modules: event bus, outbox, dispatcher and signals."""
