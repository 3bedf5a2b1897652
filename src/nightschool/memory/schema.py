"""Tables of the short-term memory, as numbered migrations. Tenant is part of every key."""

ROOM = "memory"
MIGRATIONS = (
    """
    CREATE TABLE episodes (
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL, source TEXT NOT NULL, digest TEXT NOT NULL,
        body TEXT NOT NULL, UNIQUE (tenant, digest));
    CREATE TABLE memories (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,
        source TEXT NOT NULL, key TEXT NOT NULL, status TEXT NOT NULL, episode_id TEXT NOT NULL,
        body TEXT NOT NULL);
    CREATE INDEX memories_by_key ON memories (tenant, key, status);
    CREATE TABLE history (
        number INTEGER PRIMARY KEY AUTOINCREMENT, memory_id TEXT NOT NULL, at TEXT NOT NULL,
        actor TEXT NOT NULL, action TEXT NOT NULL, text TEXT NOT NULL);
    CREATE INDEX history_by_memory ON history (memory_id);
    CREATE TABLE tombstones (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, at TEXT NOT NULL);
    CREATE VIRTUAL TABLE recall USING fts5(
        text, id UNINDEXED, tenant UNINDEXED, tokenize = 'porter unicode61');
    """,
    """
    CREATE INDEX memories_by_source ON memories (tenant, source, status);
    CREATE INDEX memories_by_predecessor ON memories (json_extract(body, '$.supersedes'));
    CREATE INDEX memories_by_kind ON memories (json_extract(body, '$.source_kind'));
    CREATE INDEX episodes_by_source ON episodes (tenant, source);
    """,
)
