//! What this step promises.

mod common;
mod processing_loop;
