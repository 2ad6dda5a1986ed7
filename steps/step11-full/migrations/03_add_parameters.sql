-- The tasks that are already here all do the same: they wait for five seconds.
ALTER TABLE tasks ADD COLUMN task_kind TEXT NOT NULL DEFAULT 'waiting';
ALTER TABLE tasks ADD COLUMN task_parameters TEXT NOT NULL DEFAULT '{"waiting_time": 5}'
    CHECK (json_valid(task_parameters) AND json_type(task_parameters) = 'object');
