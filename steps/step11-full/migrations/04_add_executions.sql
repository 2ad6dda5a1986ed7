-- SQLite can't change a CHECK: the table is made anew, and its rows are copied.
CREATE TABLE new_tasks (
    -- AUTOINCREMENT: the number of a deleted task is never given again.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    status TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'running', 'stopped')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- The name of the engine that runs the task, or has run it; NULL while it waits.
    instance TEXT,
    task_kind TEXT NOT NULL,
    task_parameters TEXT NOT NULL
        CHECK (json_valid(task_parameters) AND json_type(task_parameters) = 'object')
) STRICT;
-- The highest number given so far, which may be that of a deleted task.
INSERT INTO sqlite_sequence (name, seq)
SELECT 'new_tasks', seq FROM sqlite_sequence WHERE name = 'tasks';
INSERT INTO new_tasks SELECT * FROM tasks;
DROP TABLE tasks;
ALTER TABLE new_tasks RENAME TO tasks;

-- Only the tasks that wait, in their order: those that are executed don't make it grow.
CREATE INDEX waiting_tasks ON tasks (id) WHERE status = 'waiting';

CREATE TABLE task_executions (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES tasks,
    started_at INTEGER NOT NULL,
    -- NULL while it runs; it stays so if the engine is killed meanwhile.
    stopped_at INTEGER,
    -- What the task returned, in JSON.
    result TEXT CHECK (json_valid(result)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX executions_of_tasks ON task_executions (task_id);
-- A running task always has an execution.
INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
SELECT id, updated_at, updated_at, updated_at FROM tasks WHERE status = 'running';
