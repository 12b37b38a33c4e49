"""End-to-end tests: processes, browsers and raw connections."""
