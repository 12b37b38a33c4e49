"""Demo follows."""
