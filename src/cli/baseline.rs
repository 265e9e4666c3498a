//! `cresset baseline`: exceptions proposed from logs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde_json::json;

use super::hunt::Format as HuntFormat;
use super::hunt_report::{Report, counted, new_table};
use super::{Exit, choice, hunt as hunt_command, workshop};
use crate::baseline::{Baseline, Gathering, Header, Judges, Proposal, Thresholds, propose, wanted};
use crate::detection::Detection;
use crate::exception::FOLDER;
use crate::hunt::{self, Hunter, Outcome, Settings, Totals};
use crate::printable::one_line;
use crate::project::Project;
use crate::source::Catalogue;
use crate::source::reader::Choice;
use crate::target;

/// So many days after the newest hit a proposal expires.
const HORIZON: i64 = 90;
/// So many groups of hits of one detection are told for which there is no proposal.
const MOST_TOLD: usize = 10;

/// Propose exceptions for what the detections find every day
///
/// Runs the detections over logs, as `cresset hunt` does, and groups their hits by what tells them apart: who acted
/// (parent program, user, service account, image, namespace), what was done, and where. For what is frequent, the
/// smallest set of conditions is looked for that explains it, and written as exceptions with `status: proposed`, which
/// change nothing until a person approves them. None of them covers an event that a detection's `tests:` say must
/// match, none takes all of a detection away, and the rules of every target can say it.
///
/// Logs are written by attackers, too: that something is frequent does not make it harmless. Read every proposal, ask
/// its owner, fill in the reason, and only then write `status: approved`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset baseline /srv/logs --since 14d                      look at what would be proposed
  cresset baseline /srv/logs --since 14d --out exceptions     write one file for each proposal
  cresset baseline audit.log* --detection docker_socket_mounted --min-count 50 --owner 'platform team'
  cresset baseline k8s/*.gz --min-days 7 --format json

Equal logs give equal proposals, byte for byte. Exit status: 0 done, with proposals or without, 2 could not run.")]
pub struct Args {
    /// Logs to read: files, folders with all that is in them, patterns (`*`, `?`, `[…]`, `**`); `-` is standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,

    /// Only this detection, by its id or name; may be repeated
    #[arg(long, value_name = "ID|NAME")]
    detection: Vec<String>,

    /// Only detections with this tag or ATT&CK technique (`container`, `T1611`); may be repeated
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,

    /// Only events from this time on, as in `cresset hunt`: `2026-11-23`, `2026-11-23T17:00:00Z`, `14d`
    #[arg(long, value_name = "TIME", value_parser = hunt_command::parse_time)]
    since: Option<Timestamp>,

    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = hunt_command::parse_time)]
    until: Option<Timestamp>,

    /// So many hits make something frequent
    #[arg(long, value_name = "HITS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    min_count: u64,

    /// So many percent of a detection's hits in a log source
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=100))]
    min_share: u64,

    /// On so many different days, where events say when they happened: a burst is no baseline
    #[arg(long, value_name = "DAYS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=32))]
    min_days: u16,

    /// On so many different hosts
    #[arg(long, value_name = "HOSTS", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=32))]
    min_hosts: u16,

    /// Who answers for the exceptions
    #[arg(long, value_name = "NAME", default_value = "TODO", value_parser = parse_line)]
    owner: String,

    /// Where they are decided
    #[arg(long, value_name = "TICKET", value_parser = parse_line)]
    ticket: Option<String>,

    /// The last day on which they hold [default: 90 days after the newest hit]
    #[arg(long, value_name = "DATE")]
    expires: Option<Date>,

    /// The day to count from, where no hit says when it happened; what claims to be later is not the newest
    /// [default: today]
    #[arg(long, value_name = "DATE")]
    today: Option<Date>,

    /// Write each proposal to a file of this folder, such as `exceptions`. No file is ever replaced
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    /// How proposals are shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// A profile [default: the `cresset.yml` found from here upwards]
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,

    /// The log source that JSON objects are events of, instead of recognising it
    #[arg(long, value_name = "NAME", value_parser = super::events::parse_source)]
    source: Option<String>,
}

/// How proposals are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The text of their files.
    #[default]
    Yaml,
    /// One JSON document, with all that is known.
    Json,
}

/// Runs the command.
///
/// # Errors
/// If there is no such detection or log, or the proposals cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let project = Project::find_or_built_in(None);
    let catalogue = Catalogue::builtin();
    let mut targets = match target::load_all(project.templates().as_deref()) {
        Ok(targets) => targets,
        Err(problems) => return super::verify::failed(&problems),
    };
    let profile = match workshop::profile(&project, args.profile.as_deref(), &targets) {
        Ok(profile) => profile,
        Err(problems) => return super::verify::failed(&problems),
    };
    let loaded = match workshop::to_match_in(&project, profile.as_ref()) {
        Ok(loaded) => loaded,
        Err(problems) => return super::verify::failed(&problems),
    };
    workshop::tell_broken(&loaded)?;
    if let Some(profile) = &profile {
        profile.apply_to_targets(&mut targets);
    }
    let chosen = choice::tagged(&loaded.detections, &args.detection, &args.tag)?;
    let period = hunt_command::period(args.since, args.until)?;
    let choice = Choice { source: args.source.as_deref().map(Into::into), format: None };
    let settings = Settings { choice, period, ..Settings::default() };
    let today = args.today.unwrap_or_else(|| jiff::ZonedDateTime::now().date());
    let (gathering, totals) = gather(&args.logs, &chosen, &settings, today)?;

    let expires = match args.expires {
        Some(expires) => expires,
        None => gathering.newest().unwrap_or(today).checked_add(Span::new().days(HORIZON))?,
    };
    if expires < today {
        writeln!(anstream::stderr(), "warning: the proposals expire on {expires}, which is past; see --expires")?;
    }
    let thresholds = Thresholds {
        min_count: args.min_count,
        min_share: args.min_share,
        min_days: usize::from(args.min_days),
        min_hosts: usize::from(args.min_hosts),
    };
    let header = Header {
        owner: args.owner.clone(),
        ticket: args.ticket.clone(),
        expires,
        profile: profile.map(|profile| profile.name),
    };
    let with_hits: Vec<&Detection> = chosen.into_iter().filter(|detection| gathering.has_hits(detection)).collect();
    let (wanted, missing) = wanted(&with_hits, project.tests().as_deref());
    if missing > 0 {
        let events = counted(missing as u64, "recorded event", "recorded events");
        writeln!(anstream::stderr(), "warning: {events} that tests name not found; no proposal is held to them")?;
    }
    let judges = Judges {
        catalogue,
        detections: &loaded.detections,
        wanted: &wanted,
        targets: &targets,
        lists: loaded.lists.as_ref(),
    };
    let baseline = propose(gathering, &thresholds, &header, &judges);
    let written = match &args.out {
        Some(folder) => write_all(folder, &baseline.proposals)?,
        None => Vec::new(),
    };
    show(args, &baseline, &totals, &written)?;
    Ok(if totals.unreadable > 0 { Exit::Failed } else { Exit::Clean })
}

/// Hunts, and counts the hits.
fn gather(
    names: &[PathBuf],
    chosen: &[&Detection],
    settings: &Settings,
    today: Date,
) -> anyhow::Result<(Gathering, Totals)> {
    let catalogue = Catalogue::builtin();
    let mut logs = hunt::find(names)?;
    // A log that is named twice is one, and the order of names means nothing.
    let place = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    logs.sort_by_cached_key(|log| place(&log.path));
    logs.dedup_by_key(|log| place(&log.path));
    let mut gathering = Gathering::new(chosen.iter().copied(), catalogue, today);
    let hunter =
        Hunter::new(chosen, catalogue, false).asking(|detection, observation| gathering.asked(detection, observation));
    // Only what is not a hit is for the report: it counts, warns and shows progress.
    let mut report = Report::new(HuntFormat::Table, true, &logs, settings.read.clone());
    let totals = hunt::run(&hunter, &logs, settings, |outcome| match outcome {
        Outcome::Hit(hit) => {
            gathering.add(*hit);
            Ok(())
        }
        other => report.take(other),
    })?;
    report.finish(&totals)?;
    Ok((gathering, totals))
}

/// Writes every proposal to a file of its own, or none: no file is replaced. A file that holds just that is left alone.
/// Gives back the files, and whether each is new.
fn write_all(folder: &Path, proposals: &[Proposal]) -> anyhow::Result<Vec<(PathBuf, bool)>> {
    let files: Vec<(PathBuf, &str)> = proposals
        .iter()
        .map(|proposal| (folder.join(format!("{}.yml", proposal.name)), proposal.yaml.as_str()))
        .collect();
    let mut new = Vec::new();
    for (path, text) in &files {
        let is_new = match fs::read(path) {
            Ok(known) if known == text.as_bytes() => false,
            Ok(_) => {
                bail!("`{}` is there and says something else; nothing was written. Delete it first", path.display())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        };
        new.push(is_new);
    }
    if new.contains(&true) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    for ((path, text), _) in files.iter().zip(&new).filter(|(_, new)| **new) {
        let mut file = fs::File::create_new(path).with_context(|| format!("cannot write `{}`", path.display()))?;
        file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).zip(new).collect())
}

/// Proposals go to standard output, what there is to know about them to the terminal.
fn show(args: &Args, baseline: &Baseline, totals: &Totals, written: &[(PathBuf, bool)]) -> anyhow::Result<()> {
    let mut out = anstream::stdout();
    if args.format == Format::Json {
        let files: Vec<_> = written.iter().map(|(path, _)| path).collect();
        writeln!(out, "{:#}", json!({ "baseline": baseline, "totals": totals, "files": files }))?;
        return Ok(());
    }
    for (at, proposal) in baseline.proposals.iter().enumerate() {
        match written.get(at) {
            Some((path, true)) => writeln!(out, "{}", path.display())?,
            Some((path, false)) => writeln!(out, "{} (unchanged)", path.display())?,
            None => {
                let blank = if at > 0 { "\n" } else { "" };
                writeln!(out, "{blank}# {FOLDER}/{}.yml", proposal.name)?;
                write!(out, "{}", proposal.yaml)?;
            }
        }
    }
    out.flush()?;
    summary(baseline)
}

/// What was explained and what was not, and why.
fn summary(baseline: &Baseline) -> anyhow::Result<()> {
    let mut err = anstream::stderr();
    if baseline.detections.is_empty() {
        return Ok(());
    }
    let mut table = new_table(&["detection", "log source", "hits", "explained", "left"]);
    for summary in &baseline.detections {
        table.add_row([
            summary.detection.clone(),
            summary.source.clone(),
            summary.hits.to_string(),
            summary.explained.to_string(),
            (summary.hits - summary.explained).to_string(),
        ]);
    }
    writeln!(err, "{table}")?;
    for summary in &baseline.detections {
        let name = format!("{} in {}", summary.detection, summary.source);
        for refused in summary.refused.iter().take(MOST_TOLD) {
            let asked = match refused.conditions.as_slice() {
                [] => String::new(),
                conditions => format!(" ({})", one_line(&conditions.join(", "))),
            };
            let hits = counted(refused.hits, "hit", "hits");
            writeln!(err, "no proposal for {hits} of {name}{asked}: {}", one_line(&refused.reason))?;
        }
        let more: Vec<u64> = summary.refused.iter().skip(MOST_TOLD).map(|refused| refused.hits).collect();
        if !more.is_empty() {
            let hits = counted(more.iter().sum(), "hit", "hits");
            let groups = counted(more.len() as u64, "group", "groups");
            writeln!(err, "no proposal for {hits} of {name} in {groups} more; `--format json` lists them")?;
        }
        if !summary.dropped.is_empty() {
            writeln!(err, "{name}: too many different values to look at {}", summary.dropped.join(", "))?;
        }
    }
    let mut unsayable: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for summary in &baseline.detections {
        for field in &summary.unsayable {
            let fields = unsayable.entry(&summary.source).or_default();
            fields.entry(&field.field).or_default().extend(field.targets.iter().map(String::as_str));
        }
    }
    for (source, fields) in unsayable {
        let targets = |targets: BTreeSet<&str>| targets.into_iter().collect::<Vec<_>>().join(", ");
        let fields: Vec<String> =
            fields.into_iter().map(|(field, names)| format!("{field} ({})", targets(names))).collect();
        writeln!(
            err,
            "left out in {source}, because not all targets could say an exception about it: {}",
            fields.join(", ")
        )?;
    }
    for refused in &baseline.refused {
        let (asked, hits) = (one_line(&refused.conditions.join(", ")), counted(refused.hits, "hit", "hits"));
        let names = refused.detections.join(", ");
        writeln!(err, "refused for {hits} of {names} in {} ({asked}): {}", refused.source, one_line(&refused.reason))?;
    }
    let is_refused =
        !baseline.refused.is_empty() || baseline.detections.iter().any(|summary| !summary.refused.is_empty());
    match baseline.proposals.len() as u64 {
        0 if is_refused => writeln!(err, "no exception is proposed")?,
        0 => writeln!(err, "nothing is frequent enough to propose an exception")?,
        count => {
            let proposals = counted(count, "exception", "exceptions");
            writeln!(err, "{proposals} proposed: read, fill in the reason, and only then `status: approved`")?;
        }
    }
    Ok(())
}

/// A text of one line that people can see.
fn parse_line(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.contains(crate::printable::is_hidden) {
        return Err("write some text on one line".to_owned());
    }
    Ok(text.to_owned())
}
