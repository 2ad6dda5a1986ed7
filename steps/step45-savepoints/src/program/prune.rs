//! `prune`: tasks that have ended, and that nobody will look at any more.

use std::path::Path;

use anyhow::Result;
use jiff::Timestamp;
use step45_savepoints::{Reader, Store, TaskStatus};

use super::cli::PruneArguments;
use super::output::print;

pub async fn prune(path: &Path, arguments: PruneArguments) -> Result<()> {
    let before = Timestamp::now().checked_sub(arguments.older_than);
    let time = Timestamp::MIN..before.unwrap_or(Timestamp::MIN);
    let chosen = arguments.status.map(|status| vec![status]);
    for status in chosen.unwrap_or(TaskStatus::ENDED.to_vec()) {
        let line = if arguments.dry_run {
            let old = Reader::open(path)?.ended(status, time.clone()).await?;
            format!("{old} {status} would be deleted")
        } else {
            let store = Store::open_existing(path)?;
            let old = store.prune(status, time.clone()).await?;
            format!("{old} {status} deleted")
        };
        print(&[line])?;
    }
    Ok(())
}
