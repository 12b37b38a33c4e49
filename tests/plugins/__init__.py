"""Plugins from outside: installed beside Conduit, used, switched off and taken away."""
