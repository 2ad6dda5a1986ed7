-- The engines: each start is a row, whatever their names, hosts and processes, which are given again.
CREATE TABLE engines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'alive',
    started_at INTEGER NOT NULL,
    stopped_at INTEGER,
    CONSTRAINT engine_status CHECK (status IN ('alive', 'stopped', 'dead'))
) STRICT;
-- Those that haven't stopped, however many have before.
CREATE INDEX living_engines ON engines (id) WHERE status = 'alive';

-- The engine that runs the task: its name may have been that of others.
ALTER TABLE tasks ADD COLUMN engine_id INTEGER;
CREATE INDEX tasks_of_engines ON tasks (engine_id, task_kind, id) WHERE status = 'running';
