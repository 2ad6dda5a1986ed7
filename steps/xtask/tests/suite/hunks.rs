//! Hunks say where they are, and start where a reader expects it.

use xtask::{Change, Tag, hunks};

const OLD: &str = "\
struct Worker;

impl Worker {
    /// Starts.
    fn start() {
        log();
    }

    /// Stops.
    fn stop() {
        a();
        b();
        c();
        d();
        e();
    }
}
";

fn change(old: &str, new: &str) -> Change {
    Change::new("src/worker.rs", Some(old.to_owned()), Some(new.to_owned()))
}

/// The changed lines, with their signs.
fn changed(old: &str, new: &str) -> String {
    let change = change(old, new);
    let lines = change.lines.iter().filter(|line| line.tag != Tag::Kept);
    lines.map(ToString::to_string).collect()
}

#[test]
fn a_new_function_is_shown_whole() {
    let new = OLD.replace(
        "    /// Stops.",
        "    /// Pauses.\n    fn pause() {\n        log();\n    }\n\n    /// Stops.",
    );
    assert_eq!(
        changed(OLD, &new),
        "+    /// Pauses.\n+    fn pause() {\n+        log();\n+    }\n+\n"
    );
}

#[test]
fn an_attribute_stays_with_its_function() {
    let old = "#[test]\nfn a() {}\n\n#[test]\nfn c() {}\n";
    let new = "#[test]\nfn a() {}\n\n#[test]\nfn b() {}\n\n#[test]\nfn c() {}\n";
    let block = "#[test]\nfn b() {}\n\n";
    let signed = |sign: &str| {
        let lines = block.lines().map(|line| format!("{sign}{line}\n"));
        lines.collect::<Vec<_>>().concat()
    };
    assert_eq!(changed(old, new), signed("+"));
    assert_eq!(changed(new, old), signed("-"));
}

#[test]
fn a_last_function_is_shown_whole() {
    let new = OLD.replace(
        "        e();\n    }\n",
        "        e();\n    }\n\n    fn last() {\n        e();\n    }\n",
    );
    assert_eq!(
        changed(OLD, &new),
        "+\n+    fn last() {\n+        e();\n+    }\n"
    );
}

#[test]
fn a_deleted_function_is_shown_whole() {
    let new = OLD.replace(
        "    /// Starts.\n    fn start() {\n        log();\n    }\n\n",
        "",
    );
    assert_eq!(
        changed(OLD, &new),
        "-    /// Starts.\n-    fn start() {\n-        log();\n-    }\n-\n"
    );
}

#[test]
fn lines_repeated_at_the_end_or_the_start_are_not_lost() {
    for (old, new) in [
        ("a\n", "a\na\n"),
        ("a\na\n", "a\n"),
        ("", "a\n"),
        ("a\nb", "b"),
    ] {
        let change = change(old, new);
        let without = |tag| {
            let lines = change.lines.iter().filter(|line| line.tag != tag);
            lines.map(|line| line.text.as_str()).collect::<String>()
        };
        assert_eq!(without(Tag::Added), old);
        assert_eq!(without(Tag::Deleted), new);
    }
}

#[test]
fn the_header_names_the_item_above_the_hunk() {
    let header = |old: &str, new: &str| {
        let patch = change(old, new).to_string();
        let header = patch.lines().find(|line| line.starts_with("@@"));
        header.unwrap().to_owned()
    };
    let new = OLD.replace("d();", "dd();");
    assert_eq!(header(OLD, &new), "@@ -11,7 +11,7 @@     fn stop() {");
    let new = OLD.replace("    /// Starts.", "    /// Begins.");
    assert_eq!(header(OLD, &new), "@@ -1,7 +1,7 @@");
    let old = OLD.replace("fn stop()", "pub(crate) async fn stop<T>()");
    let new = old.replace("d();", "dd();");
    assert_eq!(
        header(&old, &new),
        "@@ -11,7 +11,7 @@     pub(crate) async fn stop<T>() {"
    );
}

#[test]
fn long_unchanged_stretches_are_cut() {
    let many = "// x\n".repeat(20);
    let change = change(&format!("a\n{many}b\n"), &format!("A\n{many}B\n"));
    let hunks = hunks(&change.lines, |_| true, |line| line.tag != Tag::Kept);
    assert_eq!(hunks.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5]);
}
