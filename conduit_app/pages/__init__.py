"""HTML pages for developers."""
