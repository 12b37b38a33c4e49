"""The proofs of conduit_app/new_module: what it refuses, and that what it writes passes everything."""
