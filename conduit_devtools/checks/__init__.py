"""The architecture checks: what import contracts show, and what they cannot."""
