//! Builds the book, and refuses to build one that lies.
//!
//! Listings, diffs, cards and tables come from the steps at build time, through
//! directives such as `{{#item loop src/worker.rs Worker::run}}` in the
//! chapters. A directive that names something that doesn't exist is an error,
//! and so is a line of a step's diff that its chapter doesn't show.

pub mod acceptance;
pub mod build;
pub mod card;
pub mod check;
pub mod coverage;
pub mod diagram;
pub mod diff;
pub mod directive;
pub mod files;
pub mod french;
pub mod html;
pub mod item;
pub mod library;
pub mod links;
pub mod listing;
pub mod map;
pub mod page;
pub mod preprocess;
pub mod problem;
pub mod proofread;
pub mod prose;
pub mod record;
pub mod series;
pub mod serve;
pub mod transcript;
