"""Decisions about who may come in and what they may become: pure, the clock and the facts are arguments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.apis.endpoint import Role
from services.apis.errors import Refused, forbidden

INVITATION_LIFE = timedelta(days=14)
STAFF_INVITATION_LIFE = timedelta(days=3)
INVITATIONS_A_DAY = 100
PICTURES_CODE_LIFE = timedelta(minutes=15)
REPEAT_WITHIN = timedelta(minutes=15)
VOLUNTEER_SESSION = timedelta(days=30)
STAFF_SESSION = timedelta(hours=12)
KEEP_ENDED_SESSIONS = timedelta(days=1)
SHORTEST_PASSWORD = 12
LEAST_OF_ONES_OWN = 8
TOTP_SECONDS = 30

SCOPES: dict[Role, str] = {"coordinator": "organisation", "shop_owner": "shop", "sponsor": "sponsor"}
NEEDS_TOTP: frozenset[str] = frozenset({"finance", "admin"})

# What passwords are made of when people do not think (NIST SP 800-63B 3.1.1.2: refuse common, expected and context words).
COMMON = (
    "password", "passwort", "passw0rd", "parola", "contrasena", "motdepasse", "qwerty", "azerty", "asdfgh", "zxcvbn", "abcdef",
    "123456", "654321", "letmein", "welcome", "benvenut", "iloveyou", "tiamo", "admin", "forza", "juventus", "comune", "volontari",
    "merit", "coin",
)  # fmt: skip


# ---------- invitations ----------


def tidy(code: str) -> str:
    """A code as people type it, as it was given: capitals, without spaces and hyphens."""
    return code.replace(" ", "").replace("-", "").upper()


def hash_of(code: str) -> str:
    """SHA-256 (hex) of a code of 160 random bits: enough, because nobody can try them all."""
    return hashlib.sha256(tidy(code).encode()).hexdigest()


def check_invitation(*, expires_at: datetime, used_at: datetime | None, now: datetime) -> None:
    """Refuse an invitation that was used or has expired.

    One used a moment ago passes: the answer was perhaps lost on the way, and whoever knows the secret chosen then gets it again.
    """
    if used_at is None and expires_at <= now:
        raise Refused(
            "invitation_expired",
            "This invitation has expired. Ask for a new one.",
            {"ended_at": expires_at.isoformat()},
        )
    if used_at is not None and now - used_at > REPEAT_WITHIN:
        raise Refused("invitation_used", "Somebody joined with this invitation already. Ask for a new one.")


def check_pictures_code(expires_at: datetime, *, now: datetime) -> None:
    """Refuse a code for new pictures whose minutes are over."""
    if expires_at <= now:
        message = "This code is over. Ask your coordinator for a new one."
        raise Refused("pictures_code_expired", message, {"ended_at": expires_at.isoformat()})


def check_invitations_left(made_today: int) -> None:
    """Refuse more invitations of one organisation than anybody needs in a day."""
    if made_today >= INVITATIONS_A_DAY:
        raise Refused(
            "too_many_invitations",
            f"Your organisation has made {INVITATIONS_A_DAY} invitations today. Go on tomorrow.",
            {"a_day": INVITATIONS_A_DAY},
            status=429,
        )


def language_of(wanted: Iterable[str | None], spoken: Sequence[str]) -> str:
    """The first language asked for, else the city's first. Raises Refused `unknown_language` for one the city does not speak."""
    language = next((one for one in wanted if one), spoken[0])
    if language not in spoken:
        raise Refused(
            "unknown_language", "The town does not speak this language here yet. Choose one of the list.",
            {"languages": list(spoken)}, status=422,
        )  # fmt: skip
    return language


# ---------- secrets people choose ----------


def check_pin(pin: Sequence[int]) -> None:
    """Refuse a picture PIN anybody would try first: fewer than three different pictures. 19,800 remain."""
    if len(set(pin)) < 3:
        raise Refused(
            "weak_pin", "Choose at least three different pictures: others would guess this too soon.", status=422
        )


def check_password(password: str, email: str) -> None:
    """Refuse a password that is short, monotonous, common, or the e-mail again."""
    said = password.lower()
    rest = said
    for word in (*COMMON, *email.lower().replace("@", ".").split(".")):
        rest = rest.replace(word, "") if len(word) > 3 else rest
    if len(password) < SHORTEST_PASSWORD:
        raise _weak(f"Take at least {SHORTEST_PASSWORD} characters; four words in a row are easy to keep in mind.")
    if len(set(said)) < 6 or len(rest) < LEAST_OF_ONES_OWN:
        raise _weak(
            "This password is among the first ones others would try. Take four words that do not belong together."
        )


