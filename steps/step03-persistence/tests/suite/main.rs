//! What this step promises.

mod common;
mod parallelism;
mod persistence;
mod processing_loop;
