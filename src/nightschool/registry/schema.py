"""Tables of versions, aliases, decisions, banks, reports, keys, and what the service did, as numbered migrations."""

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
    """
    CREATE TABLE keys (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,
        salt BLOB NOT NULL, hash BLOB NOT NULL, body TEXT NOT NULL);
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, tenant TEXT NOT NULL,
        key_id TEXT NOT NULL, action TEXT NOT NULL, objects TEXT NOT NULL, status INTEGER NOT NULL);
    CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END;
    CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END;
    CREATE TABLE talks (
        number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, prefix BLOB NOT NULL,
        episode_id TEXT NOT NULL, UNIQUE (tenant, prefix));
    CREATE INDEX talks_by_age ON talks (tenant, number);
    CREATE INDEX audit_by_tenant ON audit (tenant, number);
    """,
    "ALTER TABLE promotions ADD COLUMN taken_back INTEGER",
)
