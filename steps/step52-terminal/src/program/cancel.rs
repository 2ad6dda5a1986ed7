//! `cancel`: tasks that nobody wants any more.

use anyhow::Result;
use step52_terminal::{Store, Which};

use super::cli::CancelArguments;
use super::output::print;

pub async fn cancel(store: &Store, arguments: CancelArguments) -> Result<()> {
    let ids = arguments.ids.into_iter().map(Which::Task);
    let kind = arguments.kind.into_iter().map(Which::Kind);
    let correlation = arguments.correlation.into_iter().map(Which::Correlation);
    for which in ids.chain(kind).chain(correlation) {
        let cancelled = store.cancel(which).await?;
        let (waiting, running) = (cancelled.waiting, cancelled.running);
        print(&[format!("{waiting} cancelled, {running} asked to stop")])?;
    }
    Ok(())
}
