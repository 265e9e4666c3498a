//! `cresset build`: the rules of all targets, from the detections.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use indicatif::ProgressBar;
use serde_json::json;

use super::Exit;
use crate::detection::load;
use crate::diagnostic::{Diagnostic, render};
use crate::lock::{self, Judged};
use crate::pack;
use crate::project::Project;
use crate::source::Catalogue;
use crate::target::{self, Built, Entry, PackInfo, State, Target};

/// How many reasons for a deviation the summary names.
const MOST_REASONS: usize = 4;

/// Build the rules of all targets.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset build                           all targets, to out/
  cresset build --target splunk           that one alone
  cresset build --check                   nothing is written; exit 1 if out/ is not up to date
  cresset build --templates my-targets    with targets of your own")]
pub struct Args {
    /// A folder with detections, or a project [default: the project here].
    path: Option<PathBuf>,
    /// Only this target; may be given several times.
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Where the packs go [default: the project's out/].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Targets of your own, a folder each; a file there takes the place of a built-in one
    /// [default: the project's templates/].
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// The pack's version.
    #[arg(long, value_name = "X.Y.Z", default_value = "1.0.0")]
    pack_version: String,
    /// Write nothing; tell what differs, and exit 1 if anything does.
    #[arg(long)]
    check: bool,
    /// How the summary is written, or what is wrong.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How the summary is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, of what is wrong.
    Sarif,
    /// Annotations of GitHub Actions, of what is wrong.
    Github,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let project = Project::find_or_built_in(args.path.as_deref());
    let Some(out) = args.out.clone().or_else(|| project.out()) else {
        bail!("there is no project here; say where the packs go with `--out DIR`");
    };
    let pack = PackInfo { version: version(&args.pack_version)?, ..PackInfo::default() };
    let templates = args.templates.clone().or_else(|| project.templates());
    let (built, lock) = match build(&project, args.path.as_deref(), templates.as_deref(), &args.target, &pack)? {
        Ok(built) => built,
        Err(problems) => return tell(&problems, args.format),
    };
    let only = (!args.target.is_empty()).then_some(args.target.as_slice());
    let differences = if args.check { pack::check(&out, &built, &pack, only) } else { Vec::new() };
    if !args.check {
        pack::write(&out, &built, &pack, only).with_context(|| format!("cannot write to `{}`", out.display()))?;
        if let Some(lock) = &lock {
            lock.write().with_context(|| format!("cannot write `{}`", lock::FILE))?;
        }
    }
    let lock_is_stale = args.check && lock.as_ref().is_some_and(Judged::is_stale);
    let mut stdout = anstream::stdout();
    match args.format {
        Format::Json => {
            let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
            let files: Vec<&String> = built.files.keys().collect();
            writeln!(
                stdout,
                "{:#}",
                json!({ "rules": built.entries, "files": files, "differences": differences, "lock_is_stale": lock_is_stale })
            )?;
        }
        Format::Sarif => writeln!(stdout, "{:#}", render::sarif(&[]))?,
        // What differs is told where a reader of the log finds it.
        Format::Human | Format::Github if args.check => {
            for difference in &differences {
                writeln!(stdout, "{difference}")?;
            }
            if lock_is_stale {
                writeln!(stdout, "stale    {} (beside detections/)", lock::FILE)?;
            }
            let state = if differences.is_empty() && !lock_is_stale {
                "up to date"
            } else {
                "not up to date; run `cresset build`"
            };
            writeln!(anstream::stderr(), "{} is {state}", out.display())?;
        }
        Format::Human | Format::Github => {
            writeln!(stdout, "{}", table(&built))?;
            deviations(&mut stdout, &built)?;
            writeln!(anstream::stderr(), "{} files in {}", built.files.len() + 1, out.display())?;
        }
    }
    Ok(if differences.is_empty() && !lock_is_stale { Exit::Clean } else { Exit::Findings })
}

/// What a build comes to before anything is written: artefacts and the lock of versions, or problems.
pub(super) type Outcome = Result<(Built, Option<Judged>), Vec<Diagnostic>>;

/// Everything in memory, and the lock of versions, if the project has a place for one; or what is wrong.
pub(super) fn build(
    project: &Project,
    path: Option<&std::path::Path>,
    templates: Option<&std::path::Path>,
    only: &[String],
    pack: &PackInfo,
) -> anyhow::Result<Outcome> {
    let catalogue = Catalogue::builtin();
    let part = path.filter(|path| project.root() != path.canonicalize().ok().as_deref());
    let files = part.map_or_else(|| project.detection_files(), |path| project.files_at(path));
    let loaded = load::load_files(project, &files, catalogue);
    if loaded.has_errors() {
        return Ok(Err(loaded.problems));
    }
    let mut lock = lock::judge(project, &loaded.detections, part.is_none(), catalogue);
    if let Some(lock) = lock.as_mut().filter(|lock| !lock.problems.is_empty()) {
        return Ok(Err(std::mem::take(&mut lock.problems)));
    }
    let mut targets: Vec<Target> = match target::load_all(templates) {
        Ok(targets) => targets,
        Err(problems) => return Ok(Err(problems)),
    };
    for name in only {
        if !targets.iter().any(|target| target.name() == name) {
            let known: Vec<&str> = targets.iter().map(Target::name).collect();
            bail!("there is no target `{name}`; there are {}", known.join(", "));
        }
    }
    targets.retain(|target| only.is_empty() || only.iter().any(|name| name == target.name()));
    let bar = if std::io::stderr().is_terminal() && loaded.detections.len() > 200 {
        ProgressBar::new(loaded.detections.len() as u64)
    } else {
        ProgressBar::hidden()
    };
    let result = target::build(&targets, &loaded.detections, catalogue, pack, &|| bar.inc(1));
    bar.finish_and_clear();
    Ok(result.map(|built| (built, lock)))
}

/// Says what keeps a pack from being built.
pub(super) fn tell(problems: &[Diagnostic], format: Format) -> anyhow::Result<Exit> {
    let mut stdout = anstream::stdout();
    match format {
        Format::Human => {
            let mut stderr = anstream::stderr();
            write!(stderr, "{}", render::human(problems, true))?;
            writeln!(stderr, "{}; nothing was written", render::summary(problems).unwrap_or_default())?;
        }
        Format::Json => writeln!(stdout, "{:#}", render::json(problems))?,
        Format::Sarif => writeln!(stdout, "{:#}", render::sarif(problems))?,
        Format::Github => write!(stdout, "{}", render::github(problems))?,
    }
    Ok(Exit::Findings)
}

/// A version as Splunk takes it.
pub(super) fn version(text: &str) -> anyhow::Result<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let fits = parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok());
    if !fits {
        bail!("`{text}` is no version; write it as 1.2.3");
    }
    Ok(text.to_owned())
}

