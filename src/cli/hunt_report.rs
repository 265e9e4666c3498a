//! What `cresset hunt` prints: hits or their counts, as a table, JSON Lines or CSV; warnings, progress, the sum.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use comfy_table::{ContentArrangement, Table, presets};
use indexmap::IndexMap;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde::Serialize;
use uuid::Uuid;

use super::hunt::Format;
use crate::detection::Severity;
use crate::hunt::{Hit, Log, Outcome, Totals};
use crate::printable::one_line;

/// So many hits make one table: what is known of columns' widths must not grow with the logs.
const ROWS: usize = 500;
/// So many damaged lines are shown; the others are counted.
const SHOWN_DAMAGE: u64 = 20;
/// Progress is shown when a hunt takes longer.
const PATIENCE: Duration = Duration::from_millis(500);
/// The columns of hits as CSV.
const COLUMNS: [&str; 15] = [
    "time",
    "severity",
    "name",
    "title",
    "host",
    "user",
    "command",
    "what",
    "selections",
    "may",
    "source",
    "event",
    "file",
    "line",
    "detection",
];

/// Writes what a hunt comes upon.
pub struct Report {
    format: Format,
    out: BufWriter<io::Stdout>,
    table: Option<Table>,
    /// By detection, where hits are counted and not listed.
    counts: Option<IndexMap<Uuid, Count>>,
    has_header: bool,
    damaged: u64,
    looked: u64,
    /// Bytes of all logs, if they are known, and bytes that were read.
    size: Option<u64>,
    read: Arc<AtomicU64>,
    since: Instant,
    bar: Option<ProgressBar>,
}

/// The hits of a detection.
#[derive(Debug, Serialize)]
struct Count {
    detection: Uuid,
    name: String,
    title: String,
    severity: Severity,
    hits: u64,
    /// Hits that rules may leave out; not among `hits`.
    may_hits: u64,
}

impl Report {
    /// A report on `logs`, of which `read` says how many bytes were read; `counts` for counts instead of hits.
    pub fn new(format: Format, counts: bool, logs: &[Log], read: Arc<AtomicU64>) -> Self {
        Self {
            format,
            out: BufWriter::new(io::stdout()),
            table: None,
            counts: counts.then(IndexMap::new),
            has_header: false,
            damaged: 0,
            looked: 0,
            size: logs.iter().map(|log| log.size).sum(),
            read,
            since: Instant::now(),
            bar: None,
        }
    }

