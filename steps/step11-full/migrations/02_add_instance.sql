-- The name of the engine that runs the task; NULL while it waits.
ALTER TABLE tasks ADD COLUMN instance TEXT;
