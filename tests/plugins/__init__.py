"""Plugins with Conduit: discovered, installed, disabled and uninstalled."""
