-- What the task works for, or on: a tenant, a remote host; NULL is nothing.
ALTER TABLE tasks ADD COLUMN concurrency_key TEXT;
-- Whether nobody looks at it, since too many of its kind and key ran when somebody did.
ALTER TABLE tasks ADD COLUMN held INTEGER NOT NULL DEFAULT 0
    CONSTRAINT task_held CHECK (held IN (0, 1));

-- How many tasks of a kind may run at once for each key.
CREATE TABLE limited_keys (
    task_kind TEXT PRIMARY KEY,
    max_running INTEGER NOT NULL CONSTRAINT key_limit CHECK (max_running BETWEEN 1 AND 4294967295)
) STRICT, WITHOUT ROWID;
CREATE INDEX running_keys ON tasks (task_kind, concurrency_key)
    WHERE status = 'running' AND concurrency_key NOT NULL;

-- The tasks that wait, those that are held apart. The key is there for who looks: the row isn't read.
DROP INDEX waiting_tasks;
CREATE INDEX waiting_tasks
    ON tasks (task_kind, held, priority, scheduled_at, id, concurrency_key)
    WHERE status = 'waiting';
CREATE INDEX held_tasks ON tasks (task_kind, concurrency_key, priority, id) WHERE held = 1;

-- Whatever a task leaves its place for, and whoever makes it leave: the first ones of its key that are
-- held, one a priority, come to the end of the queue. If one is too many, it will be held again.
CREATE TRIGGER place_left
AFTER UPDATE OF status, scheduled_at, task_kind, concurrency_key ON tasks
WHEN old.concurrency_key NOT NULL AND NOT old.held AND old.status IN ('waiting', 'running')
    AND NOT (old.status = 'waiting' AND new.status = 'running')
BEGIN
    UPDATE tasks SET held = 0, scheduled_at = max(scheduled_at, new.updated_at)
    WHERE id IN (SELECT (
        SELECT id FROM tasks WHERE held = 1 AND task_kind = old.task_kind
        AND concurrency_key = old.concurrency_key AND priority = column1 ORDER BY id LIMIT 1
    ) FROM (VALUES ('high'), ('normal'), ('low')));
END;
CREATE TRIGGER place_left_by_deletion AFTER DELETE ON tasks
WHEN old.concurrency_key NOT NULL AND NOT old.held AND old.status IN ('waiting', 'running')
BEGIN
    UPDATE tasks SET held = 0, scheduled_at = max(scheduled_at, old.updated_at)
    WHERE id IN (SELECT (
        SELECT id FROM tasks WHERE held = 1 AND task_kind = old.task_kind
        AND concurrency_key = old.concurrency_key AND priority = column1 ORDER BY id LIMIT 1
    ) FROM (VALUES ('high'), ('normal'), ('low')));
END;

-- One that is held, and is cancelled, put back or moved, is looked at again in its time.
CREATE TRIGGER held_task_changed
AFTER UPDATE OF status, scheduled_at, task_kind, concurrency_key ON tasks
WHEN old.held AND new.held
BEGIN
    UPDATE tasks SET held = 0 WHERE id = new.id;
END;
