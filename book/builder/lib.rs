//! Builds the book, and refuses to build one that lies.
//!
//! Listings, diffs, cards and tables come from the steps at build time, through
//! directives in the chapters, each between blank lines (but `measure`). Steps are named by
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
//! | `{{#timeline NAME TITLE…}}` | what the workers did in a session, and when, from the logs kept when it was recorded |
//! | `{{#diagram NAME TITLE…}}` | a drawing of `book/diagrams`, in pikchr |
//! | `{{#measure NAME COLUMN}}` | a figure of the benchmarks, within a sentence; `{{#measure machine}}` where it was measured, see [`measure`] |
//! | `{{#acceptance [SLUG]}}` | the table of the checks, or the checks that begin at a step |
//! | `{{#solution NAME}}` | the solution of an exercise, a patch of `book/exercises`, folded, see [`exercises`] |
//! | `{{#refused NAME}}` | what one would try, a patch of `book/refused`, and what the compiler answers, see [`exercises::refused`] |
//! | `{{#states SLUG}}` | the states of a task at a step, from the transitions its program was seen to make |
//! | `{{#steps}}` | the map of the steps |
//! | `{{#tables}}` | the tables, their columns and the indexes, and the step of each, from the migrations |
//!
//! A directive that names something that doesn't exist is an error, and so is a
//! changed line that the chapter of its step doesn't show. What stands unfolded
//! is counted in `book/shown.json`; `least-shown` in `book.toml` refuses less.

pub mod browse;
pub mod build;
pub mod check;
pub mod epub;
pub mod exercises;
pub mod files;
pub mod french;
pub mod measure;
pub mod pdf;
pub mod proofread;
pub mod record;
pub mod serve;
pub mod shown;

mod acceptance;
mod card;
mod chromium;
mod colours;
mod coverage;
mod diagram;
mod diff;
mod directive;
mod edition;
mod excerpt;
mod expand;
mod html;
mod item;
mod library;
mod links;
mod listing;
mod map;
mod page;
mod place;
mod problem;
mod prose;
mod series;
mod settings;
mod sources;
mod states;
mod tables;
mod timeline;
mod tool;
mod transcript;
mod words;
mod xhtml;
