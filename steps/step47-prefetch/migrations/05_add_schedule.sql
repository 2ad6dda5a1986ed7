-- From when on the task may be executed. A program that inserts a task without saying so wants it
-- executed at once: any time in the past will do.
ALTER TABLE tasks ADD COLUMN scheduled_at INTEGER NOT NULL DEFAULT 0;
UPDATE tasks SET scheduled_at = created_at;

-- The tasks that wait, kind by kind, in their order: those that are due come first.
DROP INDEX waiting_tasks;
CREATE INDEX waiting_tasks ON tasks (task_kind, scheduled_at, id) WHERE status = 'waiting';
