//! The threads of a hunt.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use serde::Serialize;

use super::{First, Hit, Hunter, Log, Period};
use crate::logic::{Scratch, Tape};
use crate::source::reader::{self, Batch, Choice, Damage, Found, Part, Record};

/// How many events that were parsed already are handed over at once.
const BATCH: usize = 256;

/// How a hunt is done.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What is known of the logs.
    pub choice: Choice,
    /// Which events are looked at.
    pub period: Period,
    /// Is told how many bytes of the logs were read, packed ones as they are.
    pub read: Arc<AtomicU64>,
}

/// Something that a hunt comes upon, in the order of the logs.
#[derive(Debug)]
pub enum Outcome<'d> {
    /// An event that satisfies a detection.
    Hit(Box<Hit<'d>>),
    /// A part of a log that could not be read.
    Damage(Damage),
    /// A log that could not be opened or recognised.
    Unreadable(PathBuf, io::Error),
    /// A file in a folder that is no log that is known.
    NoLog(PathBuf),
    /// So many more events were looked at.
    Looked(u64),
}

/// What a hunt amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Events that were looked at.
    pub events: u64,
    /// Events of log sources that no detection observes; among `events`.
    pub unobserved: u64,
    /// Hits that detections must match.
    pub hits: u64,
    /// Hits that they may match.
    pub may_hits: u64,
    /// Damaged parts of logs.
    pub damaged: u64,
    /// Logs that could not be opened or recognised.
    pub unreadable: u64,
    /// Files in folders that are no logs.
    pub no_logs: u64,
    /// Events that did not happen in the period that was asked for; not among `events`.
    pub out_of_period: u64,
}

/// What the reader hands to the matching threads.
enum Work {
    Lines(Batch),
    Records(Vec<Result<Record, Damage>>),
    Unreadable(PathBuf, io::Error),
    NoLog(PathBuf),
}

/// What came of one batch.
struct Done<'d> {
    outcomes: Vec<Outcome<'d>>,
    totals: Totals,
}

/// A batch, and where to send what came of it.
type Job<'d> = (Work, SyncSender<Done<'d>>);

/// Looks at all events of `logs`, one log after the other, and tells `tell` what it comes upon.
///
/// # Errors
/// What `tell` returns; the hunt then ends.
pub fn run<'d>(
    hunter: &Hunter<'d>,
    logs: &[Log],
    settings: &Settings,
    mut tell: impl FnMut(Outcome<'d>) -> io::Result<()>,
) -> io::Result<Totals> {
    let workers = thread::available_parallelism().map_or(2, NonZero::get).clamp(1, 16);
    let (jobs, todo) = sync_channel::<Job<'d>>(workers);
    // One place for each batch under way, in the order of the logs: waiting for them in turn keeps that order, and
    // the channel's size bounds how many there are.
    let (places, turns) = sync_channel::<Receiver<Done<'d>>>(4 * workers);
    let todo = Mutex::new(todo);
    thread::scope(|scope| {
        scope.spawn(move || read(logs, settings, &jobs, &places));
        let todo = &todo;
        for _ in 0..workers {
            scope.spawn(move || work(hunter, &settings.period, todo));
        }
        let mut totals = Totals::default();
        let mut told = Ok(());
        while let Ok(done) = turns.recv() {
            let Ok(done) = done.recv() else { continue };
            totals.add(&done.totals);
            told = done.outcomes.into_iter().try_for_each(&mut tell);
            if told.is_err() {
                break;
            }
        }
        // Nobody waits any more: the reader's next batch finds no place, and that ends the threads.
        drop(turns);
        told.map(|()| totals)
    })
}

