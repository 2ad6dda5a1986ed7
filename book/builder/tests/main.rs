//! The builder, on small repositories of its own.

mod check;
mod companions;
mod directives;
mod fixture;
mod record;
mod search;
