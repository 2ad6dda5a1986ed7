//! What this step promises.

mod common;
mod kinds;
mod opening;
mod parallelism;
mod persistence;
mod processes;
mod processing_loop;
mod restart;
mod shutdown;
