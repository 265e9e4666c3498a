//! `cresset diff`: what a change means.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use super::Exit;
use crate::diff::gate::{self, Gate};
use crate::diff::revision::{self, Sides};
use crate::diff::side::{ProfileChoice, Side};
use crate::diff::{self, Options, show};
use crate::logic::decide::Budget;
use crate::printable;
use crate::project::Project;
use crate::source::Catalogue;

/// How much of a budget for one decision there is for every second of it.
const STATES_PER_SECOND: usize = 600_000;
const NODES_PER_SECOND: usize = 300_000;

/// Say what a change means: which detections became wider or narrower, and an event that shows it.
///
/// BASE and HEAD are git revisions or folders. Conditions are compared over all events, recorded logs are replayed,
/// and every rule is shown before and after, each side as its profile and its exceptions make it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset diff                                   the work tree, against HEAD
  cresset diff main                              the work tree, against a branch
  cresset diff main...                           what this branch changed since it left main
  cresset diff v1.2.0 v1.3.0                     two releases
  cresset diff ../their-pack .                   two folders
  cresset diff --logs /var/log/audit             which of these events change sides
  cresset diff main... --format markdown         a comment for a pull request
  cresset diff main... --fail-on narrower,version,hand-edit
  cresset diff main... --profile profiles/acme.yml
                                                 what it means there

Exit status: 0 compared, 1 stopped by --fail-on, 2 could not compare.")]
pub struct Args {
    /// What was: a revision, a folder, `A..B`, or `A...B` for B since it left A [default: HEAD].
    base: Option<String>,
    /// What is: a revision or a folder [default: the work tree].
    head: Option<String>,
    /// Exit 1 if the change holds any of these.
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    fail_on: Vec<Gate>,
    /// Recorded logs to replay, files or folders; may be given several times [default: tests/logs of HEAD].
    #[arg(long, value_name = "PATH")]
    logs: Vec<PathBuf>,
    /// Replay no logs.
    #[arg(long, conflicts_with = "logs")]
    no_logs: bool,
    /// A profile: each side is read with this file as it has it, or with the one file if that lies beside both
    /// [default: each side's own `cresset.yml`].
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Leave the targets' rules out.
    #[arg(long)]
    no_rules: bool,
    /// How long one decision may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    budget: u32,
    /// How the change is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How the change is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text.
    #[default]
    Human,
    /// A comment for a pull request.
    Markdown,
    /// One JSON document.
    Json,
    /// Annotations of GitHub Actions.
    Github,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if let Some(gate) = args.fail_on.iter().find(|gate| args.no_rules && gate.asks_rules()) {
        bail!("`--no-rules` leaves out what `--fail-on {}` asks for", gate.name());
    }
    let working = std::env::current_dir().context("there is no working directory")?;
    let inside = args.profile.as_deref().and_then(|path| inside(path, &working));
    let Sides { base, head, prefix } =
        revision::resolve(args.base.as_deref(), args.head.as_deref(), &working, inside.as_deref())?;
    let profile = match (&args.profile, inside) {
        (None, _) => ProfileChoice::Own,
        (Some(_), Some(inside)) if [&base, &head].iter().any(|side| side.root.join(&inside).is_file()) => {
            ProfileChoice::Inside(inside)
        }
        (Some(path), _) if path.is_file() => ProfileChoice::Beside(path.clone()),
        (Some(path), _) => bail!("neither side has the profile `{}`", path.display()),
    };
    let logs = if args.no_logs {
        Vec::new()
    } else if args.logs.is_empty() {
        let tests = head.root.join("tests");
        let logs = tests.join("logs");
        [if logs.is_dir() { logs } else { tests }].into_iter().filter(|folder| folder.is_dir()).collect()
    } else {
        for path in &args.logs {
            if let Err(error) = path.symlink_metadata() {
                bail!("cannot read `{}`: {}", path.display(), crate::detection::yaml::reason(&error));
            }
        }
        args.logs.clone()
    };
    let catalogue = Catalogue::builtin();
    let seconds = usize::try_from(args.budget).unwrap_or(usize::MAX);
    let budget = Budget {
        states: seconds.saturating_mul(STATES_PER_SECOND),
        nodes: seconds.saturating_mul(NODES_PER_SECOND),
        time: Duration::from_secs(args.budget.into()),
    };
    let options = Options { budget, logs, rules: !args.no_rules };
    let (before, after) = rayon::join(|| Side::of(&base, &profile, catalogue), || Side::of(&head, &profile, catalogue));
    let mut found = diff::compare(&before, &after, catalogue, &options);
    for (side, snapshot) in [("before", &base), ("now", &head)] {
        found.notes.extend(snapshot.notes.iter().map(|what| format!("{side}: {what}")));
    }
    let stopped = gate::stopped(&found, &args.fail_on);
    let mut out = anstream::stdout();
    match args.format {
        Format::Human => write!(out, "{}", show::human::text(&found, width()))?,
        Format::Markdown => write!(out, "{}", show::markdown::comment(&found, &stopped))?,
        Format::Json => writeln!(out, "{:#}", show::json(&found, &stopped))?,
        Format::Github => write!(out, "{}", show::github::annotations(&found, &prefix))?,
    }
    let mut stderr = anstream::stderr();
    for reason in &stopped {
        writeln!(stderr, "stopped by {}", printable::lines(reason))?;
    }
    Ok(if stopped.is_empty() { Exit::Clean } else { Exit::Findings })
}

/// A path as it is below the folder of the project; one that is written from there is that already.
fn inside(path: &Path, working: &Path) -> Option<PathBuf> {
    let project = Project::find(Some(working));
    let root = project.as_ref().and_then(Project::root).and_then(|root| root.canonicalize().ok());
    let working = working.canonicalize().unwrap_or_else(|_| working.to_path_buf());
    let absolute = working.join(path);
    // A file that only a revision has cannot be made canonical.
    let absolute = absolute.canonicalize().unwrap_or(absolute);
    let below = root.and_then(|root| absolute.strip_prefix(root).map(Path::to_path_buf).ok());
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    below.or_else(|| path.is_relative().then(|| path.to_path_buf())).filter(|path| plain(path))
}

/// The terminal's width; none if the output is no terminal.
fn width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    Some(terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)))
}
