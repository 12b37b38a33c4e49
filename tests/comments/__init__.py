"""The proofs of modules/comments."""
