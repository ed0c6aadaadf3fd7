"""What people prove themselves with: picture PINs and passwords (argon2id, RFC 9106) and code-app codes (TOTP, RFC 6238)."""

from __future__ import annotations

import functools
import hmac
from datetime import datetime
from uuid import UUID

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError
from pyotp import TOTP, random_base32

from services.identity.domain import TOTP_SECONDS
from services.identity.vault import Vault

# OWASP's first choice for memory kept small (19 MiB, two passes, one lane): 30 ms of one core on the machine this was measured on, and
# eight sign-ins at once take 150 MB. More memory per try would be harder on a stolen table, but PINs are mixed with a key as well.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)


def pin_text(vault: Vault, person_id: UUID, pin: tuple[int, ...]) -> str:
    """A PIN as it is hashed: mixed with the installation's key, or 19,800 PINs would be tried through in minutes from a stolen table."""
    return vault.blind("pin", f"{person_id}/{'.'.join(map(str, pin))}")


def hash_secret(text: str) -> str:
    return _HASHER.hash(text)


def secret_fits(hashed: str | None, text: str) -> bool:
    """Whether the text is the hashed secret. None (nobody known) takes as long as a wrong one, so that time tells nothing."""
    try:
        return _HASHER.verify(hashed or _nobodys(), text) and hashed is not None
    except VerifyMismatchError:
        return False


@functools.cache
def _nobodys() -> str:
    return _HASHER.hash("nobody")


def new_totp_secret() -> str:
    return random_base32()


def totp_uri(secret: str, *, email: str, issuer: str) -> str:
    """What a code app reads from a QR."""
    return TOTP(secret, interval=TOTP_SECONDS).provisioning_uri(name=email, issuer_name=issuer)


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """The 30-second step the code belongs to – this one, the one before or the next, for clocks that differ –, None if it fits none."""
    totp, here = TOTP(secret, interval=TOTP_SECONDS), int(now.timestamp()) // TOTP_SECONDS
    fitting = (
        s for s in (here - 1, here, here + 1) if hmac.compare_digest(totp.generate_otp(s).encode(), code.encode())
    )
    return next(fitting, None)
