//! Hunks say where they are, and start where a reader expects it.

use xtask::{Change, Hunk};

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

fn hunks(old: &str, new: &str) -> Vec<Hunk> {
    let change = Change {
        path: "src/worker.rs".to_owned(),
        old: Some(old.to_owned()),
        new: Some(new.to_owned()),
    };
    change.hunks()
}

/// The changed lines, with their signs.
fn changed(hunk: &Hunk) -> String {
    let lines = hunk.lines.iter().map(ToString::to_string);
    lines.filter(|line| !line.starts_with(' ')).collect()
}

#[test]
fn a_new_function_is_shown_whole() {
    let new = OLD.replace(
        "    /// Stops.",
        "    /// Pauses.\n    fn pause() {\n        log();\n    }\n\n    /// Stops.",
    );
    assert_eq!(
        changed(&hunks(OLD, &new)[0]),
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
    assert_eq!(changed(&hunks(old, new)[0]), signed("+"));
    assert_eq!(changed(&hunks(new, old)[0]), signed("-"));
}

#[test]
fn a_last_function_is_shown_whole() {
    let new = OLD.replace(
        "        e();\n    }\n",
        "        e();\n    }\n\n    fn last() {\n        e();\n    }\n",
    );
    assert_eq!(
        changed(&hunks(OLD, &new)[0]),
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
        changed(&hunks(OLD, &new)[0]),
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
        let hunks = hunks(old, new);
        let kept_or = |sign: char| {
            let lines = hunks.iter().flat_map(|hunk| &hunk.lines);
            let lines = lines.filter(|line| line.to_string().starts_with([' ', sign]));
            lines
                .map(|line| line.text.clone() + "\n")
                .collect::<String>()
        };
        assert_eq!(kept_or('-').trim_end(), old.trim_end());
        assert_eq!(kept_or('+').trim_end(), new.trim_end());
    }
}

#[test]
fn the_header_names_the_item_around_the_change() {
    let new = OLD.replace("d();", "dd();");
    assert_eq!(
        hunks(OLD, &new)[0].header(),
        "@@ -11,7 +11,7 @@     fn stop() {"
    );
    // It is in view already.
    let new = OLD.replace("a();", "aa();");
    assert_eq!(hunks(OLD, &new)[0].header(), "@@ -8,7 +8,7 @@");
    // `stop` comes before, and isn't around.
    let new = OLD.replace("    }\n}\n", "    }\n\n    fn more() {}\n}\n");
    assert_eq!(
        hunks(OLD, &new)[0].header(),
        "@@ -14,4 +14,6 @@ impl Worker {"
    );
}

#[test]
fn the_header_follows_signatures_and_tables_of_several_lines() {
    let lines = "        x();\n        y();\n        z();\n";
    let old = format!(
        "impl A {{\n    fn f(\n        a: u32,\n    ) -> u32 {{\n{lines}        w();\n    }}\n}}\n"
    );
    let new = old.replace("w();", "v();");
    assert_eq!(hunks(&old, &new)[0].item.as_deref(), Some("    fn f("));

    let old = "impl A {\n    fn f() {}\n}\n\nconst B: &[&str] = &[\n    \"a\",\n    \"b\",\n    \"c\",\n    \"d\",\n];\n";
    let new = old.replace("\"d\"", "\"e\"");
    assert_eq!(hunks(old, &new)[0].item, None);
}
