-- What the engine notes for itself: retry_number, how many times the task was retried.
ALTER TABLE tasks ADD COLUMN context TEXT NOT NULL DEFAULT '{}'
    CONSTRAINT task_context_object CHECK (json_valid(context) AND json_type(context) = 'object');

-- The tasks that wait for a retry, for those who look for them.
CREATE INDEX retrying_tasks ON tasks (id)
    WHERE status = 'waiting' AND context ->> 'retry_number' NOT NULL;
