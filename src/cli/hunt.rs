//! `cresset hunt`: all detections over raw logs.

use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

use super::hunt_report::Report;
use super::{Exit, choice, workshop};
use crate::hunt::{self, Hunter, Period, Settings};
use crate::project::Project;
use crate::source::Catalogue;
use crate::source::reader::Choice;

/// Run the detections over raw logs
///
/// Logs are recognised by their content: auditd (RAW or ENRICHED), laurel, JSON lines, Kubernetes audit,
/// `docker inspect`, Compose files, Kubernetes manifests and daemon.json; plain, gzip or zstd. Damaged lines are
/// reported and skipped. Memory does not grow with the logs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset hunt /var/log/audit/audit.log*
  cresset hunt /srv/logs --since 24h --count
  docker inspect $(docker ps -q) | cresset hunt -
  cresset hunt audit.log --detection docker_socket_mounted --format json

Exit status: 0 hunted, with hits or without, 2 could not run; with --fail-on-hit 1 if there are hits.")]
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

    /// Only events from this time on: `2026-11-23`, `2026-11-23T17:00:00Z` (UTC if it does not say), or how long ago:
    /// `90m`, `24h`, `7d`. Events that do not say when they happened are looked at all the same
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,

    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,

    /// Count the hits of each detection instead of listing them
    #[arg(long)]
    count: bool,

    /// Exit with status 1 if there are hits
    #[arg(long)]
    fail_on_hit: bool,

    /// How hits are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Also report events that a detection may match but need not
    #[arg(long)]
    may: bool,

    /// A profile [default: the `cresset.yml` found from here upwards]
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,

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
    /// One JSON object for each hit, on a line of its own.
    #[value(alias = "jsonl")]
    Json,
    /// Comma-separated values with a line of names.
    Csv,
}

/// Runs the command.
///
/// # Errors
/// If there is no such detection or log, or the hits cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let project = Project::find_or_built_in(None);
    let loaded = match workshop::to_match(&project, args.profile.as_deref()) {
        Ok(loaded) => loaded,
        Err(problems) => return super::verify::failed(&problems),
    };
    workshop::tell_broken(&loaded)?;
    let chosen = choice::tagged(&loaded.detections, &args.detection, &args.tag)?;
    let hunter = Hunter::new(&chosen, Catalogue::builtin(), args.may);
    let period = period(args.since, args.until)?;
    let choice = Choice { source: args.source.as_deref().map(Into::into), format: None };
    let settings = Settings { choice, period, ..Settings::default() };
    let logs = hunt::find(&args.logs)?;
    let mut report = Report::new(args.format, args.count, &logs, settings.read.clone());
    let totals = hunt::run(&hunter, &logs, &settings, |outcome| report.take(outcome))?;
    report.finish(&totals)?;
    Ok(if totals.unreadable > 0 {
        Exit::Failed
    } else if args.fail_on_hit && totals.hits + totals.may_hits > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    })
}

/// The time that is looked at, if there is any.
pub(super) fn period(since: Option<Timestamp>, until: Option<Timestamp>) -> anyhow::Result<Period> {
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        bail!("no time is both since {since} and until {until}");
    }
    Ok(Period { since, until })
}

/// A time, a date or how long ago.
pub(super) fn parse_time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let in_utc = |time: civil::DateTime| TimeZone::UTC.to_timestamp(time);
    if let Ok(time) = text.parse::<civil::DateTime>() {
        return in_utc(time).map_err(|error| error.to_string());
    }
    let (count, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => 0,
    };
    let ago = count
        .parse::<u32>()
        .ok()
        .filter(|_| seconds > 0)
        .map(|count| SignedDuration::from_secs(i64::from(count) * seconds));
    ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok())
        .ok_or_else(|| "write 2026-11-23, 2026-11-23T17:00:00Z, or how long ago: 90m, 24h, 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_times_or_ago() {
        let time = |text: &str| parse_time(text).map(|time| time.to_string());
        assert_eq!(time("2026-11-23").as_deref(), Ok("2026-11-23T00:00:00Z"));
        assert_eq!(time("2026-11-23T17:10").as_deref(), Ok("2026-11-23T17:10:00Z"));
        assert_eq!(time("2026-11-23T17:10:00+01:00").as_deref(), Ok("2026-11-23T16:10:00Z"));
        let ago = parse_time("36h").expect("a time").duration_until(Timestamp::now());
        assert!((ago - SignedDuration::from_hours(36)).abs() < SignedDuration::from_mins(1), "{ago}");
        for text in ["", "h", "yesterday", "-1h", "1y", "99999999999d", "5é"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
