//! `cargo run -p book`: builds, serves, checks the book, records its transcripts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use book::{build, check, record, serve, shown};
use clap::{Parser, Subcommand};

/// Builds the book in book/book/; see the commands for the rest.
#[derive(Parser)]
#[command(name = "book")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the book in book/book/
    Build,
    /// Builds, serves to this machine, and builds again at each change
    Serve {
        /// The port, on 127.0.0.1
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
    /// Builds elsewhere, then checks links, anchors, language and style
    Check {
        /// Leaves grammalecte-cli out
        #[arg(long)]
        no_proofreading: bool,
    },
    /// Runs the sessions of book/transcripts again, and writes what they show
    Record {
        /// The sessions, by name; all of them by default
        names: Vec<String>,
        /// Compares with what is written, instead of writing
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let root = build::root(&std::env::current_dir()?)?;
    match arguments.command.unwrap_or(Command::Build) {
        Command::Build => {
            let site = build::site(&root);
            let shown = build::build(&root, &site)?;
            shown::write(&root, &shown)?;
            for (slug, percentage) in shown {
                println!("{percentage:>3} % of {slug} is in the text of its chapter");
            }
            println!("{}", relative(&site.join("index.html")).display());
            Ok(())
        }
        Command::Serve { port } => serve::serve(&root, port),
        Command::Check { no_proofreading } => check::check(&root, !no_proofreading),
        Command::Record { names, check } => record::record(&root, &names, check),
    }
}

fn relative(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}
