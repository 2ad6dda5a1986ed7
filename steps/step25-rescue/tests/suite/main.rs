//! What this step promises.

mod common;
mod correlation;
mod embedding;
mod errors;
mod giving_up;
mod hooks;
mod inspection;
mod kinds;
mod listing;
mod monitoring;
mod notifications;
mod opening;
mod parallelism;
mod parameters;
mod persistence;
mod priority;
mod processes;
mod processing_loop;
mod rescue;
mod restart;
mod retries;
mod scheduling;
mod shutdown;
mod state;
mod traces;
mod waterfall;
