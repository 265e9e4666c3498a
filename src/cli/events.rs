//! `cresset events`: raw logs as canonical events, or as a target's rules see them, one JSON object for each line.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::bail;

use super::Exit;
use crate::diagnostic::render;
use crate::logic::Event;
use crate::project::Project;
use crate::source::reader::{self, Choice, Format, Record};
use crate::source::{Catalogue, Source};
use crate::target::{self, Projection, Target};

/// What events are written as, unless a target is named: with the fields that detections name.
const CANONICAL: &str = "canonical";

/// Print the events of raw logs as JSON lines
///
/// What a log is, is recognised by its content: auditd (RAW or ENRICHED), laurel, JSON lines, Kubernetes audit,
/// `docker inspect`, Compose files, Kubernetes manifests and daemon.json; plain, gzip or zstd.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset events /var/log/audit/audit.log
  docker inspect $(docker ps -q) | cresset events -
  cresset events audit.log --as splunk           with the names and values that Splunk's searches see
  cresset events --fields process                the fields of a log source, without any log")]
pub struct Args {
    /// Logs to read; `-` is standard input
    #[arg(required_unless_present = "fields", value_name = "LOG")]
    logs: Vec<PathBuf>,

    /// What the events are written as: `canonical`, with the fields that detections name, or the name of a target, with
    /// the fields and values that its rules see
    #[arg(long = "as", value_name = "SHAPE", default_value = CANONICAL)]
    shape: String,

    /// Targets of your own, a folder each [default: the project's templates/]
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,

    /// List the fields of a log source instead of reading logs
    #[arg(long, value_name = "SOURCE", value_parser = parse_source, conflicts_with_all = ["logs", "format", "source"])]
    fields: Option<String>,

    /// How the logs are written, instead of recognising it [possible values: auditd, json-lines, json-array, documents]
    #[arg(long, value_name = "FORMAT", value_parser = parse_format)]
    format: Option<Format>,

    /// The log source that JSON objects are events of, instead of recognising it
    #[arg(long, value_name = "NAME", value_parser = parse_source)]
    source: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// If a log cannot be opened or recognised, or the events cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if let Some(source) = args.fields.as_deref().and_then(|name| Catalogue::builtin().source(name)) {
        list_fields(source)?;
        return Ok(Exit::Clean);
    }
    let target = match args.shape.as_str() {
        CANONICAL => None,
        name => Some(target(name, args.templates.clone())?),
    };
    let mut projections = Projections::new(target.as_ref());
    let choice = Choice { format: args.format, source: args.source.as_deref().map(Into::into) };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut exit = Exit::Clean;
    for log in &args.logs {
        let records = reader::open(log, &choice).map_err(|error| anyhow::anyhow!("{}: {error}", log.display()))?;
        for record in records {
            match record {
                Ok(record) => projections.write(&record, &mut out)?,
                Err(damage) => {
                    exit = Exit::Findings;
                    writeln!(anstream::stderr(), "warning: {damage}")?;
                }
            }
        }
    }
    out.flush()?;
    for (source, count) in projections.unseen {
        let events = if count == 1 { "event" } else { "events" };
        writeln!(anstream::stderr(), "{count} {events} of `{source}` left out: {} has no such log source", args.shape)?;
    }
    Ok(exit)
}

/// The target called `name`.
fn target(name: &str, templates: Option<PathBuf>) -> anyhow::Result<Target> {
    let templates = templates.or_else(|| Project::find(None).and_then(|project| project.templates()));
    let mut targets = match target::load_all(templates.as_deref()) {
        Ok(targets) => targets,
        Err(problems) => {
            write!(anstream::stderr(), "{}", render::human(&problems, true))?;
            bail!("the targets cannot be used");
        }
    };
    match targets.iter().position(|target| target.name() == name) {
        Some(at) => Ok(targets.swap_remove(at)),
        None => {
            let known: Vec<&str> = [CANONICAL].into_iter().chain(targets.iter().map(Target::name)).collect();
            bail!("events cannot be written as `{name}`; there are {}", known.join(", "));
        }
    }
}

/// How the events of each log source are written.
struct Projections<'a> {
    target: Option<&'a Target>,
    by_source: BTreeMap<String, Option<Projection<'a>>>,
    /// How many events were of a source that the target does not have.
    unseen: BTreeMap<String, usize>,
}

impl<'a> Projections<'a> {
    fn new(target: Option<&'a Target>) -> Self {
        Self { target, by_source: BTreeMap::new(), unseen: BTreeMap::new() }
    }

    fn write(&mut self, record: &Record, out: &mut impl Write) -> io::Result<()> {
        let Some(target) = self.target else { return line(&record.event, out) };
        let source = record.source.to_string();
        let projection = self
            .by_source
            .entry(source.clone())
            .or_insert_with(|| Catalogue::builtin().source(&source).and_then(|source| Projection::new(target, source)));
        match projection {
            Some(projection) => line(&projection.project(&record.event), out),
            None => {
                *self.unseen.entry(source).or_default() += 1;
                Ok(())
            }
        }
    }
}

fn line(event: &Event, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// One field a line: its name, what it is, and what it means, with tabs between.
fn list_fields(source: &Source) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for field in &source.fields {
        let below = if field.open { ".*" } else { "" };
        writeln!(out, "{}{below}\t{}\t{}", field.name, field.kind.name(), field.description)?;
    }
    out.flush()
}

fn parse_format(name: &str) -> Result<Format, String> {
    name.parse()
}

pub(super) fn parse_source(name: &str) -> Result<String, String> {
    let sources = &Catalogue::builtin().sources;
    if sources.contains_key(name) {
        return Ok(name.to_owned());
    }
    let known: Vec<&str> = sources.keys().map(String::as_str).collect();
    Err(format!("there is no log source `{name}`; known are {}", known.join(", ")))
}
