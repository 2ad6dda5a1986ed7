ALTER TABLE tasks DROP CONSTRAINT task_status;
ALTER TABLE tasks ADD CONSTRAINT task_status
    CHECK (status IN ('waiting', 'running', 'stopped'));

CREATE TABLE task_executions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE,
    started_at INTEGER NOT NULL,
    -- NULL while it runs; it stays so if the engine is killed meanwhile.
    stopped_at INTEGER,
    -- What the task returned, in JSON. Older versions of SQLite say that NULL isn't valid.
    result TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT execution_result_json CHECK (result IS NULL OR json_valid(result))
) STRICT;
CREATE INDEX executions_of_tasks ON task_executions (task_id);

-- A running task always has an execution.
INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
SELECT id, updated_at, updated_at, updated_at FROM tasks WHERE status = 'running';
