"""What the demo town's pages are given to show. All words come in the language of the request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose shoes one can step into. `does` and `can` say what they do here, `icon` names a symbol of icons.svg."""

    key: str
    name: str
    role: str
    does: str
    link_text: str
    icon: str
    can: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it is to be read (`12,50`) and the words that make it mean something. `coin` marks an amount of coins."""

    value: str
    words: str
    coin: bool = False


@dataclass(frozen=True, slots=True)
class Badge:
    """A state: words, the icon beside them, and kind "", ok, warn, bad or info."""

    words: str
    icon: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list: what it is, more about it, an amount or count at its end, its state, and the id it can be looked up by."""

    title: str
    detail: str = ""
    value: str = ""
    badge: Badge | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One question and its answer. `link` is the address of the JSON the answer was read from. Neither figures nor rows: nothing yet."""

    title: str
    sentence: str = ""
    figures: tuple[Figure, ...] = ()
    rows: tuple[Row, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """How far the town's first weeks have been lived. `sentence` tells the day at hand; `failed` says why it stopped, if it did."""

    done_days: int
    total_days: int
    sentence: str = ""
    finished: bool = False
    failed: str | None = None

    @property
    def over(self) -> bool:
        return self.finished or self.failed is not None


@dataclass(frozen=True, slots=True)
class Document:
    """A generated document under /docs: `room` is a service's name, or `events` for the AsyncAPI document of all."""

    room: str
    href: str


class DemoView(Protocol):
    """The town as its pages see it. Read on every request, so it is always what the town is now."""

    town: str
    population: int
    people: Sequence[Person]
    documents: Sequence[Document]

    def history(self) -> History: ...

    def sections(self, key: str) -> Sequence[Section]:
        """What the person sees now, the most important answer first."""
        ...

    def enter(self, key: str) -> str | None:
        """Sign whoever looks in as this person; the address of their first screen, None where there is none yet."""
        ...
