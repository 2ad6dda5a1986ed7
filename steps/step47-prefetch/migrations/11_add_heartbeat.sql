-- How long an engine may be silent, in milliseconds: then it isn't alive, whatever its status says.
ALTER TABLE engines ADD COLUMN lease INTEGER NOT NULL DEFAULT 0;
-- When it has said for the last time that it is alive: engines of before say nothing.
ALTER TABLE engines ADD COLUMN heartbeat_at INTEGER NOT NULL DEFAULT 0;
