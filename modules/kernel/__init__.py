"""The shared kernel: every module may import it; it imports no module."""
