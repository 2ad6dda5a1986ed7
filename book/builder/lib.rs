//! Builds the book, and refuses to build one that lies.
//!
//! Listings, diffs, cards and tables come from the steps at build time, through
//! directives in the chapters, each between blank lines. Steps are named by
//! their slugs, files by their paths in the step.
//!
//! | Directive | Becomes |
//! | --- | --- |
//! | `{{#part 4}}` | a link to a part of the series |
//! | `{{#card SLUG}}` | the card of a step; its chapter must then show every line that the step changes |
//! | `{{#item SLUG FILE ITEM}}` | an item: `Worker`, `Worker::run`, `impl Default for Config`, `mod tests`, `use`; in SQL what is created, in `Cargo.toml` a table |
//! | `{{#file SLUG FILE}}` | a whole file |
//! | `{{#diff SLUG FILE [ITEM, …]}}` | what the step changes in a file, or in some of its items |
//! | `{{#rest SLUG PATH…}}` | what the chapter has not shown of these files and `folders/`, folded |
//! | `{{#snapshot SLUG FILE [LANGUAGE]}}` | an insta snapshot, without its header |
//! | `{{#transcript NAME}}` | a session of `book/transcripts`, see [`record`] |
//! | `{{#diagram NAME TITLE…}}` | a drawing of `book/diagrams`, in pikchr |
//! | `{{#acceptance [SLUG]}}` | the table of the checks, or the checks that begin at a step |
//! | `{{#states SLUG}}` | the states of a task at a step, from the transitions its program was seen to make |
//! | `{{#steps}}` | the map of the steps |
//! | `{{#tables}}` | the tables, their columns and the indexes, and the step of each, from the migrations |
//!
//! A directive that names something that doesn't exist is an error, and so is a
//! changed line that the chapter of its step doesn't show. What stands unfolded
//! is counted in `book/shown.json`; `least-shown` in `book.toml` refuses less.

pub mod build;
pub mod check;
pub mod files;
pub mod french;
pub mod proofread;
pub mod record;
pub mod serve;
pub mod shown;

mod acceptance;
mod card;
mod coverage;
mod diagram;
mod diff;
mod directive;
mod expand;
mod html;
mod item;
mod library;
mod links;
mod listing;
mod map;
mod page;
mod problem;
mod prose;
mod series;
mod settings;
mod states;
mod tables;
mod transcript;
