//! A remote service that is down at first: the task fails, and succeeds when it is retried.

use std::time::Duration;

use step10_errors::{Config, Engine, Handler, NewTask, Registry, RetryPolicy, Store, TaskStatus};

#[derive(Debug, thiserror::Error)]
#[error("the service doesn't answer")]
struct ServiceDown;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("errors.db"))?;
    let task = NewTask {
        kind: "call".to_owned(),
        parameters: "{}".to_owned(),
        scheduled_at: None,
    };
    let id = store.create_new_task(task).await?;

    let up_again = tokio::time::Instant::now() + Duration::from_millis(500);
    let call = Handler::fallible(move |_| async move {
        if tokio::time::Instant::now() < up_again {
            Err(ServiceDown)?;
        }
        Ok("done")
    });
    let config = Config {
        retry: RetryPolicy {
            first_delay: Duration::from_millis(100),
            ..RetryPolicy::default()
        },
        ..Config::default()
    };
    let registry = Registry::default().with_handler("call", call);
    let engine = Engine::new("example", store.clone(), registry, config);
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    while store.count_tasks(TaskStatus::Stopped).await? == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    handle.stop();
    running.await??;

    let (_, executions) = store.find_task(id).await?;
    for execution in executions {
        let status = execution.status.as_str();
        if let Some(error) = execution.error {
            let error: serde_json::Value = serde_json::from_str(&error)?;
            println!("{status}: {}", error["message"]);
        } else {
            println!("{status}: {}", execution.result.unwrap_or_default());
        }
    }
    Ok(())
}
