//! Tasks live in a database.

use step45_savepoints::{Ending, Error};

use crate::common::{acquire, connection, create_tasks, end, left, new_task, rows, store};

#[tokio::test]
async fn the_schema_is_an_interface() {
    let _store = store();
    let schema = rows("SELECT sql FROM sqlite_schema WHERE name LIKE '%task%' AND sql NOT NULL");
    insta::assert_snapshot!(schema);
}

#[tokio::test]
async fn a_row_tells_the_status_of_its_task() {
    let store = store();
    create_tasks(&store, 2).await;
    acquire(&store).await.unwrap();

    insta::assert_snapshot!(rows("SELECT id, status FROM tasks"), @r"
    1 | running
    2 | waiting
    ");
}

#[tokio::test]
async fn the_schema_refuses_a_status_that_it_does_not_know() {
    let store = store();
    create_tasks(&store, 1).await;

    let error = connection()
        .execute("UPDATE tasks SET status = 'sleeping'", [])
        .unwrap_err();

    insta::assert_snapshot!(error, @"CHECK constraint failed: task_status");
}

#[tokio::test]
async fn tasks_outlive_the_store_that_created_them() {
    create_tasks(&store(), 1).await;

    let task = acquire(&store()).await;

    assert_eq!(task.map(|task| task.id), Some(1));
}

#[tokio::test]
async fn a_number_is_never_given_twice() {
    let store = store();
    for expected in 1..=3 {
        assert_eq!(create_tasks(&store, 1).await, [expected]);
        let task = acquire(&store).await.unwrap();
        assert_eq!(end(&store, task).await, Ending::Ended);
    }
}

#[tokio::test]
async fn the_end_of_a_task_that_somebody_has_deleted_is_lost() {
    let store = store();
    create_tasks(&store, 1).await;
    let task = acquire(&store).await.unwrap();
    connection().execute("DELETE FROM tasks", []).unwrap();

    assert_eq!(end(&store, task).await, Ending::Lost);
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing() {
    let store = store();
    let refused: Result<(), Error> = store
        .transaction(|tx| {
            tx.create(new_task())?;
            tx.execute("nonsense", [])?;
            Ok(())
        })
        .await;

    assert!(matches!(refused, Err(Error::Sqlite(_))));
    assert_eq!(left(), "");
}

#[tokio::test]
async fn a_transaction_that_panics_leaves_nothing_and_the_store_unharmed() {
    let store = store();
    let panicking = store.clone();
    let outcome = tokio::spawn(async move {
        panicking
            .transaction(|tx| -> Result<(), Error> {
                tx.create(new_task())?;
                panic!("in the middle of the work");
            })
            .await
    })
    .await;

    assert!(outcome.unwrap_err().is_panic());
    assert_eq!(left(), "");
    create_tasks(&store, 1).await;
}
