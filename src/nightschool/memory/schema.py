"""Tables of the short-term memory, as numbered migrations. Tenant is part of every key.

`stemmed` is `memory.recall.stemmed` and `waits` the rule of `trust.waits` on a stored memory; the store makes
both known to the connection. The revision of a
page (`types.Page`) is kept by triggers, so that whoever writes memories moves it; it is random, because a
counter of a database that was restored would come by numbers once more that stood for something else.
"""

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
    """
    CREATE TABLE tenants (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
    INSERT INTO tenants (name) SELECT DISTINCT tenant FROM episodes;
    ALTER TABLE memories ADD COLUMN slot INTEGER;
    CREATE INDEX memories_by_slot ON memories (slot);
    CREATE INDEX memories_by_episode ON memories (episode_id);
    UPDATE memories SET slot = numbered.slot FROM (
        SELECT memories.number AS number, (tenants.number << 40) - 1 +
            row_number() OVER (PARTITION BY tenant ORDER BY memories.number) AS slot
        FROM memories JOIN tenants ON tenants.name = memories.tenant WHERE status = 'live'
    ) AS numbered WHERE memories.number = numbered.number;
    UPDATE memories SET body = json_set(body, '$.graduated',
        CASE WHEN json_extract(body, '$.graduated') IS NULL THEN json('[]')
        ELSE json_array(json_extract(body, '$.graduated')) END);
    DROP TABLE recall;
    CREATE VIRTUAL TABLE recall USING fts5(text, around, tokenize = 'unicode61');
    INSERT INTO recall (rowid, text, around)
        SELECT slot, stemmed(json_extract(body, '$.text')),
            stemmed(source || ' ' || json_extract(body, '$.speaker'))
        FROM memories WHERE slot IS NOT NULL ORDER BY slot;
    CREATE TABLE passages (
        slot INTEGER PRIMARY KEY, episode_id TEXT NOT NULL, turn INTEGER NOT NULL,
        speaker TEXT NOT NULL, at TEXT NOT NULL, source TEXT NOT NULL, text TEXT NOT NULL);
    CREATE INDEX passages_by_episode ON passages (episode_id);
    CREATE VIRTUAL TABLE said USING fts5(text, around, tokenize = 'unicode61');
    """,
    """
    CREATE TABLE memories_vectors (slot INTEGER PRIMARY KEY, model TEXT NOT NULL, vector BLOB NOT NULL);
    CREATE TABLE passages_vectors (slot INTEGER PRIMARY KEY, model TEXT NOT NULL, vector BLOB NOT NULL);
    CREATE TRIGGER memories_moved AFTER UPDATE OF slot ON memories WHEN OLD.slot IS NOT NEW.slot
        BEGIN DELETE FROM memories_vectors WHERE slot = OLD.slot; END;
    CREATE TRIGGER memories_gone AFTER DELETE ON memories
        BEGIN DELETE FROM memories_vectors WHERE slot = OLD.slot; END;
    CREATE TRIGGER passages_gone AFTER DELETE ON passages
        BEGIN DELETE FROM passages_vectors WHERE slot = OLD.slot; END;
    """,
    """
    ALTER TABLE memories ADD COLUMN page INTEGER NOT NULL DEFAULT 1;
    UPDATE memories SET page = numbered.page FROM (
        SELECT number, 1 + (sum(status = 'live') OVER (
            PARTITION BY tenant, source ORDER BY number) - (status = 'live')) / 200 AS page
        FROM memories
    ) AS numbered WHERE memories.number = numbered.number;
    CREATE INDEX memories_by_page ON memories (tenant, source, page, status);
    CREATE TABLE pages (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, source TEXT NOT NULL, page INTEGER NOT NULL,
        revision INTEGER NOT NULL, UNIQUE (tenant, source, page));
    INSERT INTO pages (tenant, source, page, revision)
        SELECT tenant, source, page, random() FROM memories
        GROUP BY tenant, source, page ORDER BY min(number);
    CREATE TRIGGER page_of_added AFTER INSERT ON memories BEGIN
        INSERT INTO pages (tenant, source, page, revision)
            VALUES (new.tenant, new.source, new.page, random())
            ON CONFLICT (tenant, source, page) DO UPDATE SET revision = excluded.revision;
    END;
    CREATE TRIGGER page_of_changed AFTER UPDATE OF status, body ON memories
    WHEN old.status != new.status
        OR json_remove(old.body, '$.uses', '$.surprise', '$.learnt_in', '$.graduated')
        != json_remove(new.body, '$.uses', '$.surprise', '$.learnt_in', '$.graduated')
    BEGIN
        UPDATE pages SET revision = random()
            WHERE tenant = new.tenant AND source = new.source AND page = new.page;
    END;
    CREATE TRIGGER page_of_erased AFTER DELETE ON memories BEGIN
        UPDATE pages SET revision = random()
            WHERE tenant = old.tenant AND source = old.source AND page = old.page;
        DELETE FROM pages
            WHERE tenant = old.tenant AND source = old.source AND page = old.page
            AND NOT EXISTS (SELECT 1 FROM memories
                WHERE tenant = old.tenant AND source = old.source AND page = old.page);
    END;
    """,
    """
    ALTER TABLE memories ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
    UPDATE memories SET waits = 1 WHERE status = 'live' AND waits(body);
    CREATE INDEX memories_by_tenant ON memories (tenant);
    CREATE INDEX memories_by_status ON memories (tenant, status);
    CREATE INDEX memories_waiting ON memories (tenant) WHERE waits = 1 AND status = 'live';
    CREATE INDEX memories_told ON memories (tenant) WHERE status = 'live'
        AND json_extract(body, '$.source_kind') IN ('conversation', 'statement', 'note');
    CREATE TABLE completions (
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL, episode_id TEXT NOT NULL, version_id TEXT NOT NULL,
        at TEXT NOT NULL);
    CREATE INDEX completions_by_episode ON completions (episode_id);
    CREATE TABLE feedback (
        number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, episode_id TEXT NOT NULL,
        body TEXT NOT NULL);
    CREATE INDEX feedback_by_episode ON feedback (episode_id);
    CREATE INDEX feedback_by_tenant ON feedback (tenant);
    CREATE TRIGGER answers_of_erased AFTER DELETE ON episodes BEGIN
        DELETE FROM completions WHERE episode_id = old.id;
        DELETE FROM feedback WHERE episode_id = old.id;
    END;
    """,
)

RENEWED = (
    "DROP TABLE IF EXISTS recall",
    "DROP TABLE IF EXISTS said",
    "DELETE FROM passages",
    "DELETE FROM memories_vectors",
    "CREATE VIRTUAL TABLE recall USING fts5(text, around, tokenize = 'unicode61')",
    "CREATE VIRTUAL TABLE said USING fts5(text, around, tokenize = 'unicode61')",
)
"""Empty search tables, as the migrations leave them."""
