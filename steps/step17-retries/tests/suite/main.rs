//! What this step promises.

mod common;
mod errors;
mod inspection;
mod kinds;
mod listing;
mod monitoring;
mod notifications;
mod opening;
mod parallelism;
mod parameters;
mod persistence;
mod processes;
mod processing_loop;
mod restart;
mod retries;
mod scheduling;
mod shutdown;
mod traces;
