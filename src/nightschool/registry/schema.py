"""Tables of versions, aliases, decisions, banks and reports, as numbered migrations."""

ROOM = "registry"
MIGRATIONS = (
    """
    CREATE TABLE versions (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,
        night TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE aliases (
        tenant TEXT NOT NULL, name TEXT NOT NULL, version_id TEXT NOT NULL,
        PRIMARY KEY (tenant, name));
    CREATE TABLE decisions (
        number INTEGER PRIMARY KEY AUTOINCREMENT, night TEXT NOT NULL, version_id TEXT NOT NULL,
        at TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (night, version_id));
    CREATE TABLE promotions (
        number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, version_id TEXT NOT NULL,
        actor TEXT NOT NULL, at TEXT NOT NULL);
    CREATE TABLE banks (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,
        kind TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE reports (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,
        version_id TEXT NOT NULL, body TEXT NOT NULL);
    """,
)
