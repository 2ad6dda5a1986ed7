//! Three greetings, one after the other: what a task does is up to the handler.

use step01_loop::{Error, Handler, Store, Worker};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().with_target(false).init();
    let store = Store::default();
    for _ in 0..3 {
        store.create().await?;
    }
    let greet = Handler::new(|context| async move {
        println!("Hello from task {}", context.task.id);
    });
    Worker::new(store, greet).run().await
}