def _weak(message: str) -> Refused:
    return Refused("weak_password", message, {"shortest": SHORTEST_PASSWORD}, status=422)


def check_step(step: int | None, last: int | None) -> int:
    """The step a code-app code was made for, if it fits and is newer than the last one accepted (RFC 6238 5.2).

    Raises Refused `wrong_totp` or `totp_used`.
    """
    if step is None:
        raise Refused("wrong_totp", "This code does not fit. Type the six digits your code app shows now.", status=401)
    if last is not None and step <= last:
        raise Refused(
            "totp_used", "This code was used already. Wait for the next one.", {"seconds": TOTP_SECONDS}, status=401
        )
    return step


# ---------- patience ----------

Subject = Literal["person", "email", "address"]


@dataclass(frozen=True)
class Failures:
    """So many failed tries, one of which is forgotten each `leak` after `since`."""

    number: int
    since: datetime


@dataclass(frozen=True)
class Patience:
    """How many failures are free, how long the doubling waits after them may grow, and how soon one failure is forgotten."""

    free: int
    longest: timedelta
    leak: timedelta

    def one_more(self, before: Failures, *, now: datetime) -> Failures:
        forgotten = (now - before.since) // self.leak
        if forgotten >= before.number:
            return Failures(1, now)
        return Failures(before.number - forgotten + 1, before.since + forgotten * self.leak)

    def wait(self, failures: Failures) -> timedelta:
        """How long nobody may try after these: 1, 2, 4 … minutes, up to `longest`."""
        beyond = failures.number - self.free
        return min(self.longest, timedelta(minutes=2 ** min(beyond - 1, 20))) if beyond > 0 else timedelta(0)

    def forgotten_at(self, failures: Failures) -> datetime:
        return failures.since + failures.number * self.leak


PATIENCE: dict[Subject, Patience] = {
    # Two tries a day in the long run: a found card opens within a year once in 27 times, if its owner never asks for another.
    "person": Patience(free=5, longest=timedelta(hours=12), leak=timedelta(days=1)),
    # Anybody may know an e-mail and lock it on purpose, so not for long; a password is long enough for that.
    "email": Patience(free=5, longest=timedelta(minutes=30), leak=timedelta(hours=1)),
    # A whole reception centre shares one.
    "address": Patience(free=100, longest=timedelta(minutes=15), leak=timedelta(minutes=10)),
}


def check_patience(locked_until: datetime, *, now: datetime) -> None:
    """Refuse a try while the wait lasts."""
    if locked_until > now:
        seconds = int((locked_until - now).total_seconds()) + 1
        raise Refused(
            "too_many_tries", f"That was wrong too often. Wait {-(-seconds // 60)} min, then try again.",
            {"wait_seconds": seconds}, status=429,
        )  # fmt: skip


# ---------- roles ----------


def check_role(role: Role, scope_id: UUID | None) -> None:
    """Refuse a role that is not granted by an administrator, or a scope where none belongs or one is missing."""
    if role in ("volunteer", "cashier"):
        how = "by joining with an invitation" if role == "volunteer" else "by pairing a till"
        raise Refused("role_not_granted_here", f"One becomes a {role} {how}, not here.", {"role": role})
    if role in SCOPES and scope_id is None:
        raise Refused("scope_needed", f"Say for which {SCOPES[role]} this role is meant.", {"role": role}, status=422)
    if role not in SCOPES and scope_id is not None:
        raise Refused(
            "scope_not_used", "This role holds for the whole scheme. Leave the scope out.", {"role": role}, status=422
        )


def check_not_oneself(actor_id: UUID, person_id: UUID) -> None:
    """Four eyes: nobody, an administrator included, grants or revokes their own roles."""
    if actor_id == person_id:
        raise Refused("own_role", "Nobody changes their own roles. Ask another administrator.", status=403)


def check_totp_for(role: Role, *, has_totp: bool) -> None:
    """Refuse a role over money or people to somebody who signs in with a password alone."""
    if role in NEEDS_TOTP and not has_totp:
        raise Refused(
            "totp_not_set",
            "This role needs a code app. Ask the person to set one up under their account first.",
            {"role": role},
        )


def check_may_invite(roles: frozenset[tuple[str, UUID | None]], organisation_id: UUID) -> None:
    """Only an administrator or a coordinator of that organisation invites to it."""
    if roles.isdisjoint({("admin", None), ("coordinator", organisation_id)}):
        raise forbidden("Only a coordinator of this organisation invites to it. Ask one of them.", role="coordinator")
