"""The architecture checks: import contracts, and rules that imports cannot show."""
