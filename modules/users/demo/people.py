"""The people of a demonstration."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from modules.kernel.demo.demo import Demo
from modules.kernel.demo.demo_random import DemoRandom
from modules.kernel.domain.batches import batches
from modules.kernel.infrastructure.persistence.bulk_insert import bulk_insert_returning_ids
from modules.kernel.infrastructure.persistence.database import Database
from modules.users.domain.account import NewAccount
from modules.users.domain.credentials import Credentials
from modules.users.domain.values import Bio, Email, Image, Password, Username
from modules.users.infrastructure.accounts import account_row
from modules.users.infrastructure.tables import AccountRow

MIN_USERS = 50
ARTICLES_PER_USER = 10
PASSWORD = Password("password123")

# Given names, then family names, of one place a line.
NAMES = [
    ("Ama Kofi Efua Kwame Abena Yaw", "Mensah Owusu Boateng Asante Addo Darko"),
    ("Anna Zofia Jakub Marek Hanna Piotr", "Kowalska Nowak Zielinski Mazur Wrona Lis"),
    ("Mei Wei Jing Hao Lan Bo", "Chen Lin Zhao Huang Wu Tang"),
    ("Aiko Hiroshi Yuki Kenji Naoko Ren", "Tanaka Mori Suzuki Ito Kimura Hayashi"),
    ("Priya Arjun Kavya Rohan Meera Vikram", "Sharma Iyer Patel Menon Rao Kapoor"),
    ("Lucia Mateo Camila Diego Valeria Andres", "Garcia Rojas Vega Castro Navarro Molina"),
    ("Ines Tiago Beatriz Rui Marta Caio", "Silva Almeida Rocha Nunes Pereira Duarte"),
    ("Amelie Hugo Chloe Louis Margot Remi", "Dubois Lefevre Moreau Garnier Roux Fontaine"),
    ("Greta Jonas Frieda Lukas Heidi Moritz", "Schmidt Keller Vogel Brandt Huber Lang"),
    ("Astrid Erik Ingrid Lars Freja Nils", "Holm Lindqvist Berg Dahl Nygaard Strand"),
    ("Leila Omar Nadia Karim Salma Youssef", "Haddad Mansour Khalil Nasser Aziz Farah"),
    ("Elif Emre Defne Can Zeynep Kaan", "Yilmaz Demir Kaya Aydin Arslan Koc"),
    ("Grace Owen Nora Callum Maeve Finn", "Walsh Hughes Murray Byrne Fraser Doyle"),
    ("Zanele Thabo Lerato Sipho Naledi Musa", "Dlamini Nkosi Khumalo Zulu Mokoena Sithole"),
    ("Linh Minh Thao Quang Huong Duc", "Nguyen Tran Pham Hoang Vo Dang"),
    ("Irina Dmytro Oksana Taras Vira Bohdan", "Kovalenko Shevchuk Bondar Melnyk Tkach Moroz"),
]
USERNAMES = ["{given}.{family}", "{given}_{family}", "{given}{family}", "{family}-{given}"]

WORK = [
    "Backend engineer", "Frontend developer", "Database administrator", "Product designer", "Data analyst",
    "Site reliability engineer", "Computer science teacher", "Technical writer", "Freelance developer",
    "Mobile developer", "Open-source maintainer", "Engineering manager", "Security engineer", "Student",
]  # fmt: skip
PLACES = [
    "Accra", "Kraków", "Taipei", "Kyoto", "Bengaluru", "Bogotá", "Lisbon", "Lyon", "Hamburg", "Malmö",
    "Beirut", "Izmir", "Galway", "Durban", "Hanoi", "Lviv", "Montréal", "Wellington", "Nairobi", "Chicago",
]  # fmt: skip
INTERESTS = [
    "small tools that do one thing", "readable code", "maps", "sourdough", "slow trains", "type systems",
    "old synthesizers", "long walks", "databases", "birds", "typography", "puzzles", "chess",
    "accessible design", "mechanical keyboards", "community gardens", "good error messages",
    "science fiction", "bicycles", "pottery",
]  # fmt: skip
BIOS = [
    "{work} in {place}. I write about {this} and {that}.",
    "{work}. Fond of {this} and {that}.",
    "{work} from {place}, mostly thinking about {this}.",
    "I live in {place} and care about {this}. {work} by day.",
    "{work}. Ask me about {this}, or about {that}.",
]
COLORS = ["264653", "2a6f97", "6a4c93", "8f2d56", "b5523b", "7a5c00", "2f6b3f", "00695c", "4a4e69", "5d4037"]
AVATAR = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path fill="#{color}" d="M0 0h9v9H0z"/>'
    '<text x="4.5" y="5.9" font-family="sans-serif" font-size="4" fill="#fff" text-anchor="middle">'
    "{initials}</text></svg>"
)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the demonstration."""

    username: Username
    email: Email
    bio: Bio | None
    image: Image | None

    def row(self, password_hash: str) -> dict[str, Any]:
        """Return the row of this user's account."""
        return account_row(NewAccount(self.username, self.email, password_hash)) | {
            "bio": self.bio.text if self.bio else None,
            "image": self.image.text if self.image else None,
        }


async def insert_people(database: Database, credentials: Credentials, demo: Demo) -> None:
    """Insert accounts, which all have the same password; raise `CommonPassword`."""
    number = max(MIN_USERS, demo.articles // ARTICLES_PER_USER)
    demo.progress.begin("users", number)
    made: list[int] = []
    # Hashed once: hashing it for each would take tens of milliseconds a user.
    password_hash = await credentials.hash_new(PASSWORD)
    for batch in batches(islice(people(demo.chance("users")), number)):
        rows = [person.row(password_hash) for person in batch]
        async with database.transaction() as session:
            made += await bulk_insert_returning_ids(session, AccountRow, rows)
        demo.progress.advance(len(batch))
    demo.made["users"] = made
    demo.remarks.append(f"log in as john@example.com with the password {PASSWORD.text}, as everyone has it")


def people(chance: DemoRandom) -> Iterator[Person]:
    """Yield people for ever, the visitor first; no two have the same name."""
    yield Person(
        Username("johndoe"),
        Email("john@example.com"),
        Bio("I try things out here, so that nobody else has to."),
        _avatar("JD", COLORS[0]),
    )
    for given, family, number in _names():
        style = USERNAMES[(number + len(given + family)) % len(USERNAMES)]
        name = style.format(given=given, family=family).lower() + (f"{number}" if number else "")
        yield Person(
            Username(name),
            Email(f"{name}@example.com"),
            # Some people never fill in their profiles, and frontends have to show them too.
            None if chance.below(12) == 0 else _bio(chance),
            None if chance.below(12) == 0 else _avatar(given[0] + family[0], chance.pick(COLORS)),
        )


def _names() -> Iterator[tuple[str, str, int]]:
    """Yield given and family names, all places in turn, for ever; the number tells namesakes apart."""
    places = [(given.split(), family.split()) for given, family in NAMES]
    number = 0
    while True:
        for turn in range(len(places[0][0]) * len(places[0][1])):
            for given, family in places:
                # A Latin square: every pair has its turn, and neighbours share neither name.
                yield given[turn % len(given)], family[(turn + turn // len(given)) % len(family)], number
        number += 1


def _bio(chance: DemoRandom) -> Bio:
    this, that = chance.some(INTERESTS, 2)
    work, place = chance.pick(WORK), chance.pick(PLACES)
    return Bio(chance.pick(BIOS).format(work=work, place=place, this=this, that=that))


def _avatar(initials: str, color: str) -> Image:
    picture = AVATAR.format(initials=initials, color=color)
    return Image(f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}")
