ALTER TABLE tasks ADD COLUMN task_kind TEXT;
ALTER TABLE tasks ADD COLUMN task_parameters TEXT;

-- The tasks that are already here all do the same: they wait for five seconds.
UPDATE tasks SET task_kind = 'waiting', task_parameters = '{"waiting_time": 5}';
ALTER TABLE tasks ALTER COLUMN task_kind SET NOT NULL;
ALTER TABLE tasks ALTER COLUMN task_parameters SET NOT NULL;
ALTER TABLE tasks ADD CONSTRAINT task_parameters_object
    CHECK (json_valid(task_parameters) AND json_type(task_parameters) = 'object');

-- The tasks that wait, kind by kind: those of a kind that nobody knows are in nobody's way.
CREATE INDEX waiting_tasks ON tasks (task_kind, id) WHERE status = 'waiting';
