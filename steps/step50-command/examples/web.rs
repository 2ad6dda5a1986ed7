//! A web server and an engine in one program, which stop together.
//!
//! Several of them may share a database, each with a port and a name of its own:
//! `web shop.db 3000 web_1` and `web shop.db 3001 web_2`. Then:
//!
//! ```sh
//! curl -X POST localhost:3000/orders/17
//! curl localhost:3001/tasks/1
//! ```

use std::env;

use anyhow::{Context as _, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use step50_command::{
    Config, Context, Engine, EngineHandle, Error, Registry, Store, TaskError, TaskHandler,
};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

/// Writes the invoice of an order.
#[derive(Serialize, Deserialize)]
struct Invoice {
    order: i64,
}

impl TaskHandler for Invoice {
    const KIND: &'static str = "invoice";
    type Output = String;

    async fn execute(self, _context: &Context) -> Result<String, TaskError> {
        Ok(format!("invoice-{}.pdf", self.order))
    }
}

/// The answer comes once the task is on the disk: it will be executed, whatever happens.
async fn order(
    State(store): State<Store>,
    Path(order): Path<i64>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = store.create(&Invoice { order }).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "task": id }))))
}

async fn task(State(store): State<Store>, Path(id): Path<i64>) -> Result<Json<Value>, Refusal> {
    let (task, executions) = store.reader().find_task(id).await?;
    let result = executions.last().and_then(|last| last.result.clone());
    Ok(Json(json!({ "status": task.status, "result": result })))
}

struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> axum::response::Response {
        let status = match self.0 {
            Error::NoTask(_) => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.0.to_string()).into_response()
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [database, port, instance] = &arguments[..] else {
        anyhow::bail!("give a database, a port and a name");
    };
    let store = Store::open(database)?;
    let registry = Registry::default().with::<Invoice>();
    let config = Config {
        instance: instance.clone(),
        ..Config::default()
    };
    let engine = Engine::new(store.clone(), registry, config).start().await?;

    let routes = Router::new()
        .route("/orders/{order}", post(order))
        .route("/tasks/{id}", get(task))
        .with_state(store);
    let port = port.parse().context("the port isn't a number")?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("{instance} listens on {}", listener.local_addr()?);
    // First the server, whose last requests may create tasks, then the engine.
    axum::serve(listener, routes)
        .with_graceful_shutdown(asked_to_stop(engine.handle()))
        .await?;
    Ok(engine.shutdown().await?)
}

/// By a signal, or because the engine has ended: then the server has no use either.
async fn asked_to_stop(engine: EngineHandle) {
    let mut terminated = signal(SignalKind::terminate()).expect("there are signals");
    tokio::select! {
        _ = ctrl_c() => (),
        _ = terminated.recv() => (),
        () = engine.stopping() => (),
    }
}
