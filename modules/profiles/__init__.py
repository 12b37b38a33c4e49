"""Public profiles, and who follows whom."""
