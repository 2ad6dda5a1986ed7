-- Which migrations have been made: this one is the first.
CREATE TABLE task_engine (schema_version INTEGER NOT NULL) STRICT;
INSERT INTO task_engine VALUES (1);

CREATE TABLE tasks (
    -- AUTOINCREMENT: the number of a deleted task is never given again.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    status TEXT NOT NULL DEFAULT 'waiting',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT task_status CHECK (status IN ('waiting', 'running'))
) STRICT;
