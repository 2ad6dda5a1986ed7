//! `create`: tasks for an engine.

use std::io::{self, Write};

use anyhow::Result;
use step04_processes::Store;

use super::cli::CreateArguments;

pub async fn create(store: &Store, arguments: CreateArguments) -> Result<()> {
    let count = arguments.count;
    store
        .transaction(move |tx| (0..count).try_for_each(|_| tx.create().map(drop)))
        .await?;
    let plural = if count == 1 { "" } else { "s" };
    Ok(writeln!(io::stdout(), "{count} task{plural} created")?)
}
