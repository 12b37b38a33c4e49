"""The proofs of conduit_app: settings, composition, migrations, logs, probes and the command line."""
