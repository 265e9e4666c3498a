//! `cresset hunt`: all detections over raw logs.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Exit, check};
use crate::detection::Detection;
use crate::hunt::{self, Hit, Hunter, Outcome, Totals};
use crate::source::Catalogue;
use crate::source::reader::Choice;

/// Run the detections over raw logs
///
/// Logs are recognised by their content: auditd (RAW or ENRICHED), laurel, JSON lines, Kubernetes audit,
/// `docker inspect`, Compose files, Kubernetes manifests and daemon.json; plain, gzip or zstd. Damaged lines are
/// reported and skipped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset hunt /var/log/audit/audit.log*
  docker inspect $(docker ps -q) | cresset hunt -
  cresset hunt audit.log --detection docker_socket_mounted --format jsonl

Exit status: 0 hunted, with hits or without, 2 could not run; with --fail-on-hit 1 if there are hits.")]
pub struct Args {
    /// Logs to read; `-` is standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,

    /// Only this detection, by its id or name; may be repeated
    #[arg(long, value_name = "ID|NAME")]
    detection: Vec<String>,

    /// Exit with status 1 if there are hits
    #[arg(long)]
    fail_on_hit: bool,

    /// How hits are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Also report events that a detection may match but need not
    #[arg(long)]
    may: bool,

    /// The log source that JSON objects are events of, instead of recognising it
    #[arg(long, value_name = "NAME", value_parser = super::events::parse_source)]
    source: Option<String>,
}

/// How hits are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON object for each hit.
    Jsonl,
}

/// So many hits make one table: what is known of columns' widths must not grow with the logs.
const ROWS: usize = 500;
/// So many damaged lines are shown; the others are counted.
const SHOWN_DAMAGE: u64 = 20;
/// Progress is shown when a hunt takes longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Runs the command.
///
/// # Errors
/// If there is no such detection, or the hits cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let (loaded, _) = check::load_paths(&[])?;
    let broken = loaded.problems.iter().filter(|problem| problem.is_error()).count();
    if broken > 0 {
        let errors = counted(broken as u64, "error", "errors");
        writeln!(anstream::stderr(), "warning: {errors} in detections; `cresset check` shows what is left out")?;
    }
    let chosen = choose(&loaded.detections, &args.detection)?;
    let hunter = Hunter::new(&chosen, Catalogue::builtin(), args.may);
    let choice = Choice { source: args.source.as_deref().map(Into::into), format: None };
    let mut report = Report::new(args.format);
    let totals = hunt::run(&hunter, &args.logs, &choice, |outcome| report.take(outcome))?;
    report.finish(&totals)?;
    Ok(if totals.unreadable > 0 {
        Exit::Failed
    } else if args.fail_on_hit && totals.hits + totals.may_hits > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    })
}

/// The detections with these ids or names; all of them if none are asked for.
fn choose<'d>(all: &'d [Detection], wanted: &[String]) -> anyhow::Result<Vec<&'d Detection>> {
    let is = |detection: &Detection, wanted: &str| {
        detection.name == wanted || detection.id.to_string().eq_ignore_ascii_case(wanted)
    };
    if let Some(unknown) = wanted.iter().find(|wanted| !all.iter().any(|detection| is(detection, wanted))) {
        let near = all
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(&a.name, unknown).total_cmp(&strsim::jaro_winkler(&b.name, unknown)));
        match near {
            Some(near) => bail!("there is no detection `{unknown}`; did you mean `{}`?", near.name),
            None => bail!("there is no detection `{unknown}`, nor any other"),
        }
    }
    if all.is_empty() {
        bail!("there are no detections to hunt with");
    }
    Ok(all.iter().filter(|detection| wanted.is_empty() || wanted.iter().any(|wanted| is(detection, wanted))).collect())
}

/// Writes what a hunt comes upon.
struct Report {
    format: Format,
    out: BufWriter<io::Stdout>,
    table: Option<Table>,
    damaged: u64,
    looked: u64,
    since: Instant,
    bar: Option<ProgressBar>,
}

