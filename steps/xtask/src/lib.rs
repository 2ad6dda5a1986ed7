//! Tools that keep the steps in step.
