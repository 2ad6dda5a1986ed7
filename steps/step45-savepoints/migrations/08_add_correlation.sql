-- The tasks that were given an id, or inherited one, for those who follow it. The others are found by
-- their number.
CREATE INDEX correlated_tasks ON tasks (context ->> 'correlation')
    WHERE context ->> 'correlation' NOT NULL;
