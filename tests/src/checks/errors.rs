use anyhow::{Result, bail, ensure};

use super::common::{Execution, executions, stop};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

pub fn error_recorded_and_engine_unharmed(sandbox: &Sandbox) -> Result<()> {
    sandbox.create(&["failing_not_retry_error"])?.success()?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    engine.wait_for("task finished", 3)?;
    stop(engine)?;

    let executions = executions(sandbox, 1)?;
    let [Execution { status, error, .. }] = &executions[..] else {
        bail!("{} executions", executions.len());
    };
    ensure!(status == "failure", "the execution is a {status}");
    let error_type = error["type"].as_str().unwrap_or_default();
    ensure!(error_type.ends_with("DivisionByZero"), "type: {error}");
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(message.contains("zero"), "message: {error}");
    Ok(())
}

pub fn panics_recorded_and_other_tasks_go_on(sandbox: &Sandbox) -> Result<()> {
    // More of them than there are workers: none may be lost.
    for _ in 0..7 {
        sandbox.create(&["failing"])?.success()?;
    }
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 3)?;
    engine.wait_for("task failed", 7)?;
    stop(engine)?;

    for task in 1..=7 {
        let error = executions(sandbox, task)?.remove(0).error;
        ensure!(error["type"] == "panic", "type: {error}");
        let message = error["message"].as_str().unwrap_or_default();
        ensure!(message.contains("divide by zero"), "message: {error}");
    }
    Ok(())
}

pub fn backtrace_recorded_if_asked_for(sandbox: &Sandbox) -> Result<()> {
    for asked_for in ["0", "1"] {
        sandbox.create(&["failing_not_retry_error"])?.success()?;
        let mut command = sandbox.engine_command(Load::waiting(0.0));
        command
            .env_remove("RUST_LIB_BACKTRACE")
            .env("RUST_BACKTRACE", asked_for);
        let mut engine = Program::start(command)?;
        engine.wait_for("task failed", 1)?;
        stop(engine)?;
    }

    for (task, expected) in [(1, false), (2, true)] {
        let error = executions(sandbox, task)?.remove(0).error;
        let backtrace = error["backtrace"].as_str().unwrap_or_default();
        ensure!(backtrace.is_empty() != expected, "backtrace: {backtrace}");
    }
    Ok(())
}

pub fn ill_typed_parameters_fail_their_task_only(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": "long"}'"#)?;
    sandbox.create_tasks(2, Load::waiting(0.0))?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    engine.wait_for("task finished", 2)?;
    stop(engine)?;

    ensure!(sandbox.ids("failed")? == [1], "the task hasn't failed");
    let error = executions(sandbox, 1)?.remove(0).error;
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(message.contains("waiting_time"), "message: {message}");
    Ok(())
}
