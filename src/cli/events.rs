//! `cresset events`: raw logs as canonical events, one JSON object for each line.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use super::Exit;
use crate::source::reader::{self, Choice, Format};
use crate::source::{Catalogue, Source};

/// Print the events of raw logs as JSON lines
///
/// What a log is, is recognised by its content: auditd (RAW or ENRICHED), laurel, JSON lines, Kubernetes audit,
/// `docker inspect`, Compose files, Kubernetes manifests and daemon.json; plain, gzip or zstd.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cresset events /var/log/audit/audit.log\n  docker inspect $(docker ps -q) | cresset events -"
)]
pub struct Args {
    /// Logs to read; `-` is standard input
    #[arg(required_unless_present = "fields", value_name = "LOG")]
    logs: Vec<PathBuf>,

    /// What the events are written as
    #[arg(long = "as", value_name = "SHAPE", value_enum, default_value_t = Shape::Canonical)]
    shape: Shape,

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

/// What events are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// With the fields that detections name.
    Canonical,
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
    let choice = Choice { format: args.format, source: args.source.as_deref().map(Into::into) };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut exit = Exit::Clean;
    for log in &args.logs {
        let records = reader::open(log, &choice).map_err(|error| anyhow::anyhow!("{}: {error}", log.display()))?;
        for record in records {
            match record {
                Ok(record) => match args.shape {
                    Shape::Canonical => {
                        serde_json::to_writer(&mut out, &record.event).map_err(io::Error::from)?;
                        out.write_all(b"\n")?;
                    }
                },
                Err(damage) => {
                    exit = Exit::Findings;
                    writeln!(anstream::stderr(), "warning: {damage}")?;
                }
            }
        }
    }
    out.flush()?;
    Ok(exit)
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
