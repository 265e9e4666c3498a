//! `cresset explain`: what a detection and each target's rule for it make of one event.

use std::io::{Cursor, Write};
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::verify::failed;
use super::workshop::{Chosen, Workshop};
use super::{Exit, choice};
use crate::logic::{Event, Reading, evaluate};
use crate::pack::side::Side;
use crate::pack::trace;
use crate::project::Project;
use crate::source::Catalogue;
use crate::source::reader::{self, Choice, Record};

/// Show what a detection and the rules made from it say of an event, test by test
///
/// The rules are those that a build would write, read back from their files and evaluated on the event as the target has
/// it. `+` stands before what holds, `-` before what does not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset explain privileged_container tests/logs/raw/audit.log.zst --event 2041
  cresset explain privileged_container '{\"process\": {\"args\": [\"docker\", \"run\", \"--privileged\", \"x\"]}}' --source process
  cresset events audit.log | sed -n 3p | cresset explain docker_socket_used - --source process

Exit status: 0 all rules say what the detection says, 1 one does not, 2 could not run.")]
pub struct Args {
    /// The detection, by its name or id
    #[arg(value_name = "DETECTION")]
    detection: String,

    /// The event: JSON, a log of any known format, or `-` for standard input
    #[arg(value_name = "EVENT")]
    event: String,

    /// Which event of a log, by its own id: an audit serial, an auditID
    #[arg(long = "event", value_name = "ID")]
    id: Option<String>,

    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// The log source that JSON is an event of, instead of recognising it
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    #[command(flatten)]
    chosen: Chosen,
}

/// How the explanation is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree for the detection and one for each target
    #[default]
    Human,
    /// One JSON document
    Json,
}

/// What a target's rule says of the event.
struct Seen<'c> {
    side: Side<'c>,
    /// The event as the target has it.
    event: Event,
    /// Whether the rule matches; none if it cannot be read.
    matches: Option<bool>,
}

impl<'c> Seen<'c> {
    fn new(side: Side<'c>, event: &Event) -> Self {
        let event = side.seen(event);
        Self { matches: side.matches(&event), side, event }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let project_here = Project::find_or_built_in(None);
    let mut workshop = match Workshop::open(&project_here, None, &args.chosen)? {
        Ok(workshop) => workshop,
        Err(problems) => return failed(&problems),
    };
    choice::keep(&mut workshop.detections, std::slice::from_ref(&args.detection))?;
    let detection = workshop.detections.first().context("there are no detections")?;
    let record = event(args)?;
    let Some(observation) = detection.observation(&record.source) else {
        let sources: Vec<&str> = detection.observations.iter().map(|o| o.source.as_str()).collect();
        bail!("`{}` does not observe `{}`, but {}", detection.name, record.source, sources.join(", "));
    };
    let compiled = match workshop.compile() {
        Ok(compiled) => compiled,
        Err(problems) => return failed(&problems),
    };
    let catalogue = Catalogue::builtin();
    let rules = match Side::all(&workshop.targets, &compiled, catalogue) {
        Ok(rules) => rules,
        Err(problems) => return failed(&problems),
    };
    let rules = rules.into_iter().filter(|side| side.compiled.observation.source == *record.source);
    let sides: Vec<Seen<'_>> = rules.map(|rule| Seen::new(rule, &record.event)).collect();
    let meaning = observation.meaning();
    let says = |reading: Reading| evaluate(&meaning, &record.event, reading);
    let (must, may) = (says(Reading::Must), says(Reading::May));
    let agrees = |seen: &Seen<'_>| seen.matches.is_some_and(|matches| (!must || matches) && (!matches || may));
    let mut out = anstream::stdout();
    match args.format {
        Format::Json => {
            let rules: Vec<Value> = sides
                .iter()
                .map(|seen| {
                    let condition = seen.side.rule.condition.as_ref();
                    json!({
                        "target": seen.side.compiled.target.name(),
                        "file": seen.side.rule.file,
                        "event": seen.event,
                        "matches": seen.matches,
                        "agrees": agrees(seen),
                        "because": condition.map(|c| trace::value(c, &seen.event, Reading::Must)).ok(),
                        "unreadable": condition.err(),
                    })
                })
                .collect();
            let document = json!({
                "detection": detection.name,
                "source": &*record.source,
                "event": record.event,
                "must": must,
                "may": may,
                "because": trace::value(&meaning, &record.event, Reading::Must),
                "rules": rules,
            });
            writeln!(out, "{document:#}")?;
        }
        Format::Human => {
            let says = match (must, may) {
                (true, _) => "matches",
                (false, true) => "need not match, but its rules may",
                (false, false) => "does not match",
            };
            writeln!(out, "{} in {}: {says}", detection.name, record.source)?;
            indented(&mut out, trace::lines(&meaning, &record.event, Reading::Must))?;
            for seen in &sides {
                let says = match seen.matches {
                    Some(true) => "matches",
                    Some(false) => "does not match",
                    None => "cannot be read",
                };
                let mark = if agrees(seen) { "" } else { ", unlike the detection" };
                writeln!(out, "\n{} ({}): {says}{mark}", seen.side.compiled.target.name(), seen.side.rule.file)?;
                match &seen.side.rule.condition {
                    Ok(condition) => indented(&mut out, trace::lines(condition, &seen.event, Reading::Must))?,
                    Err(reason) => writeln!(out, "  {reason}")?,
                }
            }
        }
    }
    Ok(if sides.iter().all(agrees) { Exit::Clean } else { Exit::Findings })
}

fn indented(out: &mut impl Write, lines: Vec<String>) -> std::io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

/// The event that is meant.
fn event(args: &Args) -> anyhow::Result<Record> {
    let choice = Choice { source: args.source.as_deref().map(Into::into), format: None };
    let records = if args.event.trim_start().starts_with('{') {
        reader::read(Box::new(Cursor::new(args.event.clone().into_bytes())), "the event", &choice)
    } else {
        reader::open(Path::new(&args.event), &choice)
    };
    let records = records.with_context(|| format!("cannot read `{}`", args.event))?;
    let mut found = Vec::new();
    for record in records {
        let record = record.map_err(|damage| anyhow::anyhow!("{damage}"))?;
        if args.id.as_ref().is_none_or(|id| *id == record.id) {
            found.push(record);
        }
    }
    match (found.len(), &args.id) {
        (0, Some(id)) => bail!("no event of `{}` has the id `{id}`", args.event),
        (0, None) => bail!("there is no event in `{}`", args.event),
        (1, _) => Ok(found.remove(0)),
        (count, None) => bail!("`{}` has {count} events; say which one with `--event ID`", args.event),
        // An id that several events share: the first one.
        (_, Some(_)) => Ok(found.remove(0)),
    }
}
