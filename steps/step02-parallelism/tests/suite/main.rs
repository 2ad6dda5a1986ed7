//! What this step promises.

mod common;
mod parallelism;
mod processing_loop;
