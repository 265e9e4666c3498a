//! `cresset check`: are the detections right?

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;

use super::Exit;
use crate::detection::{Loaded, load};
use crate::diagnostic::{self, Diagnostic, render};
use crate::project::Project;
use crate::source::Catalogue;
use crate::target::Target;
use crate::{exception, lock, profile, target};

/// Check detections: their form, their meaning, their metadata.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset check                                  all detections of the project
  cresset check detections/container             those of a folder
  cresset check new.yml --format github          annotations in a pull request
  cresset check --format sarif > check.sarif     for code scanning
  cresset check --today 2027-01-31               which exceptions will have expired then

With the detections of the project, its exceptions and its `cresset.yml` are checked.

Every problem has a code; `cresset explain-code E0302` says what it means.")]
pub struct Args {
    /// Files and folders [default: the project's detections].
    paths: Vec<PathBuf>,
    /// Warnings are findings, too.
    #[arg(long)]
    deny_warnings: bool,
    /// A profile; may be given several times [default: the `cresset.yml` found from here upwards].
    #[arg(long, value_name = "FILE")]
    profile: Vec<PathBuf>,
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
    let (mut loaded, files) = load_paths(&args.paths)?;
    let whole = args.paths.is_empty() || !args.profile.is_empty();
    if whole {
        let today = args.today.unwrap_or_else(|| jiff::ZonedDateTime::now().date());
        let more = around(&args.profile, today);
        loaded.problems.extend(more);
        diagnostic::sort(&mut loaded.problems);
    }
    let mut out = anstream::stdout();
    let problems = &loaded.problems;
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
    let found = if args.deny_warnings { !problems.is_empty() } else { loaded.has_errors() };
    Ok(if found { Exit::Findings } else { Exit::Clean })
}

/// What is wrong with the exceptions and profiles of the project. With broken detections, nothing can be said.
fn around(profiles: &[PathBuf], today: jiff::civil::Date) -> Vec<Diagnostic> {
    let catalogue = Catalogue::builtin();
    let project = Project::find_or_built_in(None);
    let given = match profiles {
        [] => profile::find(&project).into_iter().collect(),
        given => given.to_vec(),
    };
    let mut problems = Vec::new();
    let targets = if given.is_empty() {
        Vec::new()
    } else {
        target::load_all(project.templates().as_deref()).unwrap_or_default()
    };
    let plain = load::load_to_match(&project, catalogue);
    let sound = !plain.has_errors();
    for path in given {
        let file = match profile::open(&path) {
            Ok(file) => file,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let (profile, found) = profile::read(&file, catalogue, &targets);
        problems.extend(found);
        if let Some(profile) = profile.filter(|_| sound) {
            problems.extend(profile.dangling(&plain.detections, &plain.list_names));
            let files = project.detection_files();
            if !profile.lists.is_empty() {
                let changed = load::load_changed(&project, &files, catalogue, profile.lists.clone());
                // What its lists make of the detections; what is wrong without them is told already.
                problems.extend(changed.problems.into_iter().filter(Diagnostic::is_error));
            }
        }
    }
    let exceptions = exception::load(&project, plain.lists.as_ref(), catalogue);
    problems.extend(exceptions.problems);
    if sound {
        problems.extend(exception::judge(&exceptions.all, &plain.detections, Some(today), catalogue));
    }
    problems
}

/// Reads the detections of the project, or those at some paths; the second value counts the files.
pub fn load_paths(paths: &[PathBuf]) -> anyhow::Result<(Loaded, usize)> {
    let catalogue = Catalogue::builtin();
    if paths.is_empty() {
        let project = Project::find_or_built_in(None);
        let files = project.detection_files();
        let count = files.detections.len();
        let mut loaded = load::load_files(&project, &files, catalogue);
        add_versions(&project, &mut loaded, true, catalogue);
        add_unknown_targets(&project, &mut loaded, &mut KnownTargets::new());
        return Ok((loaded, count));
    }
    let mut all = Loaded::default();
    let mut count = 0;
    let mut targets = KnownTargets::new();
    for path in paths {
        if let Err(error) = path.symlink_metadata() {
            bail!("cannot read `{}`: {}", path.display(), crate::detection::yaml::reason(&error));
        }
        let project = Project::find_or_built_in(Some(path));
        let files = project.files_at(path);
        count += files.detections.len();
        let mut loaded = load::load_files(&project, &files, catalogue);
        let whole = project.root() == path.canonicalize().ok().as_deref();
        add_versions(&project, &mut loaded, whole, catalogue);
        add_unknown_targets(&project, &mut loaded, &mut targets);
        all.detections.extend(loaded.detections);
        all.problems.extend(loaded.problems);
    }
    diagnostic::sort(&mut all.problems);
    Ok((all, count))
}

/// Adds what the lock of versions says, if there is one. With errors, not all detections are there to be judged.
fn add_versions(project: &Project, loaded: &mut Loaded, whole: bool, catalogue: &Catalogue) {
    let whole = whole && !loaded.has_errors();
    let Some(lock) = lock::judge(project, &loaded.detections, whole, catalogue).filter(|lock| lock.exists()) else {
        return;
    };
    loaded.problems.extend(lock.stale());
    loaded.problems.extend(lock.problems);
    diagnostic::sort(&mut loaded.problems);
}

/// The targets by the project's own folder of them; none where one is faulty, which a build tells.
type KnownTargets = BTreeMap<Option<PathBuf>, Vec<Target>>;

/// Adds what detections say of targets that the project does not have. The targets of a project are read once for many
/// of its files.
fn add_unknown_targets(project: &Project, loaded: &mut Loaded, known: &mut KnownTargets) {
    let own = project.templates();
    let targets = known.entry(own.clone()).or_insert_with(|| target::load_all(own.as_deref()).unwrap_or_default());
    if !targets.is_empty() {
        loaded.problems.extend(target::unknown_targets(&loaded.detections, targets));
        diagnostic::sort(&mut loaded.problems);
    }
}