    /// Takes what comes next.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn take(&mut self, outcome: Outcome<'_>) -> io::Result<()> {
        match outcome {
            Outcome::Hit(hit) => self.hit(&hit),
            Outcome::Damage(damage) => {
                self.damaged += 1;
                if self.damaged <= SHOWN_DAMAGE {
                    self.warn(&damage.to_string())?;
                }
                Ok(())
            }
            Outcome::Unreadable(log, error) => self.warn(&format!("{}: {error}", log.display())),
            Outcome::NoLog(_) => Ok(()),
            Outcome::Looked(events) => {
                self.looked += events;
                self.show_progress();
                Ok(())
            }
        }
    }

    fn hit(&mut self, hit: &Hit<'_>) -> io::Result<()> {
        if let Some(counts) = &mut self.counts {
            let count = counts.entry(hit.detection).or_insert_with(|| Count::new(hit));
            *(if hit.may { &mut count.may_hits } else { &mut count.hits }) += 1;
            return Ok(());
        }
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut self.out, hit).map_err(io::Error::from)?;
                self.out.write_all(b"\n")?;
            }
            Format::Csv => {
                if !std::mem::replace(&mut self.has_header, true) {
                    write_csv(&mut self.out, &COLUMNS)?;
                }
                write_csv(&mut self.out, &csv_row(hit))?;
            }
            Format::Table => return self.add_row(hit),
        }
        self.flush_on_terminal()
    }

    fn add_row(&mut self, hit: &Hit<'_>) -> io::Result<()> {
        let table = self.table.get_or_insert_with(|| {
            new_table(&["severity", "detection", "time", "host", "user", "what", "selections", "event"])
        });
        let or_none = |text: Option<&str>| short(&one_line(text.unwrap_or("-")));
        let title = if hit.may { format!("{} (may)", hit.title) } else { hit.title.to_owned() };
        table.add_row([
            severity(hit.severity),
            one_line(&title),
            hit.time.map_or_else(|| "-".to_owned(), |time| time.to_string()),
            or_none(hit.host.as_deref()),
            or_none(hit.user.as_deref()),
            short(&one_line(&hit.summary())),
            hit.selections.join(", "),
            format!("{} {}\n{}:{}", hit.source, one_line(&hit.event), one_line(&hit.file), hit.line),
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

    fn write_counts(&mut self) -> io::Result<()> {
        let Some(mut counts) = self.counts.take() else { return Ok(()) };
        counts.sort_by(|_, a, _, b| (b.hits, b.may_hits).cmp(&(a.hits, a.may_hits)).then_with(|| a.name.cmp(&b.name)));
        let mut table = new_table(&["severity", "name", "detection", "hits", "may"]);
        if self.format == Format::Csv && !counts.is_empty() {
            write_csv(&mut self.out, &["severity", "name", "title", "hits", "may_hits", "detection"])?;
        }
        for count in counts.values() {
            let Count { detection, name, title, hits, may_hits, .. } = count;
            let severity = severity(count.severity);
            match self.format {
                Format::Json => {
                    serde_json::to_writer(&mut self.out, count).map_err(io::Error::from)?;
                    self.out.write_all(b"\n")?;
                }
                Format::Csv => {
                    let row = [
                        severity,
                        name.clone(),
                        title.clone(),
                        hits.to_string(),
                        may_hits.to_string(),
                        detection.to_string(),
                    ];
                    write_csv(&mut self.out, &row)?;
                }
                Format::Table => {
                    table.add_row([severity, name.clone(), one_line(title), hits.to_string(), may_hits.to_string()]);
                }
            }
        }
        if !table.is_empty() {
            self.table = Some(table);
        }
        self.write_table()
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
        let write = || writeln!(anstream::stderr(), "warning: {}", one_line(message));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn show_progress(&mut self) {
        let elapsed = self.since.elapsed();
        if self.bar.is_none() && elapsed > PATIENCE && io::stderr().is_terminal() {
            let (bar, template) = match self.size {
                Some(size) => (ProgressBar::new(size), "{bar:30} {percent}% {msg}, {eta} left"),
                None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            let rate = u128::from(self.looked) * 1000 / elapsed.as_millis().max(1);
            let rate = HumanCount(u64::try_from(rate).unwrap_or(u64::MAX));
            bar.set_message(format!("{} events, {rate}/s", HumanCount(self.looked)));
            bar.set_position(self.read.load(Ordering::Relaxed));
        }
    }

    /// Writes what is left, and the sum.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self, totals: &Totals) -> io::Result<()> {
        self.write_counts()?;
        self.write_table()?;
        self.out.flush()?;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let mut err = anstream::stderr();
        if totals.damaged > SHOWN_DAMAGE {
            writeln!(err, "warning: {} more damaged", totals.damaged - SHOWN_DAMAGE)?;
        }
        writeln!(err, "{}", Sum(totals))
    }
}

/// The totals in one line.
struct Sum<'t>(&'t Totals);

impl fmt::Display for Sum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { events, unobserved, hits, may_hits, damaged, no_logs, out_of_period, .. } = *self.0;
        write!(f, "{}: {}", counted(events, "event", "events"), counted(hits, "hit", "hits"))?;
        if may_hits > 0 {
            write!(f, ", {may_hits} more that rules may match")?;
        }
        if unobserved > 0 {
            write!(f, ", {} of log sources that no detection observes", counted(unobserved, "event", "events"))?;
        }
        if out_of_period > 0 {
            write!(f, ", {} of another time left out", counted(out_of_period, "event", "events"))?;
        }
        if damaged > 0 {
            write!(f, ", {} skipped", counted(damaged, "damaged line", "damaged lines"))?;
        }
        if no_logs > 0 {
            write!(f, ", {} left alone", counted(no_logs, "file that is no log", "files that are no logs"))?;
        }
        Ok(())
    }
}

