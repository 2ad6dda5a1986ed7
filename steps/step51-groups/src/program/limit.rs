//! `limit` and `unlimit`: how many tasks of a kind may run at once.

use std::num::NonZero;

use anyhow::Result;
use step51_groups::Store;

use super::pause::tell;

pub async fn limit(store: &Store, kind: &str, max: NonZero<u32>, per_key: bool) -> Result<()> {
    let (limited, each) = if per_key {
        (store.limit_keys(kind, Some(max)).await?, " for each key")
    } else {
        (store.limit_kind(kind, Some(max)).await?, "")
    };
    let done = format!("is limited: {max} may run at once{each}");
    tell(kind, limited, &done, "was limited so already")
}

pub async fn unlimit(store: &Store, kind: &str, per_key: bool) -> Result<()> {
    let unlimited = if per_key {
        store.limit_keys(kind, None).await?
    } else {
        store.limit_kind(kind, None).await?
    };
    tell(kind, unlimited, "isn't limited any more", "wasn't limited")
}
