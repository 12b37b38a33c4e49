"""The whole program from outside: processes, browsers, the wire."""
