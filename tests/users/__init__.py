"""The proofs of modules/users."""
