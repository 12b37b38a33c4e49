"""How accounts, password hashes and tokens are kept."""
