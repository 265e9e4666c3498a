//! `cresset test`: do the detections, and the rules made of them, match the events that they say they match?

use std::io::Write as _;
use std::path::PathBuf;
use std::slice;

use anyhow::Context as _;
use clap::ValueEnum;
use rayon::prelude::*;

use super::workshop::tell_broken;
use super::{Exit, choice};
use crate::detection::load;
use crate::pack::side::Side;
use crate::project::Project;
use crate::source::Catalogue;
use crate::target::{self, Compiled};
use crate::testing::{self, Rules};

/// Run the tests of the detections over recorded logs and inline events
///
/// The rules that targets have for a detection are asked of the events that its tests name, as the target sees them.
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
    let catalogue = Catalogue::builtin();
    let targets = target::load_all(project.templates().as_deref()).unwrap_or_default();
    // What cannot be made of one detection is no matter of the others.
    let rules_of = |one| target::compile_all(&targets, slice::from_ref(one), catalogue, &|| ()).ok();
    let made: Vec<Option<Vec<Compiled<'_>>>> = loaded.detections.par_iter().map(rules_of).collect();
    let unmade = made.iter().filter(|made| made.is_none()).count();
    let compiled: Vec<Compiled<'_>> = made.into_iter().flatten().flatten().collect();
    let sides = Side::all(&targets, &compiled, catalogue).unwrap_or_default();
    if unmade > 0 || (sides.is_empty() && !compiled.is_empty()) {
        writeln!(anstream::stderr(), "warning: rules are left out that cannot be made; `cresset build` says why")?;
    }
    let rules = Rules::new(sides);
    let outcomes = testing::run(&loaded.detections, &logs, &rules);
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
                    writeln!(out, "      {}", failure.words())?;
                }
                for note in &outcome.notes {
                    writeln!(out, "      note: {}; an argument is empty or holds a blank", note.words())?;
                }
            }
            writeln!(out, "{} passed, {failed} failed", outcomes.len() - failed)?;
        }
    }
    Ok(if failed > 0 || lacks_some { Exit::Findings } else { Exit::Clean })
}
