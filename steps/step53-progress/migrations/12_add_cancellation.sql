ALTER TABLE tasks DROP CONSTRAINT task_status;
ALTER TABLE tasks ADD CONSTRAINT task_status
    CHECK (status IN ('waiting', 'running', 'stopped', 'failed', 'cancelled'));
CREATE INDEX cancelled_tasks ON tasks (id) WHERE status = 'cancelled';

-- When somebody has asked for it while the task was running.
ALTER TABLE tasks ADD COLUMN cancel_requested_at INTEGER;
