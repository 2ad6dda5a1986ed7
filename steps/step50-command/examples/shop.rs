//! A small shop: an order is registered, and three tasks follow it. The log tells the orders apart.

use std::num::NonZero;
use std::time::Duration;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use step50_command::{
    Clock, Config, Context, Created, Engine, Error, NewTask, Registry, Retention, Schedule, Store,
    TaskError, TaskHandler, Which,
};
use tracing::info;

/// What a customer has ordered.
#[derive(Serialize, Deserialize)]
struct Order {
    order: i64,
    to: String,
}

impl TaskHandler for Order {
    const KIND: &'static str = "order";
    type Output = ();

    async fn execute(self, context: &Context) -> Result<(), TaskError> {
        let Self { order, to } = self;
        context.create(&ConfirmationEmail { order, to }).await?;
        context.create(&Invoice { order, cents: 4200 }).await?;
        let notice = NewTask::of(&WarehouseNotice { order })?;
        let carrier = ["post", "courier"][usize::from(order % 2 == 0)];
        context.create(notice.concurrency_key(carrier)).await?;
        Ok(())
    }
}

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
        info!("a confirmation for {}", self.to);
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
        info!("an invoice of {} cents", self.cents);
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
        info!("a parcel to make");
        Ok(())
    }
}

/// Tells what was sold in a week.
#[derive(Serialize, Deserialize)]
struct WeeklyReport {}

impl TaskHandler for WeeklyReport {
    const KIND: &'static str = "weekly_report";
    type Output = ();

    async fn execute(self, context: &Context) -> Result<(), TaskError> {
        // Not the one before now: the task may be late.
        let end = context
            .task
            .tick
            .ok_or("only its schedule knows which week")?;
        info!("the report of the week before {end}");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let folder = tempfile::tempdir()?;
    // On a Sunday, so that one needn't wait for Monday.
    let clock = Clock::manual("2026-11-29T12:00:00Z".parse()?);
    let store = Store::open_with_clock(folder.path().join("shop.db"), clock.clone())?;
    let report = Schedule::new("weekly-report", &WeeklyReport {}, "0 9 * * MON")?;
    let next = store.add_schedule(report.time_zone("Europe/Paris")).await?;
    info!("the next report is for {next}");
    // Better refused than executed too late.
    store.bound_kind(Order::KIND, Some(3)).await?;
    // Each carrier takes one parcel after the other.
    let one = NonZero::new(1);
    store.limit_keys(WarehouseNotice::KIND, one).await?;
    // The form of the second one was sent twice. They come together, and are committed together.
    let orders = [1, 2, 2, 3, 4].map(|order| register(&store, order, "ada@example.org"));
    try_join_all(orders).await?;
    // The third customer has changed her mind.
    let order = Which::Correlation("order-3".to_owned());
    let cancelled = store.cancel(order).await?;
    info!("{} task of order 3 won't be executed", cancelled.waiting);

    let registry = Registry::default()
        .with::<Order>()
        .with::<ConfirmationEmail>()
        .with::<Invoice>()
        .with::<WarehouseNotice>()
        .with::<WeeklyReport>();
    let config = Config {
        instance: "shop".to_owned(),
        // Nobody asks what became of an order of last year; of one that has failed, perhaps.
        retention: Retention {
            stopped: Some(Duration::from_hours(365 * 24)),
            ..Retention::default()
        },
        ..Config::default()
    };
    clock.advance(Duration::from_hours(24));
    let engine = Engine::new(store, registry, config);
    Ok(engine.start().await?.drain().await?)
}

/// The tasks that follow are created when this one is executed.
async fn register(store: &Store, order: i64, to: &str) -> Result<(), Error> {
    let to = to.to_owned();
    let id = format!("order-{order}");
    let task = NewTask::of(&Order { order, to })?
        .correlation(&id)
        .unique(&id);
    match store.try_create(task).await {
        Ok(Created::Existing(task)) => {
            info!("order {order} is registered already, in task {task}");
        }
        Err(error @ Error::Full { .. }) => info!("order {order} is refused: {error}"),
        created => drop(created?),
    }
    Ok(())
}
