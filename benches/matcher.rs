//! The matcher beside the reference evaluator and plain parsing, with the built-in detections over JSON lines.
//!
//! `cargo bench --bench matcher` takes the recorded logs of the tests; `CRESSET_LOGS=events.jsonl` takes another.
//! First come ratios, measured in turns so that a busy machine disturbs all alike; then the rates themselves.
#![expect(clippy::panic, reason = "a benchmark without its log has nothing to say")]

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use cresset::detection::{self, Detection};
use cresset::logic::{
    Case, Event, Formula, Glob, Matcher, Pattern, Predicate, Reading, Scratch, Tape, TextSet, evaluate,
};
use cresset::project::Project;
use cresset::source::Catalogue;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use rayon::prelude::*;

/// The log is repeated in memory up to this many lines.
const LINES: usize = 10_000;
/// How many detections of the usual kind a SOC has beside these.
const MORE: usize = 1000;
/// How often the ways are measured in turns.
const TURNS: usize = 7;
/// By the log source of a log's events, the recorded log.
const RECORDED: [(&str, &str); 2] = [
    ("process", "tests/logs/enriched/process.jsonl.zst"),
    ("kubernetes_audit", "tests/logs/kubernetes/audit.jsonl.zst"),
];

/// A log with the formulas that look at it.
struct Log {
    source: &'static str,
    lines: Vec<String>,
    formulas: Vec<(usize, &'static Formula)>,
}

static DETECTIONS: LazyLock<Vec<Detection>> =
    LazyLock::new(|| detection::load(&Project::built_in(), Catalogue::builtin()).detections);
static LOGS: LazyLock<Vec<Log>> = LazyLock::new(|| match std::env::var("CRESSET_LOGS") {
    Ok(path) => {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let source = if text.contains("audit.k8s.io/") { "kubernetes_audit" } else { "process" };
        vec![Log::new(source, &text)]
    }
    Err(_) => RECORDED
        .iter()
        .map(|(source, path)| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
            let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let text = zstd::decode_all(packed.as_slice()).expect("a packed log");
            Log::new(source, &String::from_utf8(text).expect("UTF-8"))
        })
        .collect(),
});

impl Log {
    fn new(source: &'static str, text: &str) -> Self {
        let lines: Vec<String> = text.lines().cycle().take(LINES).map(str::to_owned).collect();
        assert!(!lines.is_empty(), "the log is empty");
        let formulas = DETECTIONS
            .iter()
            .flat_map(|detection| &detection.observations)
            .filter(|observation| observation.source == source)
            .map(|observation| &observation.formula)
            .enumerate()
            .collect();
        Self { source, lines, formulas }
    }

    fn bytes(&self) -> usize {
        self.lines.iter().map(String::len).sum()
    }

    fn events(&self) -> Vec<Event> {
        self.lines.iter().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
    }
}

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.source)
    }
}

fn main() {
    // Cargo's own tests run benchmarks, too; they want none of the figures.
    if std::env::args().any(|arg| arg == "--bench") {
        LOGS.iter().for_each(ratios);
    }
    divan::main();
}

/// Measures all ways in turns and prints the best of each.
fn ratios(log: &Log) {
    let matcher = Matcher::new(&log.formulas);
    let (mut scratch, mut tape) = (Scratch::default(), Tape::default());
    let events = log.events();
    // The reference is slow: a part of the log is enough.
    let some = events.get(..events.len().min(2000)).unwrap_or_default();
    let more = more();
    let all: Vec<(usize, &Formula)> =
        log.formulas.iter().copied().chain(more.iter().map(|formula| (usize::MAX, formula))).collect();
    let among_many = Matcher::new(&all);
    let mut best = [Duration::MAX; 6];
    for _ in 0..TURNS {
        let [plain, taped, text, parsed, reference, many] = &mut best;
        time(many, || log.lines.iter().for_each(|line| _ = black_box(in_text(&among_many, line, &mut scratch))));
        time(plain, || log.lines.iter().for_each(|line| _ = black_box(serde_json::from_str::<Event>(line))));
        time(taped, || log.lines.iter().for_each(|line| assert!(black_box(tape.read(line.as_bytes())).is_some())));
        time(text, || log.lines.iter().for_each(|line| _ = black_box(in_text(&matcher, line, &mut scratch))));
        time(parsed, || events.iter().for_each(|event| _ = black_box(matcher.matches(event, &mut scratch))));
        time(reference, || {
            some.iter().for_each(|event| _ = black_box(by_reference(&log.formulas, event)));
        });
    }
    let each = |time: Duration, count: usize| time.as_secs_f64() * 1e6 / count as f64;
    let [plain, taped, text, parsed] = [best[0], best[1], best[2], best[3]].map(|time| each(time, log.lines.len()));
    let (reference, many) = (each(best[4], some.len()), each(best[5], log.lines.len()));
    let hits = log.lines.iter().filter(|line| in_text(&matcher, line, &mut scratch) > 0).count();
    println!(
        "{}: {} formulas, {} events of {} bytes, {:.1} % of them hits; microseconds per event on one core",
        log.source,
        log.formulas.len(),
        log.lines.len(),
        log.bytes() / log.lines.len(),
        100.0 * hits as f64 / log.lines.len() as f64,
    );
    println!("  serde_json alone       {plain:8.2}");
    println!("  tape alone             {taped:8.2}  {:6.1} times as fast as serde_json", plain / taped);
    println!("  text to matches        {text:8.2}  {:6.1} times as fast as serde_json alone", plain / text);
    println!("  with {MORE} more         {many:8.2}  {:6.1} times as long", many / text);
    println!("  parsed to matches      {parsed:8.2}  {:6.1} times as fast as the reference", reference / parsed);
    println!("  reference evaluator    {reference:8.2}");
    println!(
        "  text, by serde_json and reference, takes {:.1} times as long as text by the matcher",
        (plain + reference) / text
    );
}

