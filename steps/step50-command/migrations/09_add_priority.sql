ALTER TABLE tasks ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal'
    CONSTRAINT task_priority CHECK (priority IN ('high', 'normal', 'low'));

-- The tasks that wait, kind by kind and priority by priority: those of one are in nobody else's way.
DROP INDEX waiting_tasks;
CREATE INDEX waiting_tasks ON tasks (task_kind, priority, scheduled_at, id)
    WHERE status = 'waiting';
