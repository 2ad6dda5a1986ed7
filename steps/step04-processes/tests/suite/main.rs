//! What this step promises.

mod common;
mod parallelism;
mod persistence;
mod processes;
mod processing_loop;
