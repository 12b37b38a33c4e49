"""The proofs of modules/articles."""
