//! A small shop: an order is registered, and three tasks follow it.

use serde::{Deserialize, Serialize};
use step18_giving_up::{Config, Context, Engine, Registry, Store, TaskError, TaskHandler};

/// Tells the customer that the order is registered.
#[derive(Serialize, Deserialize)]
struct ConfirmationEmail {
    order: i64,
    to: String,
}

impl TaskHandler for ConfirmationEmail {
    const KIND: &'static str = "confirmation_email";
    type Output = ();

    async fn execute(self, _context: &Context) -> Result<(), TaskError> {
        println!("order {}: a confirmation for {}", self.order, self.to);
        Ok(())
    }
}

/// Writes the invoice.
#[derive(Serialize, Deserialize)]
struct Invoice {
    order: i64,
    cents: u32,
}

impl TaskHandler for Invoice {
    const KIND: &'static str = "invoice";
    type Output = ();

    async fn execute(self, _context: &Context) -> Result<(), TaskError> {
        println!("order {}: an invoice of {} cents", self.order, self.cents);
        Ok(())
    }
}

/// Asks the warehouse to send what was ordered.
#[derive(Serialize, Deserialize)]
struct WarehouseNotice {
    order: i64,
}

impl TaskHandler for WarehouseNotice {
    const KIND: &'static str = "warehouse_notice";
    type Output = ();

    async fn execute(self, _context: &Context) -> Result<(), TaskError> {
        println!("order {}: a parcel to make", self.order);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("shop.db"))?;
    for order in 1..=3 {
        register(&store, order, "ada@example.org").await?;
    }

    let registry = Registry::default()
        .with::<ConfirmationEmail>()
        .with::<Invoice>()
        .with::<WarehouseNotice>();
    let config = Config {
        instance: "shop".to_owned(),
        ..Config::default()
    };
    Ok(Engine::new(store, registry, config).run().await?)
}

/// All the tasks of an order are created, or none is.
async fn register(store: &Store, order: i64, to: &str) -> Result<(), step18_giving_up::Error> {
    let to = to.to_owned();
    store
        .transaction(move |tx| {
            tx.create(&ConfirmationEmail { order, to })?;
            tx.create(&Invoice { order, cents: 4200 })?;
            tx.create(&WarehouseNotice { order })?;
            Ok(())
        })
        .await
}