impl Count {
    fn new(hit: &Hit<'_>) -> Self {
        let (name, title) = (hit.name.to_owned(), hit.title.to_owned());
        Self { detection: hit.detection, name, title, severity: hit.severity, hits: 0, may_hits: 0 }
    }
}

/// A terminal that does not say how wide it is, is taken to be so wide.
const WIDTH: u16 = 100;

pub(super) fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    if table.is_tty() && terminal_size::terminal_size().is_none_or(|(width, _)| width.0 == 0) {
        table.set_width(WIDTH);
    }
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.to_vec());
    table
}

/// A hit as [`COLUMNS`] have it.
fn csv_row(hit: &Hit<'_>) -> [String; COLUMNS.len()] {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        hit.time.map(|time| time.to_string()).unwrap_or_default(),
        severity(hit.severity),
        hit.name.to_owned(),
        hit.title.to_owned(),
        or_empty(&hit.host),
        or_empty(&hit.user),
        or_empty(&hit.command),
        if hit.command.is_some() { String::new() } else { hit.summary() },
        hit.selections.join(" "),
        hit.may.to_string(),
        hit.source.to_string(),
        hit.event.clone(),
        hit.file.to_string(),
        hit.line.to_string(),
        hit.detection.to_string(),
    ]
}

/// One row as RFC 4180 has it, but for the line's end.
fn write_csv<S: AsRef<str>>(out: &mut impl Write, row: &[S]) -> io::Result<()> {
    for (at, value) in row.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        let value = value.as_ref();
        if value.contains(['"', ',', '\n', '\r']) {
            write!(out, "\"{}\"", value.replace('"', "\"\""))?;
        } else {
            out.write_all(value.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

fn severity(severity: Severity) -> String {
    format!("{severity:?}").to_lowercase()
}

/// A number with what it counts.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The beginning and the end of a text that would make a table as wide as itself; JSON and CSV have all of it.
fn short(text: &str) -> String {
    const BEGINNING: usize = 240;
    const END: usize = 60;
    let length = text.chars().count();
    if length <= BEGINNING + END {
        return text.to_owned();
    }
    let beginning = text.chars().take(BEGINNING);
    let left_out = format!(" [… {} characters …] ", length - BEGINNING - END);
    beginning.chain(left_out.chars()).chain(text.chars().skip(length - END)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_no_wider_than_somebody_reads() {
        assert_eq!(short(&"é".repeat(300)), "é".repeat(300));
        let long = short(&format!("docker run -e {} --privileged alpine", "A".repeat(9000)));
        assert!(long.starts_with("docker run -e AAA") && long.ends_with("A --privileged alpine"), "{long}");
        assert!(long.contains(" [… 8734 characters …] ") && long.chars().count() < 330, "{long}");
    }

    #[test]
    fn csv_quotes_what_would_break_it() {
        let mut out = Vec::new();
        write_csv(&mut out, &["a", "b,c", "say \"x\"", "two\nlines", ""]).expect("memory");
        assert_eq!(String::from_utf8_lossy(&out), "a,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\",\n");
    }

    #[test]
    fn terminals_are_not_told_what_to_do() {
        assert_eq!(one_line("a\u{1b}[31mb\u{202e}é"), "a\\u{1b}[31mb\\u{202e}é");
    }

    #[test]
    fn the_sum_names_what_was_left_out() {
        let totals = Totals { events: 1, hits: 2, damaged: 1, no_logs: 2, out_of_period: 3, ..Totals::default() };
        let expected = "1 event: 2 hits, 3 events of another time left out, 1 damaged line skipped, \
                        2 files that are no logs left alone";
        assert_eq!(Sum(&totals).to_string(), expected);
    }
}
