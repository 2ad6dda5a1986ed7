mod backpressure;
mod cancel;
mod chaining;
mod chaos;
mod command;
mod common;
mod correlation;
mod disk_full;
mod durability;
mod embedding;
mod engines;
mod errors;
mod full;
mod giving_up;
mod grace;
mod groups;
mod heartbeat;
mod hooks;
mod housekeeping;
mod inotify;
mod inspection;
mod keys;
mod kinds;
mod lease;
mod limits;
mod listing;
mod misfires;
mod monitoring;
mod notifications;
mod opening;
mod parallelism;
mod parameters;
mod pause;
mod persistence;
mod prefetch;
mod priority;
mod processes;
mod processing_loop;
mod rates;
mod recovery;
mod recurring;
mod rescue;
mod restart;
mod retention;
mod retries;
mod savepoints;
mod schedules;
mod scheduling;
mod shutdown;
mod terminal;
mod throughput;
mod timeout;
mod traces;
mod uniqueness;
mod waterfall;

use anyhow::Result;
pub(crate) use common::soon;
use xtask::{Step, Steps};

use crate::Sandbox;

/// Something that a step promises.
#[derive(Debug)]
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

    /// Whether this step is to keep the promise; it is, or isn't, none of those that come before
    /// or after a step that doesn't exist yet.
    pub fn holds_at(&self, steps: &Steps, step: &Step) -> bool {
        let number = |slug| steps.find(slug).map(|step| step.number).ok();
        number(self.since).is_some_and(|since| since <= step.number)
            && self
                .until
                .and_then(number)
                .is_none_or(|until| step.number < until)
    }

    /// Whether this step is the last one that can't keep the promise.
    pub fn comes_right_after(&self, steps: &Steps, step: &Step) -> bool {
        steps.next(step).is_some_and(|next| next.slug == self.since)
    }
}

