"""The database role a service runs as, for its migrations. A change is a new function, not an edit here.

The role is named after the database (`ledger` → `ledger_service`): roles belong to the whole server, and two towns on one server must
not be able to write in each other's books.
"""

from __future__ import annotations

from alembic import op

from services.apis.errors import Refused
from services.kit.roles import service_role


def create_role() -> str:
    """Create the role if it is missing, and let it read and write every table there is and will be; answers its name, quoted.

    What it must not do is taken away table by table (`append_only`, `only`). Raises Refused when the migrating user may not create roles.
    """
    connection = op.get_bind()
    database, user, may = connection.exec_driver_sql(
        "SELECT current_database(), current_user, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).one()
    role, me = _quoted(service_role(database)), _quoted(user)
    if not connection.exec_driver_sql("SELECT to_regrole(%s)", (role,)).scalar():
        if not may:
            raise Refused(
                "role_missing",
                f"{database} runs as the role {role}, which {user} may not create. Let an administrator of the server run: "
                f"CREATE ROLE {role} NOLOGIN; GRANT {role} TO {me};",
            )
        op.execute(f"CREATE ROLE {role} NOLOGIN")
    if not connection.exec_driver_sql("SELECT pg_has_role(current_user, to_regrole(%s), 'SET')", (role,)).scalar():
        op.execute(f"GRANT {role} TO {me}")
    for grant in ("SELECT, INSERT, UPDATE, DELETE ON {} TABLES", "USAGE ON {} SEQUENCES"):
        op.execute(f"GRANT {grant.format('ALL')} IN SCHEMA public TO {role}")
        op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {grant.format('')} TO {role}")
    return role


def append_only(table: str, role: str) -> None:
    """The role may only read the table and add to it."""
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")


def only(table: str, role: str, *rights: str) -> None:
    """Of the table, the role may have these rights alone, e.g. `SELECT`, `UPDATE (published_at)`."""
    op.execute(f"REVOKE ALL ON {table} FROM {role}")
    op.execute(f"GRANT {', '.join(rights)} ON {table} TO {role}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
