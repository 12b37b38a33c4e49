"""The contracts of bookmarks: none yet."""

CONTRACT_VERSION = "1.0"
