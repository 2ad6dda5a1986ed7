//! Runs, on one program, the checks that hold at a step, or one check, whether or not it holds:
//! `acceptance SLUG PROGRAM [CHECK]`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use tests::{CHECKS, observe};
use xtask::Steps;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let (slug, program, name) = match arguments.as_slice() {
        [slug, program] => (slug, program, None),
        [slug, program, name] => (slug, program, Some(name)),
        _ => bail!("usage: acceptance SLUG PROGRAM [CHECK]"),
    };
    let program = PathBuf::from(program)
        .canonicalize()
        .with_context(|| format!("no program at {program}"))?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let steps = Steps::load(&workspace)?;
    let step = steps.find(slug)?;

    let mut passed = 0;
    let mut failed = 0;
    for check in CHECKS {
        let kept = check.holds_at(&steps, step);
        if !name.map_or(kept, |name| name == check.name) {
            continue;
        }
        match observe(check, &program, &steps, step) {
            Ok(()) => {
                passed += 1;
                println!("ok      {}", check.name);
            }
            Err(reason) => {
                failed += 1;
                println!("FAILED  {}\n        {reason:#}", check.name);
            }
        }
    }
    println!("\n{passed} passed, {failed} failed");
    ensure!(passed + failed > 0, "there is no such check, or none holds");
    Ok(failed == 0)
}
