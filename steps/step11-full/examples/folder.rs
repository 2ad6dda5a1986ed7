//! Counts the lines of the files of a folder, several at a time, by code that blocks:
//! `cargo run --example folder -- FOLDER`. Started again, it only counts the new files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::{Deserialize, Serialize};
use task_engine::{Engine, Error, Store, Task, TaskError, TaskHandler};
use tokio::task::spawn_blocking;

#[derive(Serialize, Deserialize)]
struct CountTask {
    file: PathBuf,
}

impl TaskHandler for CountTask {
    const KIND: &'static str = "count";
    type Output = usize;

    async fn execute(self, _task: &Task) -> Result<usize, TaskError> {
        // A thread of its own: this one is shared by all tasks, and must not wait for a disk.
        let content = spawn_blocking(move || fs::read(self.file)).await??;
        Ok(content.split_inclusive(|&byte| byte == b'\n').count())
    }
}

/// Creates a task for each file that has none yet.
async fn create_tasks(store: &Store, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let known = store.list_tasks(None, u32::MAX).await?;
    let known: HashSet<_> = known
        .iter()
        .filter_map(|task| task.parameters["file"].as_str().map(PathBuf::from))
        .collect();
    files.retain(|file| !known.contains(file));
    // In one transaction: much faster than one by one.
    store
        .transaction(move |tx, now| {
            for file in files {
                Store::create_task_in(tx, now, &CountTask { file })?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = env::args().nth(1).unwrap_or_else(|| "src".to_owned());
    let database = env::temp_dir().join("task-engine-folder.db");
    let store = Store::open(&database)?;
    create_tasks(&store, Path::new(&folder)).await?;

    let engine = Engine::builder(store.clone())
        .workers(8)
        .handler::<CountTask>();
    engine.start().await?.drain().await?;

    for task in store.list_tasks(None, u32::MAX).await?.iter().rev() {
        let (_, executions) = store.find_task(task.id).await?;
        let lines = executions.last().and_then(|last| last.result.as_ref());
        let lines = lines.map_or_else(|| "-".to_owned(), ToString::to_string);
        println!(
            "{lines:>8}  {}",
            task.parameters["file"].as_str().unwrap_or_default()
        );
    }
    println!("kept in {}", database.display());
    Ok(())
}
