//! `bound` and `unbound`: how many tasks of a kind may wait.

use anyhow::Result;
use step46_chaining::Store;

use super::pause::tell;

pub async fn bound(store: &Store, kind: &str, max_waiting: u32) -> Result<()> {
    let bounded = store.bound_kind(kind, Some(max_waiting)).await?;
    let done = format!("is bounded: {max_waiting} may wait");
    tell(kind, bounded, &done, "was bounded so already")
}

pub async fn unbound(store: &Store, kind: &str) -> Result<()> {
    let unbounded = store.bound_kind(kind, None).await?;
    tell(kind, unbounded, "isn't bounded any more", "wasn't bounded")
}
