CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    task_kind TEXT NOT NULL,
    task_parameters TEXT NOT NULL CHECK (json_type(task_parameters) = 'object'),
    expression TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    next_at INTEGER, -- The next tick, if there is one,
    computed_at INTEGER NOT NULL -- as it was at this time: if that is to come, the clock was set back.
) STRICT, WITHOUT ROWID;
ALTER TABLE tasks ADD COLUMN schedule TEXT;
ALTER TABLE tasks ADD COLUMN tick INTEGER;
-- One tick, one task, also for a clock that goes twice through the same hour.
CREATE UNIQUE INDEX ticks ON tasks (schedule, tick) WHERE schedule NOT NULL;
