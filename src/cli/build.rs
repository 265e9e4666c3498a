//! `cresset build`: the rules of all targets, from the detections.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::workshop::{Chosen, Workshop};
use super::{Exit, verify};
use crate::diagnostic::{Diagnostic, render};
use crate::lock::{self, Judged};
use crate::pack::verify::Report;
use crate::pack::{self, Proved};
use crate::project::Project;
use crate::target::{Built, Entry, PackInfo, State, Verdict};

/// How many reasons for a deviation the summary names.
const MOST_REASONS: usize = 4;

/// Build the rules of all targets.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset build                           all targets, to out/
  cresset build --target splunk           that one alone
  cresset build --check                   nothing is written; exit 1 if out/ is not up to date
  cresset build --templates my-targets    with targets of your own
  cresset build --profile profiles/acme.yml --profile profiles/beta.yml
                                          two organisations, to out/acme/ and out/beta/")]
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
    /// A profile: the pack goes to a folder of its name; may be given several times
    /// [default: the `cresset.yml` found from here upwards, if there is one].
    #[arg(long, value_name = "FILE")]
    profile: Vec<PathBuf>,
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
    let profiles: Vec<Option<&PathBuf>> = match args.profile.as_slice() {
        [] => vec![None],
        given => given.iter().map(Some).collect(),
    };
    let mut documents: Vec<Value> = Vec::new();
    let (mut names, mut exit) = (Vec::new(), Exit::Clean);
    for profile in profiles {
        let chosen =
            Chosen { target: args.target.clone(), templates: args.templates.clone(), profile: profile.cloned() };
        let workshop = match Workshop::open(&project, args.path.as_deref(), &chosen)? {
            Ok(workshop) => workshop,
            Err(problems) => return tell(&problems, args.format),
        };
        let mut out = out.clone();
        if let (Some(_), Some(profile)) = (profile, &workshop.profile) {
            if names.contains(&profile.name) {
                bail!("two profiles are called `{}`", profile.name);
            }
            names.push(profile.name.clone());
            out.push(&profile.name);
        }
        match one(args, workshop, &out, &pack, &mut documents)? {
            Exit::Clean => {}
            Exit::Findings if args.check => exit = Exit::Findings,
            other => return Ok(other),
        }
    }
    if args.format == Format::Sarif {
        writeln!(anstream::stdout(), "{:#}", render::sarif(&[]))?;
    }
    if args.format == Format::Json {
        let document = match documents.as_slice() {
            [one] if args.profile.len() < 2 => one.clone(),
            _ => json!({ "profiles": documents }),
        };
        writeln!(anstream::stdout(), "{document:#}")?;
    }
    Ok(exit)
}

/// Builds one pack.
fn one(
    args: &Args,
    workshop: Workshop,
    out: &Path,
    pack: &PackInfo,
    documents: &mut Vec<Value>,
) -> anyhow::Result<Exit> {
    let Proved { built, report } = match workshop.build(pack) {
        Ok(proved) if proved.report.is_wrong() => return refuse(&proved.report, args.format),
        Ok(proved) => proved,
        Err(problems) => return tell(&problems, args.format),
    };
    let Workshop { lock, profile, exceptions, .. } = workshop;
    let only = (!args.target.is_empty()).then_some(args.target.as_slice());
    let differences = if args.check { pack::check(out, &built, pack, only) } else { Vec::new() };
    // Where something was built before, a lock that is not there was deleted, and no one else tells.
    let is_reset = lock.as_ref().is_some_and(|lock| lock.is_first) && out.join(pack::MANIFEST).is_file();
    if !args.check {
        pack::write(out, &built, pack, only).with_context(|| format!("cannot write to `{}`", out.display()))?;
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
            let mut document = json!({
                "rules": built.entries,
                "files": files,
                "differences": differences,
                "lock_is_stale": lock_is_stale,
                "lock_is_reset": is_reset,
            });
            if let Value::Object(document) = &mut document {
                document.extend(profile.map(|profile| ("profile".to_owned(), profile.name.into())));
                if !exceptions.is_empty() {
                    let all = exceptions.iter().map(|exception| {
                        json!({ "name": exception.name, "expires": exception.expires.to_string(), "owner": exception.owner })
                    });
                    document.insert("exceptions".to_owned(), all.collect());
                }
            }
            documents.push(document);
        }
        Format::Sarif => {}
        // What differs is told where a reader of the log finds it.
        Format::Human | Format::Github if args.check => {
            for difference in &differences {
                writeln!(stdout, "{difference}")?;
            }
            if lock_is_stale {
                let word = if lock.as_ref().is_some_and(Judged::exists) { "stale" } else { "missing" };
                writeln!(stdout, "{word:8} {} (beside detections/)", lock::FILE)?;
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
            if !exceptions.is_empty() {
                writeln!(stdout)?;
            }
            for exception in &exceptions {
                let of: Vec<&str> = exception.detections.iter().map(|selector| selector.text.as_str()).collect();
                let (name, until) = (&exception.name, exception.expires);
                writeln!(stdout, "exception {name}, until {until} ({}): {}", exception.owner, of.join(", "))?;
            }
            if is_reset {
                let lock = lock::FILE;
                writeln!(
                    stdout,
                    "\nnote: there was no {lock}: no version was compared with what it stood for, all are locked as they are"
                )?;
            }
            let rules = verify::summary(&report);
            writeln!(anstream::stderr(), "{} files in {}; {rules}", built.files.len() + 1, out.display())?;
        }
    }
    Ok(if differences.is_empty() && !lock_is_stale { Exit::Clean } else { Exit::Findings })
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

/// Says which rules mean something else than their detections: no such pack is written.
pub(super) fn refuse(report: &Report, format: Format) -> anyhow::Result<Exit> {
    match format {
        Format::Json => writeln!(anstream::stdout(), "{:#}", verify::findings(report))?,
        Format::Github => verify::annotations(&mut anstream::stdout(), Path::new(""), report)?,
        Format::Human | Format::Sarif => verify::details(&mut anstream::stderr(), report, false)?,
    }
    writeln!(anstream::stderr(), "\n{}; nothing was written", verify::summary(report))?;
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
            State::Rule { language, verdict, .. } => format!("{language}, {verdict}"),
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
        let State::Rule { verdict: verdict @ (Verdict::Wider | Verdict::Narrower), losses, .. } = state else {
            continue;
        };
        writeln!(out, "\n{target}: {detection} in {source} is {verdict}")?;
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
