mod errors;
mod full;
mod monitoring;
mod notifications;
mod parallelism;
mod parameters;
mod persistence;
mod processing_loop;
mod restart;
mod scheduling;
mod shutdown;

use anyhow::Result;

use crate::{Event, Sandbox};

/// Something that a step promises.
pub struct Check {
    /// Its name, in the table and in the output.
    pub name: &'static str,
    /// The step that first keeps this promise.
    pub since: &'static str,
    /// The step that deliberately stops keeping it.
    pub until: Option<&'static str>,
    /// Observes the program.
    pub run: fn(&Sandbox) -> Result<()>,
}

impl Check {
    const fn new(name: &'static str, since: &'static str, run: fn(&Sandbox) -> Result<()>) -> Self {
        Self {
            name,
            since,
            until: None,
            run,
        }
    }

    const fn until(mut self, slug: &'static str) -> Self {
        self.until = Some(slug);
        self
    }
}

/// All checks, in the order of the steps.
#[rustfmt::skip] // one check a line
pub const CHECKS: &[Check] = &[
    Check::new("four-phases-in-order", "loop", processing_loop::four_phases_in_order),
    Check::new("elapsed-time-logged", "loop", processing_loop::elapsed_time_logged),
    Check::new("one-task-at-a-time", "loop", processing_loop::one_task_at_a_time).until("parallelism"),
    Check::new("engine-ends-when-nothing-is-left", "loop", processing_loop::engine_ends_when_nothing_is_left).until("notifications"),
    Check::new("five-tasks-at-once", "parallelism", parallelism::five_tasks_at_once),
    Check::new("as-many-tasks-as-workers", "parallelism", parallelism::as_many_tasks_as_workers),
    Check::new("tasks-outlive-processes", "persistence", persistence::tasks_outlive_processes),
    Check::new("each-task-once-by-five-workers", "persistence", persistence::each_task_once_by_five_workers),
    Check::new("each-task-once-by-four-processes", "persistence", persistence::each_task_once_by_four_processes),
    Check::new("executed-tasks-are-deleted", "persistence", persistence::executed_tasks_are_deleted).until("monitoring"),
    Check::new("killed-engine-leaves-its-tasks-running", "persistence", persistence::killed_engine_leaves_its_tasks_running),
    Check::new("unknown-status-refused", "persistence", persistence::unknown_status_refused),
    Check::new("unusable-database-explained", "persistence", persistence::unusable_database_explained),
    Check::new("read-only-database-explained", "persistence", persistence::read_only_database_explained),
    Check::new("sigterm-lets-running-tasks-end", "shutdown", shutdown::sigterm_lets_running_tasks_end),
    Check::new("sigint-lets-running-tasks-end", "shutdown", shutdown::sigint_lets_running_tasks_end),
    Check::new("signal-during-start-up-leaves-no-task-running", "shutdown", shutdown::signal_during_start_up_leaves_no_task_running),
    Check::new("second-sigint-stops-at-once", "shutdown", shutdown::second_sigint_stops_at_once),
    Check::new("second-sigterm-stops-at-once", "shutdown", shutdown::second_sigterm_stops_at_once),
    Check::new("signal-storm-stops-at-once", "shutdown", shutdown::signal_storm_stops_at_once),
    Check::new("nameless-engine-refused", "restart", restart::nameless_engine_refused).until("full"),
    Check::new("killed-engine-refuses-to-start-again", "restart", restart::killed_engine_refuses_to_start_again),
    Check::new("engine-of-another-name-starts", "restart", restart::engine_of_another_name_starts),
    Check::new("parameters-reach-the-task", "parameters", parameters::parameters_reach_the_task),
    Check::new("unknown-kind-refused", "parameters", parameters::unknown_kind_refused),
    Check::new("ill-typed-parameters-refused", "parameters", parameters::ill_typed_parameters_refused),
    Check::new("invalid-json-refused", "parameters", parameters::invalid_json_refused),
    Check::new("task-of-an-unknown-kind-left-alone", "parameters", parameters::task_of_an_unknown_kind_left_alone),
    Check::new("idle-engine-starts-a-new-task", "notifications", notifications::idle_engine_starts_a_new_task),
    Check::new("idle-engine-stops-on-sigterm", "notifications", notifications::idle_engine_stops_on_sigterm),
    Check::new("idle-engine-stops-on-sigint", "notifications", notifications::idle_engine_stops_on_sigint),
    Check::new("rolled-back-creation-wakes-nobody", "notifications", notifications::rolled_back_creation_wakes_nobody),
    Check::new("many-tasks-in-one-commit-use-all-workers", "notifications", notifications::many_tasks_in_one_commit_use_all_workers),
    Check::new("no-wake-up-is-lost", "notifications", notifications::no_wake_up_is_lost),
    Check::new("executed-tasks-are-kept", "monitoring", monitoring::executed_tasks_are_kept),
    Check::new("executions-match-what-ran", "monitoring", monitoring::executions_match_what_ran),
    Check::new("one-execution-a-task-by-four-processes", "monitoring", monitoring::one_execution_a_task_by_four_processes),
    Check::new("killed-engine-leaves-executions-open", "monitoring", monitoring::killed_engine_leaves_executions_open),
    Check::new("results-are-recorded", "monitoring", monitoring::results_are_recorded),
    Check::new("show-task-tells-what-became-of-it", "monitoring", monitoring::show_task_tells_what_became_of_it),
    Check::new("show-task-refuses-an-unknown-number", "monitoring", monitoring::show_task_refuses_an_unknown_number),
    Check::new("list-tasks-shows-those-asked-for", "monitoring", monitoring::list_tasks_shows_those_asked_for),
    Check::new("list-tasks-refuses-an-unknown-status", "monitoring", monitoring::list_tasks_refuses_an_unknown_status),
    Check::new("task-runs-when-it-is-due", "scheduling", scheduling::task_runs_when_it_is_due),
    Check::new("future-task-holds-up-nobody", "scheduling", scheduling::future_task_holds_up_nobody),
    Check::new("schedule-survives-a-kill", "scheduling", scheduling::schedule_survives_a_kill),
    Check::new("task-of-the-past-runs-at-once", "scheduling", scheduling::task_of_the_past_runs_at_once),
    Check::new("due-tasks-in-the-order-of-their-times", "scheduling", scheduling::due_tasks_in_the_order_of_their_times),
    Check::new("nonsense-time-refused", "scheduling", scheduling::nonsense_time_refused),
    Check::new("error-recorded-and-engine-unharmed", "errors", errors::error_recorded_and_engine_unharmed),
    Check::new("panics-recorded-and-other-tasks-go-on", "errors", errors::panics_recorded_and_other_tasks_go_on),
    Check::new("backtrace-recorded-if-asked-for", "errors", errors::backtrace_recorded_if_asked_for),
    Check::new("first-retry-one-minute-later", "errors", errors::first_retry_one_minute_later),
    Check::new("retry-runs-when-it-is-due", "errors", errors::retry_runs_when_it_is_due),
    Check::new("failed-after-the-tenth-retry", "errors", errors::failed_after_the_tenth_retry),
    Check::new("permanent-errors-not-retried", "errors", errors::permanent_errors_not_retried),
    Check::new("ill-typed-parameters-fail-their-task-only", "errors", errors::ill_typed_parameters_fail_their_task_only),
    Check::new("sigterm-while-a-retry-waits", "errors", errors::sigterm_while_a_retry_waits),
    Check::new("show-task-shows-errors", "errors", errors::show_task_shows_errors),
    Check::new("chaos", "full", full::chaos::chaos),
    Check::new("disk-full", "full", full::disk_full),
    Check::new("retry-puts-a-failed-task-back", "full", full::retry_puts_a_failed_task_back),
    Check::new("stranded-tasks-are-put-back", "full", full::stranded_tasks_are_put_back),
    Check::new("json-output-is-json", "full", full::json_output_is_json),
    Check::new("until-empty-ends", "full", full::until_empty_ends),
    Check::new("command-kind-runs-a-program", "full", full::command_kind_runs_a_program),
    Check::new("demo-tells-its-story", "full", full::demo_tells_its_story),
];

/// The tasks of the events with this message, in the order of the log.
fn tasks_of(events: &[Event], message: &str) -> Vec<i64> {
    events
        .iter()
        .filter(|event| event.message == message)
        .filter_map(Event::task)
        .collect()
}

/// The tasks that the program lists with these arguments, in its order.
fn listed(sandbox: &Sandbox, arguments: &[&str]) -> Result<Vec<i64>> {
    let lines = sandbox.list_tasks(arguments)?.success()?.lines;
    // Whether or not the table has borders.
    let first_words = lines.iter().filter_map(|line| {
        line.split_whitespace()
            .find(|word| word.contains(char::is_alphanumeric))
    });
    Ok(first_words.filter_map(|word| word.parse().ok()).collect())
}

/// The highest number of tasks that were running at one moment of the log.
fn most_at_once(events: &[Event]) -> usize {
    let mut running = 0_usize;
    let mut most = 0;
    for event in events {
        match event.message.as_str() {
            "task started" => running += 1,
            "task finished" => running -= 1,
            _ => continue,
        }
        most = most.max(running);
    }
    most
}
