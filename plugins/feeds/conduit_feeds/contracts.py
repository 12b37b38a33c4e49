"""The contracts of feeds: none yet."""

CONTRACT_VERSION = "1.0"
