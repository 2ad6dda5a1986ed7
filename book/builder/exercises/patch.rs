//! A patch, file by file.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use regex::Regex;

const HEADER: &str = "diff --git a/";

/// A new test: the attribute and the function are added, other attributes may stand between.
static TEST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\+\s*#\[(?:tokio::)?test\b.*\n(?:\+\s*#.*\n)*\+\s*(?:async )?fn (\w+)")
        .expect("the pattern is a constant")
});

/// What a solution changes.
pub struct Patch {
    pub files: Vec<FilePatch>,
}

/// What a solution changes in one file.
pub struct FilePatch {
    /// From the step's folder.
    pub path: String,
    pub is_new: bool,
    text: String,
}

impl Patch {
    /// Reads what git writes.
    pub fn parse(text: &str) -> Result<Self> {
        ensure!(text.starts_with(HEADER), "doesn't begin with `{HEADER}`");
        let mut starts: Vec<usize> = text
            .match_indices(&format!("\n{HEADER}"))
            .map(|it| it.0 + 1)
            .collect();
        starts.insert(0, 0);
        starts.push(text.len());
        let texts = starts.windows(2).map(|range| &text[range[0]..range[1]]);
        Ok(Self {
            files: texts.map(FilePatch::parse).collect::<Result<_>>()?,
        })
    }

    /// The text of the whole.
    pub fn text(&self) -> String {
        self.files.iter().map(|file| file.text.as_str()).collect()
    }

    /// The text of what changes in `tests/`.
    pub fn tests(&self) -> String {
        let tests = self.files.iter().filter(|file| file.is_test());
        tests.map(|file| file.text.as_str()).collect()
    }

    /// Whether a file of the step changes.
    pub fn touches(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }

    /// The names of the tests that it adds.
    pub fn own_tests(&self) -> Result<Vec<String>> {
        let text = self.tests();
        let found = TEST.captures_iter(&text);
        let names: Vec<String> = found.map(|found| found[1].to_owned()).collect();
        ensure!(!names.is_empty(), "adds no test to tests/");
        Ok(names)
    }
}

impl FilePatch {
    fn parse(text: &str) -> Result<Self> {
        let header = text.lines().next().unwrap_or_default();
        let (_, path) = header
            .split_once(" b/")
            .with_context(|| format!("`{header}` names no file"))?;
        Ok(Self {
            path: path.to_owned(),
            is_new: text.contains("\n--- /dev/null\n"),
            text: text.to_owned(),
        })
    }

    fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
    }

    /// The lines of each hunk, each with its sign.
    pub fn hunks(&self) -> Vec<Vec<&str>> {
        let mut hunks: Vec<Vec<&str>> = Vec::new();
        for line in self.text.lines() {
            if line.starts_with("@@ ") {
                hunks.push(Vec::new());
            } else if let Some(hunk) = hunks.last_mut() {
                hunk.push(line);
            }
        }
        hunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
diff --git a/src/a.rs b/src/a.rs
--- a/src/a.rs
+++ b/src/a.rs
@@ -1 +1 @@
-one
+two
@@ -9 +9 @@
 same
diff --git a/tests/suite/b.rs b/tests/suite/b.rs
new file mode 100644
--- /dev/null
+++ b/tests/suite/b.rs
@@ -0,0 +1,3 @@
+#[tokio::test(start_paused = true)]
+#[should_panic]
+async fn it_is_two() {}
";

    #[test]
    fn the_test_is_told_from_the_solution() {
        let patch = Patch::parse(TEXT).unwrap();
        assert_eq!(patch.text(), TEXT);
        assert!(patch.tests().starts_with("diff --git a/tests/suite/b.rs"));
        assert_eq!(patch.own_tests().unwrap(), ["it_is_two"]);
        assert!(patch.files[1].is_new && !patch.files[0].is_new);
        assert_eq!(
            patch.files[0].hunks(),
            [vec!["-one", "+two"], vec![" same"]]
        );
    }

    #[test]
    fn a_test_that_was_there_is_not_its_own() {
        let known = TEXT.replace("+#[tokio", " #[tokio");
        let error = Patch::parse(&known).unwrap().own_tests().unwrap_err();
        assert_eq!(error.to_string(), "adds no test to tests/");
    }
}
