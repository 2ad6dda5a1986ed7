//! `limit` and `unlimit`: how many tasks of a kind may run at once.

use std::num::NonZero;

use anyhow::Result;
use step42_throughput::Store;

use super::pause::tell;

pub async fn limit(store: &Store, kind: &str, max_running: NonZero<u32>) -> Result<()> {
    let limited = store.limit_kind(kind, Some(max_running)).await?;
    let done = format!("is limited: {max_running} may run at once");
    tell(kind, limited, &done, "was limited so already")
}

pub async fn unlimit(store: &Store, kind: &str) -> Result<()> {
    let unlimited = store.limit_kind(kind, None).await?;
    tell(kind, unlimited, "isn't limited any more", "wasn't limited")
}
