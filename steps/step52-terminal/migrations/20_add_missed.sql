-- What becomes of the ticks at which no engine was there.
ALTER TABLE schedules ADD COLUMN missed TEXT NOT NULL DEFAULT 'once'
    CONSTRAINT missed_policy CHECK (missed = 'skip' OR missed = 'once' OR missed = 'all');
-- Whether a tick has its task though that of an earlier one waits or runs.
ALTER TABLE schedules ADD COLUMN overlap INTEGER NOT NULL DEFAULT 0
    CONSTRAINT overlap_or_not CHECK (overlap = 1 OR overlap = 0 AND missed <> 'all');
-- Those of the ticks before don't make it grow.
CREATE INDEX unfinished_ticks ON tasks (schedule)
    WHERE schedule NOT NULL AND (status = 'waiting' OR status = 'running');
