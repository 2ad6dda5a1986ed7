//! An application writes its own table and a task in one transaction: there is no order without
//! its invoice, nor an invoice without its order.

use serde::{Deserialize, Serialize};
use task_engine::{Engine, Error, Store, Task, TaskError, TaskHandler};

/// Makes the invoice of an order.
#[derive(Serialize, Deserialize)]
struct InvoiceTask {
    order: i64,
}

impl TaskHandler for InvoiceTask {
    const KIND: &'static str = "invoice";
    type Output = String;

    async fn execute(self, _task: &Task) -> Result<String, TaskError> {
        Ok(format!("invoice of order {}", self.order))
    }
}

/// What can be wrong with an order: an error of the application, beside those of the engine.
#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("nobody orders {0} chairs")]
    Quantity(u32),
    #[error(transparent)]
    Engine(#[from] Error),
    #[error(transparent)]
    Sqlite(#[from] task_engine::rusqlite::Error),
}

/// Writes an order and creates its task: both, or none.
async fn order(store: &Store, chairs: u32) -> Result<i64, OrderError> {
    store
        .transaction(move |tx, now| {
            let insert = "INSERT INTO orders (chairs) VALUES (?1)";
            tx.execute(insert, [chairs])?;
            let order = tx.last_insert_rowid();
            Store::create_task_in(tx, now, &InvoiceTask { order })?;
            if chairs > 1000 {
                // Too late for nobody: what was written above is forgotten.
                return Err(OrderError::Quantity(chairs));
            }
            Ok(order)
        })
        .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("shop.db"))?;
    store
        .transaction(|tx, _now| {
            let table = "CREATE TABLE orders (id INTEGER PRIMARY KEY, chairs INTEGER) STRICT";
            Ok::<_, Error>(tx.execute_batch(table)?)
        })
        .await?;

    for chairs in [4, 5000, 12] {
        match order(&store, chairs).await {
            Ok(number) => println!("order {number}: {chairs} chairs"),
            Err(error) => println!("no order: {error}"),
        }
    }

    let engine = Engine::builder(store.clone()).handler::<InvoiceTask>();
    engine.start().await?.drain().await?;
    for task in store.list_tasks(None, 10).await? {
        let (_, executions) = store.find_task(task.id).await?;
        for result in executions
            .iter()
            .filter_map(|execution| execution.result.as_ref())
        {
            println!("task {}: {result}", task.id);
        }
    }
    Ok(())
}
