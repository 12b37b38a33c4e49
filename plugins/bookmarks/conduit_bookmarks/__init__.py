"""Reading lists: articles that a reader has bookmarked."""
