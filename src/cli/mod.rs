//! The command line: one file per command, no logic of its own.

pub mod baseline;
pub mod build;
pub mod check;
mod choice;
pub mod completions;
pub mod coverage;
pub mod diff;
pub mod events;
pub mod explain;
pub mod explain_code;
pub mod fmt;
pub mod hunt;
mod hunt_report;
pub mod init;
mod judge;
pub mod new;
pub mod package;
pub mod report;
pub mod schema;
pub mod test;
pub mod verify;
mod workshop;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::logic::decide::provide_room;

/// What the program tells its caller when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what was asked and found nothing wrong.
    Clean,
    /// 1: it did what was asked and found something: errors, failed tests, differences.
    Findings,
    /// 2: it could not do what was asked: wrong arguments, no such file, no project.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Failed => 2,
        })
    }
}

/// Compiles one canonical detection into the rules of every SIEM, and checks that each of them means the same.
#[derive(Debug, Parser)]
#[command(
    name = "cresset",
    version,
    max_term_width = 110,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Exit status: 0 nothing wrong, 1 something found, 2 could not run.\n\
                  Run `cresset COMMAND --help` for examples."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The commands, sorted by name.
#[derive(Debug, Subcommand)]
enum Command {
    Baseline(baseline::Args),
    Build(build::Args),
    Check(check::Args),
    Completions(completions::Args),
    Coverage(coverage::Args),
    Diff(diff::Args),
    Events(events::Args),
    Explain(explain::Args),
    ExplainCode(explain_code::Args),
    Fmt(fmt::Args),
    Hunt(hunt::Args),
    Init(init::Args),
    New(new::Args),
    Package(package::Args),
    Report(report::Args),
    Schema(schema::Args),
    Test(test::Args),
    Verify(verify::Args),
}

impl Command {
    fn run(self) -> anyhow::Result<Exit> {
        match self {
            Command::Baseline(args) => baseline::run(&args),
            Command::Build(args) => build::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Completions(args) => completions::run(&args),
            Command::Coverage(args) => coverage::run(&args),
            Command::Diff(args) => diff::run(&args),
            Command::Events(args) => events::run(&args),
            Command::Explain(args) => explain::run(&args),
            Command::ExplainCode(args) => explain_code::run(&args),
            Command::Fmt(args) => fmt::run(&args),
            Command::Hunt(args) => hunt::run(&args),
            Command::Init(args) => init::run(&args),
            Command::New(args) => new::run(&args),
            Command::Package(args) => package::run(&args),
            Command::Report(args) => report::run(&args),
            Command::Schema(args) => schema::run(&args),
            Command::Test(args) => test::run(&args),
            Command::Verify(args) => verify::run(&args),
        }
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    provide_room();
    match cli.command.run() {
        Ok(exit) => exit.into(),
        // A reader that went away (`cresset … | head`) is no failure to tell anybody about.
        Err(error) if is_broken_pipe(&error) => Exit::Clean.into(),
        Err(error) => {
            _ = writeln!(anstream::stderr(), "error: {error:#}");
            Exit::Failed.into()
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &(dyn std::error::Error + 'static)| {
        error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    };
    error.chain().any(broken)
}
