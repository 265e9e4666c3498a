//! `cresset check`: are the detections right?

use std::io::Write as _;
use std::path::PathBuf;

use clap::ValueEnum;

use super::Exit;
use super::judge::{self, Measure};
use crate::diagnostic::{self, render};

/// Check detections: their form, their meaning, their metadata, and whether all targets can say them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset check                                  all detections of the project
  cresset check detections/container             those of a folder
  cresset check new.yml --format github          annotations in a pull request
  cresset check --format sarif > check.sarif     for code scanning
  cresset check --today 2027-01-31               which exceptions will have expired then

With the detections of the project, its exceptions, its targets and its `cresset.yml` are checked. What a target cannot
say is told here as it is by `build`, which then decides that the rules mean what the detections say.

Every problem has a code; `cresset explain-code E0302` says what it means.")]
pub struct Args {
    /// Files, folders and projects [default: the project here].
    paths: Vec<PathBuf>,
    /// Warnings are findings, too.
    #[arg(long)]
    deny_warnings: bool,
    /// A profile; may be given several times [default: the `cresset.yml` found from here upwards].
    #[arg(long, value_name = "FILE")]
    profile: Vec<PathBuf>,
    /// Targets of your own, a folder each [default: the project's templates/].
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// The day by which exceptions have expired or not [default: today].
    #[arg(long, value_name = "DATE")]
    today: Option<jiff::civil::Date>,
    /// How problems are written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How problems are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text with the lines concerned.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let today = args.today.unwrap_or_else(|| jiff::ZonedDateTime::now().date());
    let measure = Measure { templates: args.templates.as_deref(), today };
    let (mut problems, mut files) = (Vec::new(), 0);
    for task in judge::tasks(&args.paths, &args.profile)? {
        problems.extend(task.problems(&measure));
        files += task.count();
    }
    diagnostic::sort(&mut problems);
    let problems = problems.as_slice();
    let mut out = anstream::stdout();
    match args.format {
        Format::Human => {
            write!(out, "{}", render::human(problems, true))?;
            let files = if files == 1 { "1 detection".to_owned() } else { format!("{files} detections") };
            match render::summary(problems) {
                None => writeln!(anstream::stderr(), "{files} checked, nothing wrong")?,
                Some(found) => writeln!(anstream::stderr(), "{files} checked: {found}")?,
            }
        }
        Format::Json => writeln!(out, "{:#}", render::json(problems))?,
        Format::Sarif => writeln!(out, "{:#}", render::sarif(problems))?,
        Format::Github => write!(out, "{}", render::github(problems))?,
    }
    let found = problems.iter().any(|problem| args.deny_warnings || problem.is_error());
    Ok(if found { Exit::Findings } else { Exit::Clean })
}
