-- Since when no tick of it has a task; the calendar goes on.
ALTER TABLE schedules ADD COLUMN paused_at INTEGER;
