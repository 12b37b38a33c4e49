"""Fakes of the contracts that comments requires."""

from modules.articles.contracts import ArticleId
from modules.articles.fakes import FakeArticleDirectory
from modules.kernel.fakes import AmbientUnitOfWork, FakeTokenVerifier
from modules.profiles.fakes import FakeProfileReader


class UpstreamFakes:
    """Fakes with the users jake, anna and carl, and jake's articles "dragons" and "knights"."""

    def __init__(self, unit_of_work: AmbientUnitOfWork) -> None:
        self.tokens = FakeTokenVerifier()
        self.profiles = FakeProfileReader()
        self.articles = FakeArticleDirectory(unit_of_work, self.profiles)
        self.users = {name: self.profiles.add(name) for name in ("jake", "anna", "carl")}
        self.dragons, self.knights = self._article("dragons"), self._article("knights")

    def _article(self, slug: str) -> ArticleId:
        return self.articles.add(slug, author=self.users["jake"])
