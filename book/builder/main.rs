//! `cargo run -p book`: builds, serves, checks and browses the book, records its transcripts, measures.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use book::{browse, build, check, epub, exercises, measure, pdf, record, serve, shown};
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
    /// Builds the book in book/book/, and leaves nothing else there
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
    /// Builds the EPUB in book/book/, and has epubcheck read it
    Epub,
    /// Builds the PDF in book/book/, and looks at its pages
    Pdf,
    /// Builds elsewhere, then looks at the pages in Chromium
    Browse {
        /// The pages, by name; all of them by default
        names: Vec<String>,
    },
    /// Runs the sessions of book/transcripts again, and writes what they show
    Record {
        /// The sessions, by name; all of them by default
        names: Vec<String>,
        /// Compares with what is written, instead of writing
        #[arg(long)]
        check: bool,
    },
    /// Applies and tests the solutions of book/exercises, and keeps a stamp of each
    Exercises {
        /// The solutions, by name; by default, those that have changed since, or whose steps have
        names: Vec<String>,
    },
    /// Applies the patches of book/refused, and writes down why the compiler refuses them
    Refused {
        /// The patches, by name; by default, those that have changed since, or whose steps have
        names: Vec<String>,
    },
    /// Runs the benchmarks, and keeps their figures in book/measures.json
    Measure {
        /// Reads what they have written there, instead of running them
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
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
        Command::Epub => {
            let file = epub::write(&root)?;
            println!("{}", relative(&file).display());
            epub::check(&file)
        }
        Command::Pdf => {
            let volumes = pdf::write(&root)?;
            for pdf in &volumes {
                println!("{}: {} pages", relative(&pdf.file).display(), pdf.pages);
            }
            volumes.into_iter().try_for_each(pdf::Pdf::check)
        }
        Command::Browse { names } => browse::browse(&root, &names),
        Command::Record { names, check } => record::record(&root, &names, check),
        Command::Exercises { names } => {
            exercises::exercises(&root, &record::target(&root)?, &names)
        }
        Command::Refused { names } => {
            exercises::refused::record(&root, &record::target(&root)?, &names)
        }
        Command::Measure { from } => measure::measure(&root, from.as_deref()),
    }
}

fn relative(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}
