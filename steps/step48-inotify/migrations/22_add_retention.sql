-- The tasks that have ended, the first ones first: those that wait or run don't make it grow.
CREATE INDEX ended_tasks ON tasks (status, updated_at)
    WHERE status NOT IN ('waiting', 'running');

-- What the clock said when an engine last looked at it, and since when it goes without a jump.
ALTER TABLE task_engine ADD COLUMN seen_at INTEGER;
ALTER TABLE task_engine ADD COLUMN steady_since INTEGER;
