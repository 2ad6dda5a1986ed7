-- SQLite can't change a CHECK: the tables are made anew, and their rows are copied. The executions
-- go first, since a task that has executions can't be deleted.
CREATE TABLE new_tasks (
    -- AUTOINCREMENT: the number of a deleted task is never given again.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    status TEXT NOT NULL DEFAULT 'waiting'
        CHECK (status IN ('waiting', 'running', 'stopped', 'failed')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- The name of the engine that runs the task, or has run it; NULL while it waits.
    instance TEXT,
    task_kind TEXT NOT NULL,
    task_parameters TEXT NOT NULL
        CHECK (json_valid(task_parameters) AND json_type(task_parameters) = 'object'),
    -- From when on the task may be executed: at once, if a program doesn't say so.
    scheduled_at INTEGER NOT NULL DEFAULT 0,
    -- What the engine notes for itself: retry_number, how many times the task was retried.
    context TEXT NOT NULL DEFAULT '{}'
        CHECK (json_valid(context) AND json_type(context) = 'object')
) STRICT;
INSERT INTO sqlite_sequence (name, seq)
SELECT 'new_tasks', seq FROM sqlite_sequence WHERE name = 'tasks';
INSERT INTO new_tasks SELECT *, '{}' FROM tasks;

CREATE TABLE new_task_executions (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES new_tasks,
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'success', 'failure')),
    started_at INTEGER NOT NULL,
    -- NULL while it runs; it stays so if the engine is killed meanwhile.
    stopped_at INTEGER,
    -- What the task returned, in JSON, if it is a success.
    result TEXT CHECK (json_valid(result)),
    -- What went wrong, in JSON, if it is a failure: type, message, causes, backtrace.
    error TEXT CHECK (json_valid(error)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
INSERT INTO new_task_executions
SELECT id, task_id, iif(stopped_at IS NULL, 'running', 'success'), started_at, stopped_at,
    result, NULL, created_at, updated_at
FROM task_executions;

DROP TABLE task_executions;
DROP TABLE tasks;
ALTER TABLE new_tasks RENAME TO tasks;
ALTER TABLE new_task_executions RENAME TO task_executions;
CREATE INDEX waiting_tasks ON tasks (scheduled_at, id) WHERE status = 'waiting';
CREATE INDEX executions_of_tasks ON task_executions (task_id);
