"""New pictures for a volunteer who forgot theirs: a code from a coordinator, and the person's own choice. All else stays as it is."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from services.apis.endpoint import PUBLIC, Endpoint
from services.apis.identity import Code, Joined, Pin


class PicturesCode(Struct, frozen=True, kw_only=True):
    """`code` is shown this once. In `link` it stands behind the #, which browsers send to no server and write in no log."""

    code: str
    link: str
    expires_at: datetime


class ChoosePictures(Struct, frozen=True, kw_only=True):
    """`pin`: 4 of 12 pictures in order, each 0–11."""

    code: Code
    pin: Pin


POST_PICTURES_CODE = Endpoint(
    method="POST", path="/organisations/{organisation_id:uuid}/people/{person_id:uuid}/pictures-code",
    summary="Let a volunteer choose new pictures, once, within 15 minutes; they see that it was done", allow=("coordinator",),
    keyless=True, answer=PicturesCode, status=201, errors=("unknown_person",),
)  # fmt: skip
POST_PICTURES = Endpoint(
    method="POST", path="/pictures", summary="Choose new pictures with a coordinator's code; all sessions end", allow=(PUBLIC,),
    keyless=True, request=ChoosePictures, answer=Joined,
    errors=("unknown_pictures_code", "pictures_code_expired", "weak_pin", "wrong_pin", "too_many_tries"),
)  # fmt: skip