/// Detections as Sigma's are: a program and some words of its command line.
fn more() -> Vec<Formula> {
    let texts = |path: &str, globs: Vec<Glob>| {
        let patterns = globs.into_iter().map(Pattern::Glob).collect();
        Formula::test(&path.parse().expect("a path"), Predicate::Text(TextSet::new(patterns, Case::Either)))
    };
    let one = |at: usize| {
        Formula::and([
            texts(
                "process.executable",
                vec![Glob::ends_with(format!("/tool{at}")), Glob::ends_with(format!("/t{at}x"))],
            ),
            texts(
                "process.command_line",
                vec![Glob::contains(format!(" --{at}-a")), Glob::contains(format!(" -{at} "))],
            ),
            Formula::not(texts("user.name", vec![Glob::equals("root"), Glob::equals(format!("svc-{at}"))])),
        ])
    };
    (0..MORE).map(one).collect()
}

fn time(best: &mut Duration, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    *best = start.elapsed().min(*best);
}

fn in_text(matcher: &Matcher, line: &str, scratch: &mut Scratch) -> usize {
    matcher.matches_json(line.as_bytes(), scratch).expect("JSON lines").map_or(0, |(_, matches)| matches.must.len())
}

fn by_reference(formulas: &[(usize, &Formula)], event: &Event) -> usize {
    formulas.iter().filter(|(_, formula)| evaluate(formula, event, Reading::Must)).count()
}

fn logs() -> impl Iterator<Item = &'static Log> {
    LOGS.iter()
}

/// JSON text, of which only events that match are parsed.
#[divan::bench(args = logs(), sample_count = 20)]
fn text(bencher: Bencher<'_, '_>, log: &Log) {
    let matcher = Matcher::new(&log.formulas);
    let mut scratch = Scratch::default();
    bencher
        .counter(ItemsCount::new(log.lines.len()))
        .counter(BytesCount::new(log.bytes()))
        .bench_local(|| log.lines.iter().map(|line| in_text(&matcher, line, &mut scratch)).sum::<usize>());
}

/// The same on all cores.
#[divan::bench(args = logs(), sample_count = 20)]
fn text_on_all_cores(bencher: Bencher<'_, '_>, log: &Log) {
    let matcher = Matcher::new(&log.formulas);
    bencher.counter(ItemsCount::new(log.lines.len())).counter(BytesCount::new(log.bytes())).bench_local(|| {
        let some = |scratch: &mut Scratch, lines: &[String]| {
            lines.iter().map(|line| in_text(&matcher, line, scratch)).sum::<usize>()
        };
        log.lines.par_chunks(512).map_init(Scratch::default, some).sum::<usize>()
    });
}

/// Events that are parsed already.
#[divan::bench(args = logs(), sample_count = 20)]
fn parsed(bencher: Bencher<'_, '_>, log: &Log) {
    let matcher = Matcher::new(&log.formulas);
    let mut scratch = Scratch::default();
    let events = log.events();
    bencher
        .counter(ItemsCount::new(events.len()))
        .bench_local(|| events.iter().map(|event| matcher.matches(event, &mut scratch).len()).sum::<usize>());
}
