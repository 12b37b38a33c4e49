"""The choice of the engine's word index."""

from conduit_search.infrastructure.fts5 import Fts5Words
from conduit_search.infrastructure.index import WordIndex
from conduit_search.infrastructure.tsvector import TsvectorWords
from modules.kernel.infrastructure.persistence.database import Database


def word_index(database: Database) -> WordIndex:
    """Return the word index of the database's engine."""
    return Fts5Words(database) if database.dialect == "sqlite" else TsvectorWords(database)