impl Report {
    fn new(format: Format) -> Self {
        Self {
            format,
            out: BufWriter::new(io::stdout()),
            table: None,
            damaged: 0,
            looked: 0,
            since: Instant::now(),
            bar: None,
        }
    }

    fn take(&mut self, outcome: Outcome<'_>) -> io::Result<()> {
        match outcome {
            Outcome::Hit(hit) => match self.format {
                Format::Jsonl => {
                    serde_json::to_writer(&mut self.out, &hit).map_err(io::Error::from)?;
                    self.out.write_all(b"\n")?;
                    self.flush_on_terminal()
                }
                Format::Table => self.add_row(&hit),
            },
            Outcome::Damage(damage) => {
                self.damaged += 1;
                if self.damaged <= SHOWN_DAMAGE {
                    self.warn(&damage.to_string())?;
                }
                Ok(())
            }
            Outcome::Unreadable(log, error) => self.warn(&format!("{}: {error}", log.display())),
            Outcome::Looked(events) => {
                self.looked += events;
                self.show_progress();
                Ok(())
            }
        }
    }

    fn add_row(&mut self, hit: &Hit<'_>) -> io::Result<()> {
        let table = self.table.get_or_insert_with(new_table);
        let or_none = |text: Option<&str>| printable(text.unwrap_or("-"));
        let title = if hit.may { format!("{} (may)", hit.title) } else { hit.title.to_owned() };
        table.add_row([
            severity(hit),
            printable(&title),
            hit.time.map_or_else(|| "-".to_owned(), |time| time.to_string()),
            or_none(hit.host.as_deref()),
            or_none(hit.user.as_deref()),
            printable(&hit.summary()),
            hit.selections.join(", "),
            format!("{} {}\n{}:{}", hit.source, printable(&hit.event), printable(&hit.file), hit.line),
        ]);
        if table.row_count() >= ROWS { self.write_table() } else { Ok(()) }
    }

    fn write_table(&mut self) -> io::Result<()> {
        let Some(table) = self.table.take() else { return Ok(()) };
        let Self { out, bar, .. } = self;
        let mut write = || {
            writeln!(out, "{table}")?;
            out.flush()
        };
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn flush_on_terminal(&mut self) -> io::Result<()> {
        if !io::stdout().is_terminal() {
            return Ok(());
        }
        let Self { out, bar, .. } = self;
        match bar {
            Some(bar) => bar.suspend(|| out.flush()),
            None => out.flush(),
        }
    }

    fn warn(&self, message: &str) -> io::Result<()> {
        let write = || writeln!(anstream::stderr(), "warning: {}", printable(message));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn show_progress(&mut self) {
        if self.bar.is_none() && self.since.elapsed() > PATIENCE && io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} events, {per_sec}") {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.looked);
        }
    }

    fn finish(mut self, totals: &Totals) -> io::Result<()> {
        self.write_table()?;
        self.out.flush()?;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let mut err = anstream::stderr();
        if totals.damaged > SHOWN_DAMAGE {
            writeln!(err, "warning: {} more damaged", totals.damaged - SHOWN_DAMAGE)?;
        }
        write!(err, "{}: ", counted(totals.events, "event", "events"))?;
        write!(err, "{}", counted(totals.hits, "hit", "hits"))?;
        if totals.may_hits > 0 {
            write!(err, ", {} more that rules may match", totals.may_hits)?;
        }
        if totals.unobserved > 0 {
            write!(
                err,
                ", {} of log sources that no detection observes",
                counted(totals.unobserved, "event", "events")
            )?;
        }
        if totals.damaged > 0 {
            write!(err, ", {} skipped", counted(totals.damaged, "damaged line", "damaged lines"))?;
        }
        writeln!(err)
    }
}

fn new_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic).set_header([
        "severity",
        "detection",
        "time",
        "host",
        "user",
        "what",
        "selections",
        "event",
    ]);
    table
}

fn severity(hit: &Hit<'_>) -> String {
    format!("{:?}", hit.severity).to_lowercase()
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The text without what a terminal would obey: logs hold what attackers write.
fn printable(text: &str) -> String {
    let obeyed = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().flat_map(|c| if obeyed(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}
