"""Demo users."""

import struct
import zlib
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

# Given names and family names, one region per line.
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
    "{work} in {place}. I write about {first} and {second}.",
    "{work}. Fond of {first} and {second}.",
    "{work} from {place}, mostly thinking about {first}.",
    "I live in {place} and care about {first}. {work} by day.",
    "{work}. Ask me about {first}, or about {second}.",
]
COLORS = ["264653", "2a6f97", "6a4c93", "8f2d56", "b5523b", "7a5c00", "2f6b3f", "00695c", "4a4e69", "5d4037"]
# A picture of colored and light cells: as wide as high, with the same left and right halves.
LIGHT = "f2f2f2"
CELLS = 7
CELL_PIXELS = 12


@dataclass(frozen=True, slots=True)
class Person:
    """A demo user."""

    username: Username
    email: Email
    bio: Bio | None
    image: Image | None

    def row(self, password_hash: str) -> dict[str, Any]:
        """Return the column values of this user's account."""
        return account_row(NewAccount(self.username, self.email, password_hash)) | {
            "bio": self.bio.text if self.bio else None,
            "image": self.image.text if self.image else None,
        }


async def insert_people(database: Database, credentials: Credentials, demo: Demo) -> None:
    """Insert accounts that share one password; raise `CommonPassword`."""
    count = max(MIN_USERS, demo.articles // ARTICLES_PER_USER)
    demo.progress.begin("users", count)
    user_ids: list[int] = []
    # Hashed once: hashing takes tens of milliseconds.
    password_hash = await credentials.hash_new(PASSWORD)
    for batch in batches(islice(people(demo.chance("users")), count)):
        rows = [person.row(password_hash) for person in batch]
        async with database.transaction() as session:
            user_ids += await bulk_insert_returning_ids(session, AccountRow, rows)
        demo.progress.advance(len(batch))
    demo.made["users"] = user_ids
    demo.remarks.append(
        f"log in as john@example.com with the password {PASSWORD.text}, which all users share"
    )


def people(random: DemoRandom) -> Iterator[Person]:
    """Yield demo users without end, the visitor first; usernames are unique."""
    yield Person(
        Username("johndoe"),
        Email("john@example.com"),
        Bio("I try things out here, so that nobody else has to."),
        _avatar(random, COLORS[0]),
    )
    for given, family, number in _names():
        style = USERNAMES[(number + len(given + family)) % len(USERNAMES)]
        name = style.format(given=given, family=family).lower() + (f"{number}" if number else "")
        yield Person(
            Username(name),
            Email(f"{name}@example.com"),
            # Some profiles are incomplete, because frontends must be able to show those too.
            None if random.below(12) == 0 else _bio(random),
            None if random.below(12) == 0 else _avatar(random, random.pick(COLORS)),
        )


def _names() -> Iterator[tuple[str, str, int]]:
    """Yield given and family names without end, by region in turn; the number distinguishes namesakes."""
    regions = [(given.split(), family.split()) for given, family in NAMES]
    number = 0
    while True:
        for turn in range(len(regions[0][0]) * len(regions[0][1])):
            for given, family in regions:
                # A Latin square: it yields every pair, and consecutive pairs share neither name.
                yield given[turn % len(given)], family[(turn + turn // len(given)) % len(family)], number
        number += 1


def _bio(random: DemoRandom) -> Bio:
    first, second = random.some(INTERESTS, 2)
    work, place = random.pick(WORK), random.pick(PLACES)
    return Bio(random.pick(BIOS).format(work=work, place=place, first=first, second=second))


def _avatar(random: DemoRandom, color: str) -> Image:
    """Return a picture in two colors, as a data URL of a PNG (RFC 2083) with one bit for each pixel."""
    rows = [_cells(random) for _ in range(CELLS - 2)]
    blank = [0] * CELLS
    pixels = b"".join(_scanline(row) * CELL_PIXELS for row in [blank, *rows, blank])
    size = CELLS * CELL_PIXELS
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 1, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes.fromhex(LIGHT + color)),
            _chunk(b"IDAT", zlib.compress(pixels, 9)),
            _chunk(b"IEND", b""),
        ]
    )
    return Image(f"data:image/png;base64,{b64encode(png).decode()}")


def _cells(random: DemoRandom) -> list[int]:
    half = [random.below(2) for _ in range(CELLS // 2)]
    return [0, *half, *reversed(half[:-1]), 0]


def _scanline(cells: list[int]) -> bytes:
    bits = "".join(str(cell) * CELL_PIXELS for cell in cells)
    bits = bits.ljust(-len(bits) // 8 * -8, "0")
    # The filter type of the line, 0, precedes its pixels.
    return b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
