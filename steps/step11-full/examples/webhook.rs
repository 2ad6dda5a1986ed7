//! Tells a remote server what has happened, again and again until it answers: a webhook. The server
//! is here too, and is out of order at first.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use task_engine::serde_json::{Value, json};
use task_engine::{
    Engine, ExecutionStatus, NewTask, RetryPolicy, Store, Task, TaskError, TaskHandler, TaskStatus,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Posts an event, as JSON, to a server.
#[derive(Serialize, Deserialize)]
struct WebhookTask {
    /// `host:port`.
    server: String,
    path: String,
    event: Value,
}

#[derive(Debug, thiserror::Error)]
enum WebhookError {
    #[error("the server doesn't answer: {0}")]
    Network(#[from] io::Error),
    #[error("the server answers: {0}")]
    Refused(String),
    #[error("the server takes too long")]
    Slow(#[from] tokio::time::error::Elapsed),
}

impl TaskHandler for WebhookTask {
    const KIND: &'static str = "webhook";
    type Output = u16;

    async fn execute(self, task: &Task) -> Result<u16, TaskError> {
        let body = self.event.to_string();
        // The server may get an event twice: the number of the task lets it tell.
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Idempotency-Key: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.path,
            self.server,
            task.id,
            body.len()
        );
        let exchange = exchange(&self.server, &request);
        let answer = timeout(Duration::from_secs(5), exchange)
            .await
            .map_err(WebhookError::from)??;
        let status = answer.lines().next().unwrap_or_default();
        match status.split(' ').nth(1).and_then(|code| code.parse().ok()) {
            Some(code @ 200..=299) => Ok(code),
            // It won't change its mind: no such path, not allowed.
            Some(400..=499) => Err(TaskError::permanent(WebhookError::Refused(status.into()))),
            _ => Err(WebhookError::Refused(status.into()).into()),
        }
    }
}

async fn exchange(server: &str, request: &str) -> Result<String, WebhookError> {
    let mut connection = TcpStream::connect(server).await?;
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Answers «503» twice, then «200»; and always «404» elsewhere than at `/events`.
async fn serve(listener: TcpListener) -> io::Result<()> {
    let mut calls = 0;
    loop {
        let (mut connection, _) = listener.accept().await?;
        let mut request = Vec::new();
        while !is_complete(&request) {
            if connection.read_buf(&mut request).await? == 0 {
                break;
            }
        }
        let status = if request.starts_with(b"POST /events ") {
            calls += 1;
            if calls <= 2 {
                "503 Service Unavailable"
            } else {
                "200 OK"
            }
        } else {
            "404 Not Found"
        };
        println!("server: {status}");
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        connection.write_all(answer.as_bytes()).await?;
    }
}

/// Whether the whole body has come.
fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    length.and_then(|length| length.parse().ok()) == Some(body.len())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server: Arc<str> = listener.local_addr()?.to_string().into();
    tokio::spawn(serve(listener));

    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("webhooks.db"))?;
    for path in ["/events", "/evnets"] {
        let event = json!({ "order": 17, "status": "sent" });
        let (server, path) = (server.to_string(), path.to_owned());
        let task = WebhookTask {
            server,
            path,
            event,
        };
        store.create_new_task(NewTask::of(&task)?).await?;
    }

    // For real servers, the usual delays are better: one minute, two, four…
    let engine = Engine::builder(store.clone())
        .handler::<WebhookTask>()
        .retry(RetryPolicy {
            first_delay: Duration::from_millis(200),
            ..RetryPolicy::default()
        })
        .start()
        .await?;
    while store.count_tasks(TaskStatus::Stopped).await? == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    engine.shutdown().await?;

    for id in 1..=2 {
        let (task, executions) = store.find_task(id).await?;
        println!("task {id} is {}:", task.status.as_str());
        for execution in executions {
            match execution.status {
                ExecutionStatus::Failure => {
                    let error = execution.error.unwrap_or_default();
                    println!(
                        "  failure: {}",
                        error["message"].as_str().unwrap_or_default()
                    );
                }
                _ => println!("  success: {}", execution.result.unwrap_or_default()),
            }
        }
    }
    Ok(())
}
