-- The name of the engine that runs the task; NULL while it waits.
ALTER TABLE tasks ADD COLUMN instance TEXT;

-- What an engine looks for when it starts: the tasks that wait don't make it grow.
CREATE INDEX running_tasks ON tasks (instance, id) WHERE status = 'running';
