"""The composition root: settings, discovery, wiring, migrations and the command line."""
