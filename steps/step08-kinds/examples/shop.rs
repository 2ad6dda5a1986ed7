//! A small shop: an order is registered, and three tasks follow it.

use serde_json::json;
use step08_kinds::{Config, Engine, Handler, NewTask, Registry, Store};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("shop.db"))?;
    for order in 1..=3 {
        register(&store, order, "ada@example.org").await?;
    }

    let registry = Registry::default()
        .with_handler("confirmation_email", says("a confirmation"))
        .with_handler("invoice", says("an invoice"))
        .with_handler("warehouse_notice", says("a parcel to make"));
    let config = Config {
        instance: "shop".to_owned(),
        ..Config::default()
    };
    Ok(Engine::new(store, registry, config).run().await?)
}

/// All the tasks of an order are created, or none is.
async fn register(store: &Store, order: i64, to: &str) -> Result<(), step08_kinds::Error> {
    let to = to.to_owned();
    store
        .transaction(move |tx| {
            let email = json!({ "order": order, "to": to });
            tx.create(&NewTask::new("confirmation_email", email))?;
            let invoice = json!({ "order": order, "cents": 4200 });
            tx.create(&NewTask::new("invoice", invoice))?;
            tx.create(&NewTask::new("warehouse_notice", json!({ "order": order })))?;
            Ok(())
        })
        .await
}

fn says(what: &'static str) -> Handler {
    Handler::new(move |context| async move {
        println!("{what}: {}", context.task.parameters);
    })
}
