//! The matcher beside the reference evaluator, with the built-in detections over JSON lines of processes.
//!
//! `CRESSET_LOGS=process.jsonl cargo bench --bench matcher` takes a recorded log; without it, a small one is made.
//! Compare rows of one run only: they were measured on the same machine under the same load.

use std::fmt::Write as _;
use std::sync::LazyLock;

use cresset::detection::{self, Detection};
use cresset::logic::{Event, Formula, Matcher, Reading, Scratch, Tape, evaluate};
use cresset::project::Project;
use cresset::source::Catalogue;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use rayon::prelude::*;
use serde_json::json;

/// The log is repeated in memory up to this many lines.
const LINES: usize = 20_000;

static LOG: LazyLock<String> = LazyLock::new(|| {
    let log = match std::env::var("CRESSET_LOGS") {
        Ok(path) => std::fs::read_to_string(&path).expect("the log at CRESSET_LOGS can be read"),
        Err(_) => made_up(),
    };
    let mut long = String::new();
    for line in log.lines().cycle().take(if log.is_empty() { 0 } else { LINES }) {
        _ = writeln!(long, "{line}");
    }
    long
});
static EVENTS: LazyLock<Vec<Event>> =
    LazyLock::new(|| LOG.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect());
static DETECTIONS: LazyLock<Vec<Detection>> =
    LazyLock::new(|| detection::load(&Project::built_in(), Catalogue::builtin()).detections);

/// One event in fifty starts a container, one in five hundred a privileged one.
fn made_up() -> String {
    let mut log = String::new();
    for id in 0..2000 {
        let argv = match id % 500 {
            7 => vec!["docker", "run", "--privileged", "-v", "/:/host", "alpine"],
            n if n % 50 == 3 => vec!["docker", "run", "--rm", "-v", "/srv/data:/data", "registry.example/app:1"],
            n if n % 3 == 0 => {
                vec!["/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-id", "fb12bacf9d17", "start"]
            }
            _ => vec!["/usr/bin/git", "status", "--porcelain", "--untracked-files=all"],
        };
        let event = json!({
            "@timestamp": "2026-11-23T17:10:30.412Z",
            "event": {"id": id, "category": "process", "type": "start", "action": "execve"},
            "host": {"name": "ci-7", "os": {"type": "linux"}},
            "user": {"id": 1001, "name": "dev"},
            "process": {
                "pid": 9000 + id, "ppid": 1, "name": argv.first(), "args": argv, "command_line": argv.join(" "),
                "working_directory": "/home/dev/webapp", "parent": {"name": "bash", "executable": "/usr/bin/bash"},
            },
        });
        _ = writeln!(log, "{event}");
    }
    log
}

fn formulas() -> Vec<(usize, &'static Formula)> {
    DETECTIONS
        .iter()
        .flat_map(|detection| &detection.observations)
        .filter(|observation| observation.source == "process")
        .map(|observation| &observation.formula)
        .enumerate()
        .collect()
}

fn main() {
    println!("{} formulas, {} events of {} bytes", formulas().len(), EVENTS.len(), LOG.len() / EVENTS.len().max(1));
    divan::main();
}

/// Events that are parsed already, by the reference.
#[divan::bench(sample_count = 5)]
fn reference(bencher: Bencher<'_, '_>) {
    let formulas = formulas();
    bencher.counter(ItemsCount::new(EVENTS.len())).bench_local(|| {
        EVENTS.iter().map(|e| formulas.iter().filter(|(_, f)| evaluate(f, e, Reading::Must)).count()).sum::<usize>()
    });
}

/// Events that are parsed already, by the matcher.
#[divan::bench(sample_count = 20)]
fn parsed(bencher: Bencher<'_, '_>) {
    let matcher = Matcher::new(&formulas());
    let mut scratch = Scratch::default();
    bencher
        .counter(ItemsCount::new(EVENTS.len()))
        .bench_local(|| EVENTS.iter().map(|event| matcher.matches(event, &mut scratch).len()).sum::<usize>());
}

/// What parsing alone takes.
#[divan::bench(sample_count = 10)]
fn parsing_alone(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(EVENTS.len())).counter(BytesCount::new(LOG.len())).bench_local(|| {
        LOG.lines().for_each(|line| _ = black_box(serde_json::from_str::<Event>(line)));
    });
}

/// What taking lines apart on a tape takes.
#[divan::bench(sample_count = 20)]
fn tape_alone(bencher: Bencher<'_, '_>) {
    let mut tape = Tape::default();
    bencher.counter(ItemsCount::new(EVENTS.len())).counter(BytesCount::new(LOG.len())).bench_local(|| {
        LOG.lines().for_each(|line| assert!(black_box(tape.read(line.as_bytes())).is_some()));
    });
}

/// Every line parsed and matched.
#[divan::bench(sample_count = 10)]
fn with_parsing(bencher: Bencher<'_, '_>) {
    let matcher = Matcher::new(&formulas());
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(EVENTS.len())).counter(BytesCount::new(LOG.len())).bench_local(|| {
        let event = |line: &str| serde_json::from_str::<Event>(line).expect("JSON lines");
        LOG.lines().map(|line| matcher.matches(&event(line), &mut scratch).len()).sum::<usize>()
    });
}

/// JSON text, of which only lines that hold the needed literals are parsed.
#[divan::bench(sample_count = 20)]
fn text_first(bencher: Bencher<'_, '_>) {
    let matcher = Matcher::new(&formulas());
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(EVENTS.len())).counter(BytesCount::new(LOG.len())).bench_local(|| {
        let count = |line: &str, scratch: &mut Scratch| {
            matcher.matches_json(line.as_bytes(), scratch).expect("JSON lines").map_or(0, |(_, m)| m.must.len())
        };
        LOG.lines().map(|line| count(line, &mut scratch)).sum::<usize>()
    });
}

/// The same on all cores.
#[divan::bench(sample_count = 20)]
fn text_first_all_cores(bencher: Bencher<'_, '_>) {
    let matcher = Matcher::new(&formulas());
    let lines: Vec<&str> = LOG.lines().collect();
    bencher.counter(ItemsCount::new(EVENTS.len())).counter(BytesCount::new(LOG.len())).bench_local(|| {
        lines
            .par_chunks(512)
            .map_init(Scratch::default, |scratch, lines| {
                lines
                    .iter()
                    .map(|line| {
                        matcher
                            .matches_json(line.as_bytes(), scratch)
                            .expect("JSON lines")
                            .map_or(0, |(_, m)| m.must.len())
                    })
                    .sum::<usize>()
            })
            .sum::<usize>()
    });
}
