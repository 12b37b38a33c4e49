"""The Markdown renderer and the settings of feeds."""
