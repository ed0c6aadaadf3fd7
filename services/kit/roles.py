"""The name of the database role a service runs as, where it has one (`roles_v1.py` makes it)."""

from __future__ import annotations

from services.apis.errors import Refused

LONGEST_NAME = 63


def service_role(database: str) -> str:
    """The role of the service whose database this is. Raises Refused where the server would cut the name short."""
    role = f"{database}_service"
    if len(role.encode()) > LONGEST_NAME:
        raise Refused(
            "database_name_too_long", f"Give the database {database} a name of at most {LONGEST_NAME - 8} bytes."
        )
    return role