/// Reads the logs until they end or nobody wants more of them.
fn read<'d>(logs: &[Log], settings: &Settings, jobs: &SyncSender<Job<'d>>, places: &SyncSender<Receiver<Done<'d>>>) {
    let hand_over = |work| {
        let (result, place) = sync_channel(1);
        places.send(place).is_ok() && jobs.send((work, result)).is_ok()
    };
    for log in logs {
        let goes_on = match reader::open_log(&log.path, &settings.choice, &settings.read) {
            Ok(reader::Log::Lines(mut lines)) => lines.all(|part| {
                hand_over(match part {
                    Part::Lines(batch) => Work::Lines(batch),
                    Part::Records(records) => Work::Records(records),
                })
            }),
            Ok(reader::Log::Records(mut records)) => loop {
                let batch: Vec<_> = records.by_ref().take(BATCH).collect();
                if batch.is_empty() {
                    break true;
                }
                if !hand_over(Work::Records(batch)) {
                    break false;
                }
            },
            Err(error) if log.found && error.kind() == io::ErrorKind::InvalidData => {
                hand_over(Work::NoLog(log.path.clone()))
            }
            Err(error) => hand_over(Work::Unreadable(log.path.clone(), error)),
        };
        if !goes_on {
            return;
        }
    }
}

/// Matches batches until there are no more.
fn work<'d>(hunter: &Hunter<'d>, period: &Period, todo: &Mutex<Receiver<Job<'d>>>) {
    let mut worker = Worker {
        hunter,
        period,
        scratch: Scratch::default(),
        tape: Tape::default(),
        found: Found::default(),
        hits: Vec::new(),
    };
    loop {
        let next = todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((work, result)) = next else { return };
        let mut done = Done { outcomes: Vec::new(), totals: Totals::default() };
        match work {
            Work::Lines(batch) => worker.lines(&batch, &mut done),
            Work::Records(records) => records.into_iter().for_each(|record| worker.record(record, &mut done)),
            Work::Unreadable(log, error) => {
                done.totals.unreadable += 1;
                done.outcomes.push(Outcome::Unreadable(log, error));
            }
            Work::NoLog(log) => {
                done.totals.no_logs += 1;
                done.outcomes.push(Outcome::NoLog(log));
            }
        }
        done.outcomes.push(Outcome::Looked(done.totals.events));
        // If nobody waits for it, the hunt has ended.
        _ = result.send(done);
    }
}

/// A thread that matches, with what it keeps for its allocations.
struct Worker<'h, 'd> {
    hunter: &'h Hunter<'d>,
    period: &'h Period,
    scratch: Scratch,
    tape: Tape,
    found: Found,
    hits: Vec<Hit<'d>>,
}

impl<'d> Worker<'_, 'd> {
    fn lines(&mut self, batch: &Batch, done: &mut Done<'d>) {
        let mut parser = batch.parser();
        batch.each(|line, number| {
            let Self { hunter, period, scratch, tape, .. } = self;
            match hunter.look_first(line, batch.source(), period, tape, scratch) {
                First::Nothing => done.totals.events += 1,
                First::Unobserved => {
                    done.totals.events += 1;
                    done.totals.unobserved += 1;
                }
                First::OutOfPeriod => done.totals.out_of_period += 1,
                First::Unclear => {
                    parser.text(line, number, &mut self.found);
                    while let Some(record) = self.found.pop_front() {
                        self.record(record, done);
                    }
                }
            }
        });
    }

    fn record(&mut self, record: Result<Record, Damage>, done: &mut Done<'d>) {
        let totals = &mut done.totals;
        match record {
            Ok(record) if !self.period.holds(record.time) => totals.out_of_period += 1,
            Ok(record) => {
                totals.events += 1;
                totals.unobserved += u64::from(!self.hunter.observes(&record.source));
                self.hunter.look(&record, &mut self.scratch, &mut self.hits);
                for hit in self.hits.drain(..) {
                    *(if hit.may { &mut totals.may_hits } else { &mut totals.hits }) += 1;
                    done.outcomes.push(Outcome::Hit(Box::new(hit)));
                }
            }
            Err(damage) => {
                totals.damaged += 1;
                done.outcomes.push(Outcome::Damage(damage));
            }
        }
    }
}

