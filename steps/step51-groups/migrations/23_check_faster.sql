-- A CHECK with a list of three words or more has SQLite fill a table with them each time that a
-- statement runs; words that are compared one by one cost next to nothing.
ALTER TABLE tasks DROP CONSTRAINT task_status;
ALTER TABLE tasks ADD CONSTRAINT task_status CHECK (status = 'waiting' OR status = 'running'
    OR status = 'stopped' OR status = 'failed' OR status = 'cancelled');
ALTER TABLE tasks DROP CONSTRAINT task_priority;
ALTER TABLE tasks ADD CONSTRAINT task_priority
    CHECK (priority = 'high' OR priority = 'normal' OR priority = 'low');
ALTER TABLE task_executions DROP CONSTRAINT execution_status;
ALTER TABLE task_executions ADD CONSTRAINT execution_status
    CHECK (status = 'running' OR status = 'success' OR status = 'failure');
