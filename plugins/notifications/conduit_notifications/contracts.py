"""The contracts of notifications: none yet."""

CONTRACT_VERSION = "1.0"
