//! An application writes an order and the task of its invoice in one transaction: both exist, or
//! neither does. The engine, which was asleep, wakes when there is something to do.

use serde::{Deserialize, Serialize};
use step07_notifications::{Config, Engine, Registry, Store, Task, TaskHandler, TaskStatus};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Serialize, Deserialize)]
struct InvoiceTask {
    order: i64,
}

impl TaskHandler for InvoiceTask {
    const KIND: &'static str = "invoice";

    async fn execute(self, task: &Task) {
        println!("task {}: invoice for order {}", task.id, self.order);
    }
}

async fn place_order(store: &Store, what: &'static str, price: i64) -> Result<i64, AnyError> {
    store
        .transaction(move |tx, now| {
            let order = tx
                .prepare("INSERT INTO orders (what, price) VALUES (?1, ?2)")?
                .insert((what, price))?;
            Store::create_task_in(tx, now, &InvoiceTask { order })?;
            if price <= 0 {
                return Err(format!("{what} can't cost {price}").into());
            }
            Ok(order)
        })
        .await
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("shop.db"))?;
    store
        .transaction(|tx, _now| -> Result<(), AnyError> {
            Ok(tx.execute_batch("CREATE TABLE orders (what TEXT, price INTEGER) STRICT")?)
        })
        .await?;

    let registry = Registry::default().with::<InvoiceTask>();
    let engine = Engine::new("shop", store.clone(), registry, Config::default());
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());

    for (what, price) in [("tea", 7), ("coffee", -5), ("chocolate", 9)] {
        match place_order(&store, what, price).await {
            Ok(order) => println!("order {order}: {what}"),
            Err(error) => println!("no order: {error}"),
        }
        while store.count_tasks(TaskStatus::Waiting).await? > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    handle.stop();
    running.await??;
    Ok(())
}
