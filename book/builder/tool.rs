//! Runs the programs that the book needs and Rust doesn't bring.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

/// Runs a program to its end, whatever its status; `package` is Debian's name of what it comes in.
///
/// # Errors
/// When it is missing, with what to install, and when it can't be run.
pub fn run<A: AsRef<OsStr>>(
    program: &str,
    package: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Result<Output> {
    match Command::new(program).args(arguments).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("{program} is missing: `apt-get install {package}`")
        }
        output => output.with_context(|| format!("can't run {program}")),
    }
}
