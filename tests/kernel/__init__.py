"""The proofs of modules/kernel."""
