//! `pause` and `resume`: whether the tasks of a kind may start.

use anyhow::Result;
use task_engine::Store;

use super::output::print;
use super::tasks::registry;

pub async fn pause(store: &Store, kinds: &[String]) -> Result<()> {
    for kind in kinds {
        let paused = store.pause_kind(kind).await?;
        tell(kind, paused, "is paused", "was paused already")?;
    }
    Ok(())
}

pub async fn resume(store: &Store, kinds: &[String]) -> Result<()> {
    for kind in kinds {
        let resumed = store.resume_kind(kind).await?;
        tell(kind, resumed, "is resumed", "wasn't paused")?;
    }
    Ok(())
}

/// Another program may know the kind; but if it is misspelt, nothing else would tell.
pub fn tell(kind: &str, changed: bool, done: &str, already: &str) -> Result<()> {
    let what = if changed { done } else { already };
    let known = registry().find(kind).is_ok();
    let note = if known {
        ""
    } else {
        "; this program doesn't know it"
    };
    print(&[format!("{kind} {what}{note}").replace('\n', " ")])
}
