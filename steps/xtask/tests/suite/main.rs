//! The commands, run on small projects made for the purpose.

mod common;
mod diffs;
mod hunks;
mod insert;
mod list;
mod propagate;
mod reader;
