"""Restrictions of who sees an article, by the policies of other modules."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from modules.articles.contracts import (
    MAX_RESTRICTED_ARTICLES,
    ArticleId,
    ArticlesMadePublic,
    ArticlesRestricted,
)
from modules.kernel.domain.batches import batches
from modules.kernel.domain.events import EventPublisher
from modules.kernel.domain.unit_of_work import UnitOfWork


class RestrictionRepository(Protocol):
    """Stores restrictions. An article has at most one of each policy, and without any it is public."""

    async def add(self, ids: Collection[ArticleId], policy: str, audience: str) -> Sequence[ArticleId]:
        """Insert or update the restrictions of the existing articles; return those that were public."""
        ...

    async def delete(self, ids: Collection[ArticleId], policy: str) -> Sequence[ArticleId]:
        """Delete restrictions, and return the articles that are public now and were not before."""
        ...

    async def audiences(self, ids: Collection[ArticleId], policy: str) -> Mapping[ArticleId, str]:
        """Return the audiences, by id, to which the policy restricts articles."""
        ...


class RestrictionService:
    """The use cases of restrictions: the contract `ArticleRestrictions`."""

    def __init__(
        self, unit_of_work: UnitOfWork, restrictions: RestrictionRepository, events: EventPublisher
    ) -> None:
        self._unit_of_work = unit_of_work
        self._restrictions = restrictions
        self._events = events

    async def restrict(self, ids: Collection[ArticleId], policy: str, audience: str) -> None:
        """Restrict articles, and publish `ArticlesRestricted` about those that were public."""
        async with self._unit_of_work.long_transaction():
            restricted = await self._restrictions.add(ids, policy, audience)
            for batch in batches(restricted, MAX_RESTRICTED_ARTICLES):
                await self._events.publish(ArticlesRestricted(batch[0], tuple(batch)))

    async def lift(self, ids: Collection[ArticleId], policy: str) -> None:
        """Lift restrictions, and publish `ArticlesMadePublic` about the articles without another one."""
        async with self._unit_of_work.long_transaction():
            public = await self._restrictions.delete(ids, policy)
            for batch in batches(public, MAX_RESTRICTED_ARTICLES):
                await self._events.publish(ArticlesMadePublic(batch[0], tuple(batch)))

    async def restricted(self, ids: Collection[ArticleId], policy: str) -> Mapping[ArticleId, str]:
        """Return the audiences, by id, to which the policy restricts articles."""
        return await self._restrictions.audiences(ids, policy)
