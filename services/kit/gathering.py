"""What an app asks for one screen: questions to several services, asked at the same time in somebody's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.kit.auth import Principal
from services.kit.http import Client
from services.kit.parallel import Parts, ask_all

Questions = Callable[[Mapping[str, Client], Principal], Mapping[str, Callable[[], object]]]


def gather(questions: Questions, clients: Mapping[str, Client], who: Principal) -> Parts:
    """Ask what `questions` asks for somebody, through clients that speak in their name."""
    return ask_all(questions(clients, who))
