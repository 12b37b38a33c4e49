"""The proofs of what Conduit promises."""
