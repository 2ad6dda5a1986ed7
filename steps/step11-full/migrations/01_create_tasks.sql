CREATE TABLE tasks (
    -- AUTOINCREMENT: the number of a deleted task is never given again.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    status TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'running')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
