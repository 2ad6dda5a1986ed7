//! The tasks that belong together are shown together.

use serde_json::Value;
use step52_terminal::TracedTask;

use crate::common::{connection, rows, statements, store};
use crate::inspection::program;
use crate::monitoring::plans;

/// An order, its e-mail, its invoice, which is retried, and the parcel of the invoice.
const ORDER: &str = r#"
    INSERT INTO tasks (id, task_kind, task_parameters, context, status, created_at, updated_at) VALUES
        (1, 'order', '{}', '{"correlation": "order-42"}', 'stopped', 10000, 0),
        (2, 'email', '{}', '{"correlation": "order-42", "parent": 1}', 'stopped', 11000, 0),
        (3, 'another', '{}', '{}', 'waiting', 11000, 0),
        (4, 'invoice', '{}', '{"correlation": "order-42", "parent": 1, "retry_number": 1}', 'stopped', 11000, 0),
        (5, 'parcel', '{}', '{"correlation": "order-42", "parent": 4}', 'waiting', 19000, 0),
        (6, 'email', '{}', '{"correlation": "order-42", "parent": 1}', 'failed', 11000, 0);
    INSERT INTO task_executions (task_id, status, started_at, stopped_at, created_at, updated_at) VALUES
        (1, 'success', 10000, 12000, 0, 0),
        (2, 'success', 12000, 14000, 0, 0),
        (4, 'failure', 12000, 13000, 0, 0),
        (4, 'success', 18000, 20000, 0, 0),
        (6, 'failure', 12000, 13000, 0, 0);"#;

fn write(sql: &str) {
    drop(store());
    connection().execute_batch(sql).unwrap();
}

/// The tasks, each with its depth before it.
async fn traced(what: &str) -> Vec<(usize, i64)> {
    let traced = store().reader().trace(what).await.unwrap();
    traced
        .iter()
        .map(|TracedTask { depth, task, .. }| (*depth, task.id))
        .collect()
}

#[test]
fn an_order_is_a_tree_along_the_time() {
    write(ORDER);
    insta::assert_snapshot!(program(&["trace", "order-42"]));
}

#[tokio::test]
async fn the_number_of_any_of_them_leads_to_all() {
    write(ORDER);
    let order = [(0, 1), (1, 2), (1, 4), (2, 5), (1, 6)];
    for what in ["order-42", "1", "4", "5"] {
        assert_eq!(traced(what).await, order, "{what}");
    }
    assert_eq!(traced("3").await, [(0, 3)]);
    assert_eq!(traced("order-43").await, []);
    assert_eq!(
        program(&["trace", "order-43"]),
        "error: no task belongs to \"order-43\"\n"
    );
}

#[tokio::test]
async fn a_task_that_was_given_no_id_is_followed_by_its_number() {
    write(
        r#"INSERT INTO tasks (id, task_kind, task_parameters, context, created_at, updated_at) VALUES
        (1, 'order', '{}', '{}', 0, 0),
        (2, 'email', '{}', '{"correlation": "1", "parent": 1}', 0, 0)"#,
    );
    assert_eq!(traced("1").await, [(0, 1), (1, 2)]);
    assert_eq!(traced("2").await, [(0, 1), (1, 2)]);
    // SQLite would have them be the number 1.
    for other in ["1e0", "1.0", " 1", "\t1\n"] {
        assert_eq!(traced(other).await, [], "{other:?}");
    }
}

#[tokio::test]
async fn a_deleted_parent_leaves_its_children() {
    write(ORDER);
    write("DELETE FROM tasks WHERE id IN (1, 4)");
    assert_eq!(traced("order-42").await, [(0, 2), (0, 5), (0, 6)]);
}

#[tokio::test]
async fn a_circle_is_cut() {
    write(
        r#"INSERT INTO tasks (id, task_kind, task_parameters, context, created_at, updated_at) VALUES
        (1, 'x', '{}', '{"correlation": "c", "parent": 1}', 0, 0),
        (2, 'x', '{}', '{"correlation": "c", "parent": 4}', 0, 0),
        (3, 'x', '{}', '{"correlation": "c", "parent": 2}', 0, 0),
        (4, 'x', '{}', '{"correlation": "c", "parent": 3}', 0, 0),
        (5, 'x', '{}', '{"correlation": "c", "parent": 3}', 0, 0),
        (6, 'x', '{}', '{"correlation": "c"}', 0, 0)"#,
    );
    assert_eq!(
        traced("c").await,
        [(0, 6), (0, 1), (0, 3), (1, 4), (2, 2), (1, 5)]
    );
}

#[tokio::test]
async fn many_children_and_many_generations_are_no_trouble() {
    let family = |parent: &str| {
        format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
             INSERT INTO tasks (id, task_kind, task_parameters, context, created_at, updated_at)
             SELECT n, 'x', '{{}}', json_object('correlation', 'c', 'parent', {parent}), 0, 0 FROM numbers"
        )
    };
    write(&family("1"));
    assert_eq!(traced("c").await.len(), 9_999);
    write(&format!("DELETE FROM tasks; {}", family("n - 1")));
    assert_eq!(traced("c").await.last(), Some(&(9_998, 10_000)));
    assert_eq!(program(&["trace", "c"]).lines().count(), 10_000);
}

#[test]
fn whatever_is_in_the_database_it_answers() {
    write(ORDER);
    write("UPDATE tasks SET task_kind = char(27) || '[31m' || char(10) || 'red' WHERE id = 2;
           UPDATE tasks SET created_at = 9223372036854775807 WHERE id = 4;
           UPDATE task_executions SET started_at = 9223372036854775807, stopped_at = -9223372036854775808
           WHERE task_id = 6");
    let shown = program(&["trace", "order-42"]);
    assert_eq!(shown.lines().count(), 6, "{shown}");
    write("UPDATE tasks SET context = json_set(context, '$.correlation', 'a' || char(10) || 'b')");
    assert_eq!(program(&["trace", "1"]).lines().count(), 7);
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[tokio::test]
async fn the_lookup_uses_an_index() {
    let store = store();
    let asked = statements(&store, async {
        store.reader().trace("order-42").await.unwrap();
        store.reader().trace("17").await.unwrap();
    })
    .await;
    insta::assert_snapshot!(plans(&asked));
}

#[test]
fn a_program_reads_json() {
    write(ORDER);
    let json = program(&["trace", "order-42", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[2]["kind"], "invoice");
    assert_eq!(json[2]["depth"], 1);
    assert_eq!(json[2]["parent"], 1);
    assert_eq!(json[2]["executions"][1]["status"], "success");
    assert_eq!(rows("SELECT count(*) FROM tasks"), "6");
}
