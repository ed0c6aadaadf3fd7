"""What identity publishes: who exists (a random id), what they may do, which card is theirs. Never a name."""

from uuid import UUID

from msgspec import Struct

from services.events.contract import event


@event("person.joined.v1", key="person_id")
class PersonJoined(Struct, frozen=True, kw_only=True):
    """A volunteer accepted an invitation, or a member of staff was taken on."""

    person_id: UUID
    role: str
    organisation_id: UUID | None = None
    adult: bool = True
    language: str = "it"


@event("person.erased.v1", key="person_id")
class PersonErased(Struct, frozen=True, kw_only=True):
    """The person's key is destroyed: no name can be read again anywhere. The random id stays in the books."""

    person_id: UUID


@event("role.granted.v1", key="person_id")
class RoleGranted(Struct, frozen=True, kw_only=True):
    """A role, within one organisation, shop or sponsor where the role has a scope."""

    person_id: UUID
    role: str
    scope_id: UUID | None = None


@event("role.revoked.v1", key="person_id")
class RoleRevoked(Struct, frozen=True, kw_only=True):
    person_id: UUID
    role: str
    scope_id: UUID | None = None


@event("card.issued.v1", key="person_id")
class CardIssued(Struct, frozen=True, kw_only=True):
    """A printed card. `code_hash` is the SHA-256 (hex) of the code in its QR: a reader of the topic cannot print the card."""

    card_id: UUID
    person_id: UUID
    code_hash: str
    replaces_card_id: UUID | None = None


@event("card.revoked.v1", key="person_id")
class CardRevoked(Struct, frozen=True, kw_only=True):
    """A card reported lost, replaced, or of a person erased."""

    card_id: UUID
    person_id: UUID
