"""The shared kernel: what every module may lean on. It knows no module."""
