ALTER TABLE tasks DROP CONSTRAINT task_status;
ALTER TABLE tasks ADD CONSTRAINT task_status
    CHECK (status IN ('waiting', 'running', 'stopped', 'failed'));
CREATE INDEX failed_tasks ON tasks (id) WHERE status = 'failed';

ALTER TABLE task_executions ADD COLUMN status TEXT NOT NULL DEFAULT 'running'
    CONSTRAINT execution_status CHECK (status IN ('running', 'success', 'failure'));
-- What went wrong, in JSON, if it is a failure: type, message, causes, backtrace.
ALTER TABLE task_executions ADD COLUMN error TEXT
    CONSTRAINT execution_error_json CHECK (error IS NULL OR json_valid(error));
UPDATE task_executions SET status = 'success' WHERE stopped_at NOT NULL;
