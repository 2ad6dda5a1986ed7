//! The builder, on small repositories of its own.

mod check;
mod companions;
mod directives;
mod editions;
mod exercises;
mod fixture;
mod measures;
mod record;
mod refused;
mod search;
mod timelines;
