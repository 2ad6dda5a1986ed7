-- How many tasks of a kind may wait, whether anybody knows the kind or not.
CREATE TABLE bounded_kinds (
    task_kind TEXT PRIMARY KEY,
    max_waiting INTEGER NOT NULL CONSTRAINT bound CHECK (max_waiting BETWEEN 0 AND 4294967295)
) STRICT;
