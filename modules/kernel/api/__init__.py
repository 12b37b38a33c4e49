"""HTTP building blocks: routers, errors, fields, authentication, pagination and idempotency keys."""
