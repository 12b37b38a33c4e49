"""The proofs of modules/profiles."""
