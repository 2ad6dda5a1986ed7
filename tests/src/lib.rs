//! Acceptance checks.
