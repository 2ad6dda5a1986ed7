-- The kinds whose tasks don't start, on any engine, whether anybody knows them or not.
CREATE TABLE paused_kinds (
    task_kind TEXT PRIMARY KEY,
    paused_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
