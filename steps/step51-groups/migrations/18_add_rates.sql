-- How many tasks of a kind may start in any time of such a length, in milliseconds, on all engines
-- together. They start one by one, an interval apart at least: so many intervals last a period or more.
CREATE TABLE rated_kinds (
    task_kind TEXT PRIMARY KEY,
    max_starts INTEGER NOT NULL CONSTRAINT rate_starts CHECK (max_starts BETWEEN 1 AND 4294967295),
    period_ms INTEGER NOT NULL,
    interval_ms INTEGER AS ((period_ms + max_starts - 1) / max_starts),
    last_start_at INTEGER,
    -- No faster than the clock of the database, nor slower than once in a hundred years.
    CONSTRAINT rate_period CHECK (period_ms BETWEEN max_starts AND 3155760000000)
) STRICT, WITHOUT ROWID;