/// Detections and log sources down, targets across.
fn table(built: &Built) -> String {
    let mut targets: Vec<&str> = built.entries.iter().map(|entry| entry.target.as_str()).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut rows: BTreeMap<(&str, &str), BTreeMap<&str, String>> = BTreeMap::new();
    for Entry { detection, source, target, state } in &built.entries {
        let cell = match state {
            State::NotApplicable => "-".to_owned(),
            State::Disabled => "off".to_owned(),
            State::Unsupported { .. } => "unsupported".to_owned(),
            State::Rule { language, deviation, verified, .. } => {
                let mut cell = (*language).to_owned();
                if let Some(deviation) = deviation {
                    cell = format!("{cell}, {deviation}");
                }
                if !verified {
                    cell.push_str(", unverified");
                }
                cell
            }
        };
        rows.entry((detection, source)).or_default().insert(target, cell);
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["detection", "log source"].into_iter().chain(targets.iter().copied()));
    for ((detection, source), mut cells) in rows {
        let cells = targets.iter().map(|target| cells.remove(target).unwrap_or_default());
        table.add_row([detection.to_owned(), source.to_owned()].into_iter().chain(cells));
    }
    table.trim_fmt()
}

/// What rules do not say, with the reason, each once.
fn deviations(out: &mut impl std::io::Write, built: &Built) -> std::io::Result<()> {
    for Entry { detection, source, target, state } in &built.entries {
        let State::Rule { deviation: Some(deviation), losses, .. } = state else { continue };
        writeln!(out, "\n{target}: {detection} in {source} is {deviation}")?;
        let mut reasons: Vec<&str> = losses.iter().map(|loss| loss.reason.as_str()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        for reason in reasons.iter().take(MOST_REASONS) {
            writeln!(out, "  {reason}")?;
        }
        if reasons.len() > MOST_REASONS {
            writeln!(out, "  and {} more; all are in manifest.json", reasons.len() - MOST_REASONS)?;
        }
    }
    Ok(())
}