/// All checks, in the order of the steps.
#[rustfmt::skip] // one check a line
pub const CHECKS: &[Check] = &[
    Check::new("four-phases-in-order", "loop", processing_loop::four_phases_in_order),
    Check::new("elapsed-time-logged", "loop", processing_loop::elapsed_time_logged),
    Check::new("one-task-at-a-time", "loop", processing_loop::one_task_at_a_time).until("parallelism"),
    Check::new("engine-ends-when-nothing-is-left", "loop", processing_loop::engine_ends_when_nothing_is_left).until("notifications"),
    Check::new("full-disk-loses-only-the-log", "loop", processing_loop::full_disk_loses_only_the_log),
    Check::new("reader-that-leaves-loses-only-the-log", "loop", processing_loop::reader_that_leaves_loses_only_the_log),
    Check::new("five-tasks-at-once", "parallelism", parallelism::five_tasks_at_once),
    Check::new("as-many-tasks-as-workers", "parallelism", parallelism::as_many_tasks_as_workers),
    Check::new("tasks-outlive-processes", "persistence", persistence::tasks_outlive_processes),
    Check::new("each-task-once-by-five-workers", "persistence", persistence::each_task_once_by_five_workers),
    Check::new("executed-tasks-are-deleted", "persistence", persistence::executed_tasks_are_deleted).until("monitoring"),
    Check::new("killed-engine-leaves-its-tasks-running", "persistence", persistence::killed_engine_leaves_its_tasks_running),
    Check::new("unknown-status-refused", "persistence", persistence::unknown_status_refused),
    Check::new("numbers-are-never-given-again", "persistence", persistence::numbers_are_never_given_again),
    Check::new("create-says-how-many", "persistence", persistence::create_says_how_many),
    Check::new("any-path-will-do", "persistence", persistence::any_path_will_do),
    Check::new("what-the-application-keeps-in-the-file-stays", "persistence", persistence::what_the_application_keeps_in_the_file_stays),
    Check::new("deleted-running-task-harms-nobody", "persistence", persistence::deleted_running_task_harms_nobody),
    Check::new("running-task-put-back-is-executed-again", "persistence", persistence::running_task_put_back_is_executed_again),
    Check::new("dump-is-restored-by-the-shell-of-the-system", "persistence", persistence::dump_is_restored_by_the_shell_of_the_system),
    Check::new("write-lock-of-another-program-only-delays", "processes", processes::write_lock_of_another_program_only_delays),
    Check::new("reader-holds-up-nobody", "processes", processes::reader_holds_up_nobody),
    Check::new("new-database-opened-by-eight-programs-at-once", "processes", processes::new_database_opened_by_eight_programs_at_once),
    Check::new("each-process-gets-its-share", "processes", processes::each_process_gets_its_share),
    Check::new("refused-end-harms-nobody", "opening", opening::refused_end_harms_nobody),
    Check::new("missing-folder-explained", "opening", opening::missing_folder_explained),
    Check::new("file-that-is-no-database-explained", "opening", opening::file_that_is_no_database_explained),
    Check::new("newer-database-refused", "opening", opening::newer_database_refused),
    Check::new("tasks-of-another-program-left-alone", "opening", opening::tasks_of_another_program_left_alone),
    Check::new("database-without-a-file-refused", "opening", opening::database_without_a_file_refused),
    Check::new("name-that-looks-like-an-address-is-a-name", "opening", opening::name_that_looks_like_an_address_is_a_name),
    Check::new("read-only-database-explained", "opening", opening::read_only_database_explained),
    Check::new("sigterm-lets-running-tasks-end", "shutdown", shutdown::sigterm_lets_running_tasks_end),
    Check::new("sigint-lets-running-tasks-end", "shutdown", shutdown::sigint_lets_running_tasks_end),
    Check::new("sighup-lets-running-tasks-end-unless-ignored", "shutdown", shutdown::sighup_lets_running_tasks_end_unless_ignored),
    Check::new("signals-within-a-second-are-one-request", "shutdown", shutdown::signals_within_a_second_are_one_request),
    Check::new("signal-during-start-up-leaves-no-task-running", "shutdown", shutdown::signal_during_start_up_leaves_no_task_running),
    Check::new("signal-after-the-end-does-no-harm", "shutdown", shutdown::signal_after_the_end_does_no_harm),
    Check::new("signal-while-another-program-writes", "shutdown", shutdown::signal_while_another_program_writes),
    Check::new("later-sigint-stops-at-once", "shutdown", shutdown::later_sigint_stops_at_once),
    Check::new("later-sigterm-stops-at-once", "shutdown", shutdown::later_sigterm_stops_at_once),
    Check::new("signal-storm-stops-at-once", "shutdown", shutdown::signal_storm_stops_at_once),
    Check::new("ended-program-leaves-one-file", "shutdown", shutdown::ended_program_leaves_one_file),
    Check::new("nameless-engine-refused", "restart", restart::nameless_engine_refused),
    Check::new("killed-engine-refuses-to-start-again", "restart", restart::killed_engine_refuses_to_start_again).until("recovery"),
    Check::new("engine-of-another-name-starts", "restart", restart::engine_of_another_name_starts),
    Check::new("name-of-a-living-engine-refused", "restart", restart::name_of_a_living_engine_refused).until("recovery"),
    Check::new("engine-starts-again-once-its-tasks-are-put-back", "restart", restart::engine_starts_again_once_its_tasks_are_put_back).until("recovery"),
    Check::new("parameters-reach-the-task", "kinds", kinds::parameters_reach_the_task),
    Check::new("any-program-creates-tasks", "kinds", kinds::any_program_creates_tasks),
    Check::new("unknown-kind-refused", "kinds", kinds::unknown_kind_refused),
    Check::new("invalid-json-refused", "kinds", kinds::invalid_json_refused),
    Check::new("task-of-an-unknown-kind-left-alone", "kinds", kinds::task_of_an_unknown_kind_left_alone),
    Check::new("ill-typed-parameters-refused", "parameters", parameters::ill_typed_parameters_refused),
    Check::new("unknown-kind-reported", "parameters", parameters::unknown_kind_reported),
    Check::new("unreadable-tasks-harm-nobody", "parameters", parameters::unreadable_tasks_harm_nobody).until("errors"),
    Check::new("idle-engine-starts-a-new-task", "notifications", notifications::idle_engine_starts_a_new_task),
    Check::new("idle-engine-stops-on-sigterm", "notifications", notifications::idle_engine_stops_on_sigterm),
    Check::new("idle-engine-stops-on-sigint", "notifications", notifications::idle_engine_stops_on_sigint),
    Check::new("rolled-back-creation-wakes-nobody", "notifications", notifications::rolled_back_creation_wakes_nobody),
    Check::new("many-tasks-in-one-commit-use-all-workers", "notifications", notifications::many_tasks_in_one_commit_use_all_workers),
    Check::new("no-wake-up-is-lost", "notifications", notifications::no_wake_up_is_lost),
    Check::new("removed-database-ends-an-idle-engine", "notifications", notifications::removed_database_ends_an_idle_engine),
    Check::new("replaced-database-ends-an-idle-engine", "notifications", notifications::replaced_database_ends_an_idle_engine),
    Check::new("write-lock-of-another-program-delays-a-wake-up", "notifications", notifications::write_lock_of_another_program_delays_a_wake_up),
    Check::new("odd-rows-wake-nobody-in-vain", "notifications", notifications::odd_rows_wake_nobody_in_vain),
    Check::new("executed-tasks-are-kept", "monitoring", monitoring::executed_tasks_are_kept),
    Check::new("executions-match-what-ran", "monitoring", monitoring::executions_match_what_ran),
    Check::new("one-execution-a-task-by-four-processes", "monitoring", monitoring::one_execution_a_task_by_four_processes),
    Check::new("killed-engine-leaves-executions-open", "monitoring", monitoring::killed_engine_leaves_executions_open),
    Check::new("results-are-recorded", "monitoring", monitoring::results_are_recorded),
    Check::new("execution-that-was-overtaken-changes-nothing", "monitoring", monitoring::execution_that_was_overtaken_changes_nothing),
    Check::new("refused-result-harms-nobody", "monitoring", monitoring::refused_result_harms_nobody),
    Check::new("deleted-execution-harms-nobody", "monitoring", monitoring::deleted_execution_harms_nobody),
    Check::new("show-tells-what-became-of-it", "inspection", inspection::show_tells_what_became_of_it),
    Check::new("show-refuses-an-unknown-number", "inspection", inspection::show_refuses_an_unknown_number),
    Check::new("show-makes-no-database", "inspection", inspection::show_makes_no_database),
    Check::new("show-waits-for-nobody", "inspection", inspection::show_waits_for_nobody),
    Check::new("show-writes-no-control-characters", "inspection", inspection::show_writes_no_control_characters),
    Check::new("show-shows-odd-rows", "inspection", inspection::show_shows_odd_rows),
    Check::new("show-survives-a-reader-that-leaves", "inspection", inspection::show_survives_a_reader_that_leaves),
    Check::new("list-shows-those-asked-for", "listing", listing::list_shows_those_asked_for),
    Check::new("list-refuses-an-unknown-status", "listing", listing::list_refuses_an_unknown_status),
    Check::new("list-makes-no-database", "listing", listing::list_makes_no_database),
    Check::new("list-waits-for-nobody", "listing", listing::list_waits_for_nobody),
    Check::new("list-writes-no-control-characters", "listing", listing::list_writes_no_control_characters),
    Check::new("list-shows-odd-rows", "listing", listing::list_shows_odd_rows),
    Check::new("list-answers-beside-parameters-of-a-megabyte", "listing", listing::list_answers_beside_parameters_of_a_megabyte),
    Check::new("list-survives-a-reader-that-leaves", "listing", listing::list_survives_a_reader_that_leaves),
    Check::new("terminal-of-no-columns-is-as-wide-as-needed", "listing", terminal::terminal_of_no_columns_is_as_wide_as_needed),
    Check::new("task-runs-when-it-is-due", "scheduling", scheduling::task_runs_when_it_is_due),
    Check::new("future-task-holds-up-nobody", "scheduling", scheduling::future_task_holds_up_nobody),
    Check::new("schedule-survives-a-kill", "scheduling", scheduling::schedule_survives_a_kill),
    Check::new("task-of-the-past-runs-at-once", "scheduling", scheduling::task_of_the_past_runs_at_once),
    Check::new("due-tasks-in-the-order-of-their-times", "scheduling", scheduling::due_tasks_in_the_order_of_their_times),
    Check::new("nonsense-time-refused", "scheduling", scheduling::nonsense_time_refused),
    Check::new("odd-times-harm-nobody", "scheduling", scheduling::odd_times_harm_nobody),
    Check::new("panics-recorded-and-other-tasks-go-on", "errors", errors::panics_recorded_and_other_tasks_go_on),
    Check::new("failed-task-is-marked", "errors", errors::failed_task_is_marked).until("retries"),
    Check::new("unreadable-tasks-fail", "errors", errors::unreadable_tasks_fail),
    Check::new("backtrace-recorded-if-asked-for", "errors", errors::backtrace_recorded_if_asked_for).until("traces"),
    Check::new("refused-result-is-a-failure", "errors", errors::refused_result_is_a_failure),
    Check::new("show-shows-errors", "errors", errors::show_shows_errors),
    Check::new("show-shows-odd-errors", "errors", errors::show_shows_odd_errors),
    Check::new("place-of-a-panic-recorded", "traces", traces::place_of_a_panic_recorded),
    Check::new("frames-are-those-of-the-task", "traces", traces::frames_are_those_of_the_task),
    Check::new("first-retry-one-minute-later", "retries", retries::first_retry_one_minute_later),
    Check::new("retry-runs-when-it-is-due", "retries", retries::retry_runs_when_it_is_due),
    Check::new("failed-after-the-tenth-retry", "retries", retries::failed_after_the_tenth_retry),
    Check::new("sigterm-while-a-retry-waits", "retries", retries::sigterm_while_a_retry_waits),
    Check::new("list-tells-what-waits-for-a-retry", "retries", retries::list_tells_what_waits_for_a_retry),
    Check::new("odd-contexts-harm-nobody", "retries", retries::odd_contexts_harm_nobody),
    Check::new("permanent-errors-not-retried", "giving-up", giving_up::permanent_errors_not_retried),
    Check::new("error-of-a-task-recorded", "giving-up", giving_up::error_of_a_task_recorded),
    Check::new("refused-start-is-a-failure", "giving-up", giving_up::refused_start_is_a_failure),
    Check::new("until-empty-ends", "embedding", embedding::until_empty_ends),
    Check::new("until-empty-ends-beside-odd-rows", "embedding", embedding::until_empty_ends_beside_odd_rows),
    Check::new("until-empty-ends-without-a-log", "embedding", embedding::until_empty_ends_without_a_log),
    Check::new("until-empty-ends-when-the-database-is-gone", "embedding", embedding::until_empty_ends_when_the_database_is_gone),
    Check::new("log-of-an-order-has-its-id", "correlation", correlation::log_of_an_order_has_its_id),
    Check::new("correlation-asked-for-on-creation", "correlation", correlation::correlation_asked_for_on_creation),
    Check::new("retried-task-keeps-its-correlation", "correlation", correlation::retried_task_keeps_its_correlation),
    Check::new("trace-shows-the-tree", "waterfall", waterfall::trace_shows_the_tree),
    Check::new("trace-survives-odd-families", "waterfall", waterfall::trace_survives_odd_families),
    Check::new("trace-json", "waterfall", waterfall::trace_json),
    Check::new("higher-priority-first", "priority", priority::higher_priority_first),
    Check::new("equals-in-their-order", "priority", priority::equals_in_their_order),
    Check::new("low-priority-has-its-turn", "priority", priority::low_priority_has_its_turn),
    Check::new("retried-task-keeps-its-priority", "priority", priority::retried_task_keeps_its_priority),
    Check::new("priority-shown", "priority", priority::priority_shown),
    Check::new("unknown-priority-refused", "priority", priority::unknown_priority_refused),
    Check::new("executions-measured-by-kind", "hooks", hooks::executions_measured_by_kind),
    Check::new("nothing-measured-nothing-told", "hooks", hooks::nothing_measured_nothing_told),
    Check::new("retry-puts-a-failed-task-back", "rescue", rescue::retry_puts_a_failed_task_back),
    Check::new("retry-makes-a-future-task-due", "rescue", rescue::retry_makes_a_future_task_due),
    Check::new("retry-refuses-a-running-task", "rescue", rescue::retry_refuses_a_running_task),
    Check::new("stranded-tasks-are-put-back", "rescue", rescue::stranded_tasks_are_put_back).until("recovery"),
    Check::new("stranded-tasks-without-a-name-are-put-back", "rescue", rescue::stranded_tasks_without_a_name_are_put_back),
    Check::new("task-taken-from-a-living-engine-is-lost-to-it", "rescue", rescue::task_taken_from_a_living_engine_is_lost_to_it).until("recovery"),
    Check::new("task-that-kills-its-engines-fails", "rescue", rescue::task_that_kills_its_engines_fails).until("recovery"),
    Check::new("advice-is-fit-for-a-shell", "rescue", rescue::advice_is_fit_for_a_shell).until("recovery"),
    Check::new("chaos", "rescue", chaos::chaos).until("recovery"),
    Check::new("disk-full", "rescue", disk_full::disk_full),
    Check::new("each-start-is-a-row", "engines", engines::each_start_is_a_row),
    Check::new("running-tasks-carry-the-number-of-their-engine", "engines", engines::running_tasks_carry_the_number_of_their_engine),
    Check::new("database-locked-for-longer-than-a-lease-kills-nobody", "engines", recovery::database_locked_for_longer_than_a_lease_kills_nobody).until("lease"),
    Check::new("living-engine-says-so", "heartbeat", heartbeat::living_engine_says_so),
    Check::new("killed-engine-is-seen-dead", "heartbeat", heartbeat::killed_engine_is_seen_dead),
    Check::new("suspended-engine-is-seen-dead", "heartbeat", heartbeat::suspended_engine_is_seen_dead),
    Check::new("tasks-of-a-killed-engine-are-executed-elsewhere", "recovery", recovery::tasks_of_a_killed_engine_are_executed_elsewhere),
    Check::new("engines-of-one-name-are-told-apart", "recovery", recovery::engines_of_one_name_are_told_apart),
    Check::new("task-that-kills-its-engines-fails-alone", "recovery", recovery::task_that_kills_its_engines_fails_alone),
    Check::new("suspended-engine-ends-nothing-that-was-taken-from-it", "recovery", recovery::suspended_engine_ends_nothing_that_was_taken_from_it).until("lease"),
    Check::new("chaos-without-help", "recovery", chaos::chaos_without_help),
    Check::new("suspended-engine-begins-again-under-another-number", "lease", lease::suspended_engine_begins_again_under_another_number),
    Check::new("engine-that-cannot-write-stops-its-tasks", "lease", lease::engine_that_cannot_write_stops_its_tasks),
    Check::new("task-that-takes-too-long-fails-and-others-go-on", "timeout", timeout::task_that_takes_too_long_fails_and_others_go_on),
    Check::new("task-that-does-not-listen-is-cut-short", "timeout", timeout::task_that_does_not_listen_is_cut_short),
    Check::new("stop-with-grace-under-load-leaves-nothing-running", "grace", grace::stop_with_grace_under_load_leaves_nothing_running),
    Check::new("cancelled-waiting-task-is-not-executed", "cancel", cancel::cancelled_waiting_task_is_not_executed),
    Check::new("running-task-is-cancelled-in-whatever-process", "cancel", cancel::running_task_is_cancelled_in_whatever_process),
    Check::new("tasks-are-cancelled-by-kind-or-together", "cancel", cancel::tasks_are_cancelled_by_kind_or_together),
    Check::new("task-of-a-killed-engine-can-be-cancelled", "cancel", cancel::task_of_a_killed_engine_can_be_cancelled),
    Check::new("pause-stops-a-flood", "pause", pause::pause_stops_a_flood),
    Check::new("until-empty-leaves-paused-tasks", "pause", pause::until_empty_leaves_paused_tasks),
    Check::new("tasks-of-a-killed-engine-stay-paused", "pause", pause::tasks_of_a_killed_engine_stay_paused),
    Check::new("paused-kinds-are-listed", "pause", pause::paused_kinds_are_listed),
    Check::new("fifty-creations-at-once-make-one-task", "uniqueness", uniqueness::fifty_creations_at_once_make_one_task),
    Check::new("key-is-taken-until-the-end", "uniqueness", uniqueness::key_is_taken_until_the_end),
    Check::new("failed-task-frees-its-key-and-a-retry-does-not", "uniqueness", uniqueness::failed_task_frees_its_key_and_a_retry_does_not),
    Check::new("killed-programs-leave-keys-as-they-are", "uniqueness", uniqueness::killed_programs_leave_keys_as_they_are),
    Check::new("keys-are-compared-byte-for-byte", "uniqueness", uniqueness::keys_are_compared_byte_for_byte),
    Check::new("existing-task-is-changed-if-asked", "uniqueness", uniqueness::existing_task_is_changed_if_asked),
    Check::new("moved-task-runs-when-it-is-due", "uniqueness", uniqueness::moved_task_runs_when_it_is_due),
    Check::new("retry-refuses-while-a-twin-waits", "uniqueness", uniqueness::retry_refuses_while_a_twin_waits),
    Check::new("database-refuses-a-twin", "uniqueness", uniqueness::database_refuses_a_twin),
    Check::new("unique-key-shown", "uniqueness", uniqueness::unique_key_shown),
    Check::new("bound-is-exact-whoever-creates", "backpressure", backpressure::bound_is_exact_whoever_creates),
    Check::new("creations-of-one-command-are-all-done-or-none", "backpressure", backpressure::creations_of_one_command_are_all_done_or_none),
    Check::new("creator-waits-for-room-and-goes-on", "backpressure", backpressure::creator_waits_for_room_and_goes_on),
    Check::new("creator-goes-on-once-the-bound-is-raised", "backpressure", backpressure::creator_goes_on_once_the_bound_is_raised),
    Check::new("killed-creator-leaves-nothing", "backpressure", backpressure::killed_creator_leaves_nothing),
    Check::new("task-that-comes-back-is-not-refused", "backpressure", backpressure::task_that_comes_back_is_not_refused),
    Check::new("what-needs-no-room-is-not-refused", "backpressure", backpressure::what_needs_no_room_is_not_refused),
    Check::new("bound-and-age-are-listed", "backpressure", backpressure::bound_and_age_are_listed),
    Check::new("limit-holds-over-all-engines", "limits", limits::limit_holds_over_all_engines),
    Check::new("limited-kind-holds-up-no-other", "limits", limits::limited_kind_holds_up_no_other),
    Check::new("killed-engine-keeps-no-place", "limits", limits::killed_engine_keeps_no_place),
    Check::new("changed-limit-counts-at-once", "limits", limits::changed_limit_counts_at_once),
    Check::new("until-empty-waits-for-limited-tasks", "limits", limits::until_empty_waits_for_limited_tasks),
    Check::new("limits-are-listed", "limits", limits::limits_are_listed),
    Check::new("key-limit-holds-everywhere", "keys", keys::key_limit_holds_everywhere),
    Check::new("key-limit-survives-kills", "keys", keys::key_limit_survives_kills),
    Check::new("full-key-holds-up-no-other", "keys", keys::full_key_holds_up_no_other),
    Check::new("keys-have-turns", "keys", keys::keys_have_turns),
    Check::new("ten-thousand-keys", "keys", keys::ten_thousand_keys),
    Check::new("key-limits-are-listed", "keys", keys::key_limits_are_listed),
    Check::new("rate-holds-over-all-engines", "rates", rates::rate_holds_over_all_engines),
    Check::new("rate-survives-kills", "rates", rates::rate_survives_kills),
    Check::new("rated-kind-holds-up-no-other", "rates", rates::rated_kind_holds_up_no_other),
    Check::new("rated-tasks-start-in-their-time", "rates", rates::rated_tasks_start_in_their_time),
    Check::new("changed-rate-counts-at-once", "rates", rates::changed_rate_counts_at_once),
    Check::new("rates-are-listed", "rates", rates::rates_are_listed),
    Check::new("one-tick-one-task", "recurring", recurring::one_tick_one_task),
    Check::new("killed-engine-takes-no-tick-with-it", "recurring", recurring::killed_engine_takes_no_tick_with_it),
    Check::new("missed-ticks-make-one-task", "recurring", recurring::missed_ticks_make_one_task),
    Check::new("same-schedule-again-changes-nothing", "recurring", recurring::same_schedule_again_changes_nothing),
    Check::new("changed-schedule-counts-at-once", "recurring", recurring::changed_schedule_counts_at_once),
    Check::new("bad-schedules-hold-up-nothing", "recurring", recurring::bad_schedules_hold_up_nothing),
    Check::new("expression-that-never-comes-is-refused", "recurring", recurring::expression_that_never_comes_is_refused),
    Check::new("missed-ticks-by-policy", "misfires", misfires::missed_ticks_by_policy),
    Check::new("late-tick-has-its-task", "misfires", misfires::late_tick_has_its_task),
    Check::new("catch-up-is-capped", "misfires", misfires::catch_up_is_capped),
    Check::new("no-overlap-unless-asked-for", "misfires", misfires::no_overlap_unless_asked_for),
    Check::new("task-to-be-retried-is-not-done", "misfires", misfires::task_to_be_retried_is_not_done),
    Check::new("killed-engine-holds-its-schedule-for-a-lease", "misfires", misfires::killed_engine_holds_its_schedule_for_a_lease),
    Check::new("policy-can-be-changed", "misfires", misfires::policy_can_be_changed),
    Check::new("schedule-pause-holds", "schedules", schedules::schedule_pause_holds),
    Check::new("schedule-added-again-stays-paused", "schedules", schedules::schedule_added_again_stays_paused),
    Check::new("schedule-remove", "schedules", schedules::schedule_remove),
    Check::new("schedule-next-in-paris", "schedules", schedules::schedule_next_in_paris),
    Check::new("schedule-list-survives-a-bad-row", "schedules", schedules::schedule_list_survives_a_bad_row),
    Check::new("old-tasks-are-deleted-by-hand", "retention", retention::old_tasks_are_deleted_by_hand),
    Check::new("dry-run-counts-and-changes-nothing", "retention", retention::dry_run_counts_and_changes_nothing),
    Check::new("engine-deletes-what-it-has-kept-for-long-enough", "retention", retention::engine_deletes_what_it_has_kept_for_long_enough),
    Check::new("clock-that-nobody-has-watched-deletes-nothing", "retention", retention::clock_that_nobody_has_watched_deletes_nothing),
    Check::new("killed-in-the-middle-it-goes-on", "retention", retention::killed_in_the_middle_it_goes_on),
    Check::new("others-have-their-turns-meanwhile", "retention", retention::others_have_their_turns_meanwhile),
    Check::new("task-that-the-application-needs-is-left", "retention", retention::task_that_the_application_needs_is_left),
    Check::new("child-of-a-task-that-is-gone-is-found", "retention", retention::child_of_a_task_that_is_gone_is_found),
    Check::new("old-starts-are-forgotten", "housekeeping", housekeeping::old_starts_are_forgotten),
    Check::new("long-log-is-told", "housekeeping", housekeeping::long_log_is_told),
    Check::new("nothing-is-deleted-into-a-long-log", "housekeeping", housekeeping::nothing_is_deleted_into_a_long_log),
    Check::new("executions-that-end-together-are-committed-together", "throughput", throughput::executions_that_end_together_are_committed_together),
    Check::new("what-is-written-is-copied-nowhere", "savepoints", savepoints::what_is_written_is_copied_nowhere),
    Check::new("tasks-end-and-begin-in-one-commit", "chaining", chaining::tasks_end_and_begin_in_one_commit),
    Check::new("workers-do-not-wait-for-the-ends-of-short-tasks", "prefetch", prefetch::workers_do_not_wait_for_the_ends_of_short_tasks),
    Check::new("a-kill-repeats-few-short-tasks", "prefetch", prefetch::a_kill_repeats_few_short_tasks),
    Check::new("idle-engine-hardly-ever-looks", "inotify", inotify::idle_engine_hardly_ever_looks),
    Check::new("engine-that-is-told-nothing-looks-and-says-so", "inotify", inotify::engine_that_is_told_nothing_looks_and_says_so),
    Check::new("normal-waits-for-no-disk", "durability", durability::normal_waits_for_no_disk),
    Check::new("power-cut-takes-what-no-full-commit-follows", "durability", durability::power_cut_takes_what_no_full_commit_follows),
    Check::new("what-is-asked-for-by-hand-stays", "durability", durability::what_is_asked_for_by_hand_stays),
    Check::new("what-a-power-cut-leaves-is-sound", "durability", durability::what_a_power_cut_leaves_is_sound),
    Check::new("execution-taken-back-is-repeated", "durability", durability::execution_taken_back_is_repeated),
    Check::new("normal-is-said", "durability", durability::normal_is_said),
    Check::new("command-kind-runs-a-program", "command", command::command_kind_runs_a_program),
    Check::new("program-of-a-task-that-is-cut-short-is-killed", "command", command::program_of_a_task_that_is_cut_short_is_killed),
    Check::new("ignored-sigchld-hides-no-success", "command", command::ignored_sigchld_hides_no_success),
    Check::new("impossible-commands-are-not-retried", "command", command::impossible_commands_are_not_retried),
    Check::new("output-of-a-program-is-only-text", "command", command::output_of_a_program_is_only_text),
    Check::new("engine-that-stops-lets-its-programs-end", "command", groups::engine_that_stops_lets_its_programs_end),
    Check::new("program-outlives-an-engine-that-is-killed-or-stopped-at-once", "command", groups::program_outlives_an_engine_that_is_killed_or_stopped_at_once),
    Check::new("timed-out-program-leaves-nothing-of-its-group", "groups", groups::timed_out_program_leaves_nothing_of_its_group),
    Check::new("program-that-is-asked-to-stop-has-the-time-to-clean-up", "groups", groups::program_that_is_asked_to_stop_has_the_time_to_clean_up),
    Check::new("what-a-program-has-launched-has-the-time-too", "groups", groups::what_a_program_has_launched_has_the_time_too),
    Check::new("program-that-does-not-listen-is-killed-with-its-group", "groups", groups::program_that_does_not_listen_is_killed_with_its_group),
    Check::new("group-of-a-task-that-is-cut-short-is-killed", "groups", groups::group_of_a_task_that_is_cut_short_is_killed),
    Check::new("json-output-is-json", "terminal", terminal::json_output_is_json),
    Check::new("demo-tells-its-story", "full", full::demo_tells_its_story),
];
