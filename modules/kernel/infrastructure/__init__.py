"""Infrastructure that all modules share: persistence, messaging, settings and the idempotency store."""
