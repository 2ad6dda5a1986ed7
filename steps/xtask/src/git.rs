//! What is asked of git.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

use crate::step::parse_folder;
use crate::steps::FOLDER;
use crate::{Tree, files};

/// The repository of the project.
pub(crate) struct Git {
    root: PathBuf,
}

impl Git {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// The folder where git keeps what belongs to this working tree.
    pub(crate) fn directory(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(
            self.line(&["rev-parse", "--absolute-git-dir"])?,
        ))
    }

    /// The commit that a revision stands for.
    pub(crate) fn commit(&self, revision: &str) -> Result<String> {
        let revision = format!("{revision}^{{commit}}");
        self.line(&["rev-parse", "--verify", "--end-of-options", &revision])
    }

    /// The files in these folders that differ from the last commit, untracked ones included.
    pub(crate) fn edited(&self, folders: &[&Path]) -> Result<Vec<String>> {
        if folders.is_empty() {
            return Ok(Vec::new());
        }
        let options = [
            "status",
            "--porcelain",
            "-z",
            "--no-renames",
            "--untracked-files=all",
            "--",
        ];
        let arguments = options
            .iter()
            .map(OsStr::new)
            .chain(folders.iter().map(|folder| folder.as_os_str()));
        let listing = self.text(arguments)?;
        Ok(fields(&listing)
            .filter_map(|entry| entry.get(3..))
            .map(str::to_owned)
            .collect())
    }

    /// The folder's name, at this commit, of the step with this slug.
    pub(crate) fn step_folder(&self, commit: &str, slug: &str) -> Result<Option<String>> {
        let listing = self.text([
            "ls-tree",
            "-z",
            "--name-only",
            commit,
            &format!("{FOLDER}/"),
        ])?;
        let names = fields(&listing).filter_map(|path| path.rsplit('/').next());
        let mut found =
            names.filter(|name| parse_folder(name).is_some_and(|(_, other)| other == slug));
        Ok(found.next().map(str::to_owned))
    }

    /// The source files, at this commit, of the step in this folder.
    pub(crate) fn step_source(&self, commit: &str, folder: &str) -> Result<Tree> {
        let prefix = format!("{FOLDER}/{folder}/");
        let listing = self.text(["ls-tree", "-r", "-z", "--name-only", commit, &prefix])?;
        let paths = fields(&listing).filter_map(|path| path.strip_prefix(&prefix));
        paths
            .filter(|path| files::is_source(path))
            .map(|path| {
                // `./`: relative to the project, which need not be the repository's root.
                let text = self.text(["show", &format!("{commit}:./{prefix}{path}")])?;
                Ok((path.to_owned(), text))
            })
            .collect()
    }

    /// Makes these folders what they were at a commit.
    pub(crate) fn restore(&self, commit: &str, folders: &[&Path]) -> Result<()> {
        let source = format!("--source={commit}");
        let restore = ["restore", &source, "--staged", "--worktree", "--"];
        let clean = ["clean", "-d", "--force", "--quiet", "--"];
        for command in [restore.as_slice(), clean.as_slice()] {
            let folders = folders.iter().map(|folder| folder.as_os_str());
            self.text(command.iter().map(OsStr::new).chain(folders))?;
        }
        Ok(())
    }

    /// Merges into `ours` the change from `base` to `theirs`, and says whether they conflict. The
    /// labels, in the same order, name the three in conflict markers.
    pub(crate) fn merge(
        &self,
        [ours, base, theirs]: [&str; 3],
        labels: [&str; 3],
    ) -> Result<(String, bool)> {
        let folder = tempfile::tempdir()?;
        let mut arguments = vec!["merge-file".into(), "--stdout".into(), "--diff3".into()];
        for label in labels {
            arguments.extend(["-L".into(), label.into()]);
        }
        for (name, text) in [("ours", ours), ("base", base), ("theirs", theirs)] {
            let path = folder.path().join(name);
            fs::write(&path, text)?;
            arguments.push(path.into_os_string());
        }
        let output = self.output(&arguments)?;
        // The status is the number of conflicts, or 128 and more for an error.
        match output.status.code() {
            Some(conflicts @ 0..128) => Ok((
                String::from_utf8_lossy(&output.stdout).into_owned(),
                conflicts > 0,
            )),
            _ => bail!(failure(&arguments, &output)),
        }
    }

    fn line(&self, arguments: &[&str]) -> Result<String> {
        Ok(self.text(arguments)?.trim_end().to_owned())
    }

    fn text<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<String> {
        let arguments: Vec<A> = arguments.into_iter().collect();
        let output = self.output(&arguments)?;
        if !output.status.success() {
            bail!(failure(&arguments, &output));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn output<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Output> {
        Command::new("git")
            .arg("-C")
            .arg(&self.root)
            .args(arguments)
            .output()
            .context("can't run git")
    }
}

/// The fields of an output in which a NUL ends each.
fn fields(listing: &str) -> impl Iterator<Item = &str> {
    listing.split('\0').filter(|field| !field.is_empty())
}

fn failure<A: AsRef<OsStr>>(arguments: &[A], output: &Output) -> String {
    let command = arguments
        .iter()
        .map(|argument| argument.as_ref().to_string_lossy());
    format!(
        "`git {}` failed: {}",
        command.collect::<Vec<_>>().join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    )
}