impl Totals {
    fn add(&mut self, other: &Totals) {
        self.events += other.events;
        self.unobserved += other.unobserved;
        self.hits += other.hits;
        self.may_hits += other.may_hits;
        self.damaged += other.damaged;
        self.unreadable += other.unreadable;
        self.no_logs += other.no_logs;
        self.out_of_period += other.out_of_period;
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use super::super::find;
    use super::*;
    use crate::detection::load;
    use crate::logic::{Reading, evaluate};
    use crate::project::Project;
    use crate::source::Catalogue;

    /// Several batches of events, some of them hits, one line in the middle damaged.
    fn log(events: usize, damaged_line: usize) -> String {
        let mut log = String::new();
        for id in 1..=events {
            if id == damaged_line {
                log.push_str("{\"event\": {\"id\"\n");
                continue;
            }
            let argv = match id % 7 {
                0 => vec!["docker", "run", "--privileged", "alpine"],
                3 => vec!["docker", "run", "-v", "/var/run/docker.sock:/x", "alpine"],
                _ => vec!["ls", "-l", "--privileged"],
            };
            let line = json!({
                "@timestamp": "2026-11-23T17:10:30Z",
                "event": {"id": id, "category": "process", "type": "start"},
                "user": {"name": "dev"},
                "process": {"pid": id, "name": argv[0], "args": argv, "command_line": argv.join(" ")},
            });
            _ = writeln!(log, "{line}");
        }
        log
    }

    #[test]
    fn hits_are_the_references_in_the_order_of_the_log() {
        let catalogue = Catalogue::builtin();
        let loaded = load(&Project::built_in(), catalogue);
        let detections: Vec<_> = loaded.detections.iter().collect();
        let folder = tempfile::tempdir().expect("a folder");
        let (file, none) = (folder.path().join("process.jsonl"), folder.path().join("none"));
        std::fs::write(&file, log(3000, 1501)).expect("a file");

        let mut expected = Vec::new();
        let mut damage_at = None;
        for record in reader::open(&file, &Choice::default()).expect("a log") {
            match record {
                Ok(record) => {
                    for detection in &detections {
                        for observation in detection.observations.iter().filter(|o| *o.source == *record.source) {
                            if evaluate(&observation.formula, &record.event, Reading::Must) {
                                expected.push((record.line, detection.name.clone()));
                            }
                        }
                    }
                }
                Err(damage) => damage_at = Some(damage.line),
            }
        }
        assert!(expected.len() > 800, "the built-in detections find the events: {}", expected.len());

        let hunter = Hunter::new(&detections, catalogue, false);
        let (mut hits, mut damaged, mut unreadable) = (Vec::new(), Vec::new(), 0);
        let totals = run(&hunter, &find(&[none, file]).expect("names"), &Settings::default(), |outcome| {
            match outcome {
                Outcome::Hit(hit) => {
                    assert!(!hit.selections.is_empty() && hit.event == hit.line.to_string());
                    assert_eq!(hit.user.as_deref(), Some("dev"));
                    assert!(hit.command.as_deref().is_some_and(|command| command.starts_with("docker run")));
                    hits.push((hit.line, hit.name.to_owned()));
                }
                Outcome::Damage(damage) => damaged.push(damage.line),
                Outcome::Unreadable(..) => unreadable += 1,
                Outcome::Looked(_) | Outcome::NoLog(_) => {}
            }
            Ok(())
        })
        .expect("nobody stops it");
        assert_eq!(hits, expected);
        assert_eq!((damaged, unreadable, damage_at), (vec![1501], 1, Some(1501)));
        let wanted =
            Totals { events: 2999, hits: expected.len() as u64, damaged: 1, unreadable: 1, ..Totals::default() };
        assert_eq!(totals, wanted);
    }

    #[test]
    fn a_hunt_ends_when_nobody_listens() {
        let catalogue = Catalogue::builtin();
        let loaded = load(&Project::built_in(), catalogue);
        let detections: Vec<_> = loaded.detections.iter().collect();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("process.jsonl");
        std::fs::write(&file, log(20_000, 0)).expect("a file");
        let hunter = Hunter::new(&detections, catalogue, true);
        let mut told = 0;
        let ended = run(&hunter, &find(&[file]).expect("names"), &Settings::default(), |_| {
            told += 1;
            Err(io::ErrorKind::BrokenPipe.into())
        });
        assert_eq!((ended.map_err(|error| error.kind()), told), (Err(io::ErrorKind::BrokenPipe), 1));
    }
}
