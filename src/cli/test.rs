//! `cresset test`: do the detections match the events that they say they match?

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;

use super::workshop::tell_broken;
use super::{Exit, choice};
use crate::detection::load;
use crate::project::Project;
use crate::source::Catalogue;
use crate::testing;

/// Run the tests of the detections over recorded logs and inline events.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset test                                all tests of the project
  cresset test privileged_container           those of one detection
  cresset test --logs ../recordings           recorded logs from elsewhere
  cresset test --format json

Detections with errors are left out, which is told. Exit status: 0 all tests passed, 1 one failed or a detection that
was to be tested has errors, 2 could not run.")]
pub struct Args {
    /// Names or ids of detections [default: all].
    detections: Vec<String>,
    /// Where the recorded logs are [default: the project's `tests`].
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
    /// How results are written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line for each test, and each event that was judged wrongly.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let project = Project::find_or_built_in(None);
    let mut loaded = load::load(&project, Catalogue::builtin());
    tell_broken(&loaded)?;
    let lacks_some = loaded.has_errors() && args.detections.is_empty();
    let logs = args.logs.clone().or_else(|| project.tests()).context(
        "there is no project here, and recorded logs are not built in: run `cresset init DIR`, or give --logs DIR",
    )?;
    choice::keep(&mut loaded.detections, &args.detections)?;
    let outcomes = testing::run(&loaded.detections, &logs);
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    let mut out = anstream::stdout();
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&outcomes)?)?,
        Format::Human => {
            for outcome in &outcomes {
                let verdict = if outcome.passed() { "ok  " } else { "FAIL" };
                writeln!(
                    out,
                    "{verdict}  {}: {} ({} of {} events match)",
                    outcome.detection, outcome.test, outcome.matched, outcome.events
                )?;
                if let Some(error) = &outcome.error {
                    writeln!(out, "      {error}")?;
                }
                for failure in &outcome.failures {
                    let place = failure.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
                    writeln!(out, "      event {}{place} {}", failure.event, failure.fault.words())?;
                }
            }
            writeln!(out, "{} passed, {failed} failed", outcomes.len() - failed)?;
        }
    }
    Ok(if failed > 0 || lacks_some { Exit::Findings } else { Exit::Clean })
}
