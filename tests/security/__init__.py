"""What docs/security.md promises, where no module's own tests show it."""
