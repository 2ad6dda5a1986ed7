-- How many tasks of a kind may run at once, on all engines together: a kind that mustn't run at all
-- is paused.
CREATE TABLE limited_kinds (
    task_kind TEXT PRIMARY KEY,
    max_running INTEGER NOT NULL
        CONSTRAINT running_limit CHECK (max_running BETWEEN 1 AND 4294967295)
) STRICT, WITHOUT ROWID;
