"""What modules share at the edge: errors, fields, authentication and routers of HTTP."""
