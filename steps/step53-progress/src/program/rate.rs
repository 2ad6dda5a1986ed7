//! `rate` and `unrate`: how fast the tasks of a kind may start.

use anyhow::Result;
use jiff::SignedDuration;
use step53_progress::{Rate, Store};

use super::pause::tell;

pub async fn rate(store: &Store, kind: &str, rate: Rate) -> Result<()> {
    let rated = store.rate_kind(kind, Some(rate)).await?;
    let period = SignedDuration::try_from(rate.period)?;
    let done = format!("has a rate: {} may start in {period:#}", rate.starts);
    tell(kind, rated, &done, "had this rate already")
}

pub async fn unrate(store: &Store, kind: &str) -> Result<()> {
    let unrated = store.rate_kind(kind, None).await?;
    tell(kind, unrated, "has no rate any more", "had no rate")
}
