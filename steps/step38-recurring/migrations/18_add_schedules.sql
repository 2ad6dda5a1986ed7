-- What has a task created again and again, and when. Its rows have numbers: of a table without,
-- SQLite's update hook tells nothing.
CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    task_kind TEXT NOT NULL,
    task_parameters TEXT NOT NULL CONSTRAINT schedule_parameters_object
        CHECK (json_valid(task_parameters) AND json_type(task_parameters) = 'object'),
    expression TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    -- The next tick: NULL, if there is none any more.
    next_at INTEGER,
    -- The last tick that has had its turn.
    last_at INTEGER,
    -- When the next tick was looked for: if that is still to come, the clock was set back.
    computed_at INTEGER NOT NULL
) STRICT;

CREATE INDEX next_schedules ON schedules (next_at);
CREATE INDEX computed_schedules ON schedules (computed_at);

ALTER TABLE tasks ADD COLUMN schedule TEXT;
ALTER TABLE tasks ADD COLUMN tick INTEGER;

-- One tick, one task: also for a clock that goes twice through the same hour.
CREATE UNIQUE INDEX scheduled_tasks ON tasks (schedule, tick) WHERE schedule NOT NULL;
