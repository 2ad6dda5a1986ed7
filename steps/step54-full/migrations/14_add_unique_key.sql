-- What no two tasks of a kind have while they wait or run; NULL is nothing.
ALTER TABLE tasks ADD COLUMN unique_key TEXT;

-- Those that have ended don't make it grow, and leave their key to others.
CREATE UNIQUE INDEX unique_tasks ON tasks (task_kind, unique_key)
    WHERE unique_key NOT NULL AND status IN ('waiting', 'running');
