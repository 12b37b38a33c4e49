"""The comparison of what each module publishes with the base of a change."""
