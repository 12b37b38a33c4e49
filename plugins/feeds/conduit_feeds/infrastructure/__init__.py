"""How bodies become HTML, and the settings."""
