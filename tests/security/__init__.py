"""The promises of docs/security.md that no module's own tests cover."""
