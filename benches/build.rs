//! How long a thousand detections take: from files to detections, checked, and from detections to the rules of all
//! targets. Beside each stands what cannot be spared: the same YAML and the same JSON read by a parser and nothing else.
//!
//! The thousand are the built-in detections over and over, each copy with a name, an identity and values of its own, so
//! that what is remembered of one copy is of no use for the next.
//!
//! The goal is half a second on two cores for building: one second of processor time. It is not reached. Measured on two
//! cores, November 2026: 11,560 rules in 6,573 files of 98 MB take 3.3 to 4.2 s on the clock and 5.4 s of processor time,
//! 40 times what reading the artefacts again takes. Reading a thousand files takes 0.4 s, twice a parser of YAML; deciding
//! their conditions besides takes 1.9 s. Of the building, a quarter goes into options on command lines (half of that into
//! printing parts of them for Falco until they are short enough), a sixth into prefilters, a tenth into templates.

use std::sync::Arc;

use cresset::detection::{Detection, Observation, load};
use cresset::logic::{Formula, Glob, OptionValue, Pattern, Piece, Predicate, TextSet, ValueTest};
use cresset::project::{Project, built_in_files};
use cresset::source::Catalogue;
use cresset::target::{self, Built, PackInfo};
use tempfile::TempDir;
use uuid::Uuid;

/// How many detections.
const COUNT: usize = 1000;

/// The program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// The built-in detections, over and over, with values of their own.
fn detections() -> Vec<Detection> {
    let loaded = load::load_to_match(&Project::built_in(), Catalogue::builtin());
    assert!(!loaded.has_errors(), "the built-in detections are right");
    let all = loaded.detections.iter().cycle().take(COUNT).enumerate();
    all.map(|(at, detection)| Detection {
        name: format!("{}_{at}", detection.name),
        title: format!("{} {at}", detection.title),
        id: Uuid::new_v5(&detection.id, at.to_string().as_bytes()),
        observations: detection.observations.iter().map(|one| varied(one, &format!("{at:03x}"))).collect(),
        ..detection.clone()
    })
    .collect()
}

/// An observation whose texts and paths end in `mark`.
fn varied(observation: &Observation, mark: &str) -> Observation {
    Observation { formula: varied_formula(&observation.formula, mark), ..observation.clone() }
}

fn varied_formula(formula: &Formula, mark: &str) -> Formula {
    let each = |parts: &[Formula]| parts.iter().map(|part| varied_formula(part, mark)).collect();
    match formula {
        Formula::And(parts) => Formula::And(each(parts)),
        Formula::Or(parts) => Formula::Or(each(parts)),
        Formula::AtLeast { count, of } => Formula::AtLeast { count: *count, of: each(of) },
        Formula::Not(part) => Formula::Not(Box::new(varied_formula(part, mark))),
        Formula::Element { path, body } => {
            Formula::Element { path: path.clone(), body: Box::new(varied_formula(body, mark)) }
        }
        Formula::Test(test) => {
            let mut test = test.clone();
            match &mut test.predicate {
                Predicate::Text(set) => vary(set, mark),
                Predicate::Option(option) => {
                    if let OptionValue::Given { tests, .. } = &mut Arc::make_mut(option).value {
                        for test in tests {
                            if let ValueTest::Whole(set) | ValueTest::Key(_, set) = test {
                                vary(set, mark);
                            }
                        }
                    }
                }
                _ => {}
            }
            Formula::Test(test)
        }
    }
}

fn vary(set: &mut TextSet, mark: &str) {
    let patterns = set.any.iter().map(|pattern| match pattern {
        Pattern::Path { path, below } if path != "/" => Pattern::Path { path: format!("{path}{mark}"), below: *below },
        Pattern::Path { .. } => pattern.clone(),
        // The whole of a value stays the whole of a value.
        Pattern::Regex(source) => {
            Pattern::Regex(match source.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')) {
                Some(inner) => format!("^(?:{inner}|{mark})$"),
                None => format!("(?:{source})|{mark}"),
            })
        }
        Pattern::Glob(glob) => Pattern::Glob(Glob::new(glob.pieces().iter().map(|piece| match piece {
            Piece::Literal(text) => Piece::Literal(format!("{text}{mark}")),
            other => other.clone(),
        }))),
    });
    *set = TextSet::new(patterns.collect(), set.case);
}

/// A project with as many detections, in folders of one copy of the pack each, with lists of its own.
fn project() -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let files = built_in_files();
    let yaml = |name: &str| name.ends_with(".yml") && !name.starts_with('.');
    let mut count = 0;
    for copy in 0.. {
        for (path, text) in &files {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            if !yaml(name) || (count == COUNT && name != "lists.yml") {
                continue;
            }
            let text = std::str::from_utf8(text).expect("text");
            let folder = root.path().join(format!("detections/copy_{copy:03}")).join(path.parent().expect("a folder"));
            std::fs::create_dir_all(&folder).expect("a folder");
            let (name, text) = match name {
                "lists.yml" => (name.to_owned(), varied_lists(text, &format!("{copy:03x}"))),
                _ => {
                    count += 1;
                    (format!("{}_{copy}.yml", name.trim_end_matches(".yml")), renamed(text, copy))
                }
            };
            // That a log is there is looked at, and nothing more.
            for log in text.lines().filter_map(|line| line.trim_start().strip_prefix("- log: ")) {
                let log = root.path().join("tests").join(log);
                std::fs::create_dir_all(log.parent().expect("a folder")).expect("a folder");
                std::fs::write(log, "").expect("a log");
            }
            std::fs::write(folder.join(name), text).expect("a file");
        }
        if count == COUNT {
            return root;
        }
    }
    unreachable!("there is always another copy")
}

/// A detection under another identity and title.
fn renamed(text: &str, copy: usize) -> String {
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some(("id", id)) => format!("id: {}", Uuid::new_v5(&id.parse().expect("an id"), copy.to_string().as_bytes())),
        Some(("title", title)) => format!("title: {title} {copy}"),
        _ => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect()
}

/// Lists whose paths end in `mark`.
fn varied_lists(text: &str, mark: &str) -> String {
    let lines = text.lines().map(|line| match line.trim_start().strip_prefix("- /") {
        Some(path) if !path.is_empty() => format!("{line}{mark}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// The texts of a project's detections.
fn texts(root: &TempDir) -> Vec<String> {
    let files = Project::at(root.path(), root.path()).detection_files().detections;
    files.iter().map(|file| std::fs::read_to_string(file.path.as_ref().expect("a path")).expect("a text")).collect()
}

fn build(detections: &[Detection]) -> Built {
    let targets = target::load_all(None).expect("targets");
    target::build(&targets, detections, Catalogue::builtin(), &PackInfo::default(), &|| ()).expect("a build")
}

/// Files to detections that can be compiled.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn reading_a_thousand_files(bencher: divan::Bencher<'_, '_>) {
    let root = project();
    bencher.bench(|| {
        let loaded = load::load_to_match(&Project::at(root.path(), root.path()), Catalogue::builtin());
        assert_eq!(loaded.detections.len(), COUNT, "{:?}", loaded.problems.first());
        loaded
    });
}

/// The same with all that `cresset check` looks at, and `cresset build` before it compiles: every condition is decided.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn reading_and_checking_a_thousand_files(bencher: divan::Bencher<'_, '_>) {
    let root = project();
    bencher.bench(|| {
        let loaded = load::load(&Project::at(root.path(), root.path()), Catalogue::builtin());
        assert_eq!(loaded.detections.len(), COUNT, "{:?}", loaded.problems.first());
        loaded
    });
}

/// To compare: what a parser of YAML takes for the same files, one after the other.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn to_compare_the_same_files_as_plain_yaml(bencher: divan::Bencher<'_, '_>) {
    let texts = texts(&project());
    bencher.bench(|| {
        let read = |text: &String| serde_yaml::from_str::<serde_json::Value>(text).expect("YAML");
        texts.iter().map(read).collect::<Vec<_>>()
    });
}

/// Detections in memory to the artefacts of all targets in memory.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn building_a_thousand_detections(bencher: divan::Bencher<'_, '_>) {
    let detections = detections();
    bencher.bench(|| build(&detections));
}

/// To compare: what a parser of JSON takes for the artefacts that are JSON, and a copy of all others, one after the other.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn to_compare_the_same_artefacts_read_again(bencher: divan::Bencher<'_, '_>) {
    let built = build(&detections());
    let bytes: usize = built.files.values().map(Vec::len).sum();
    let rules = built.entries.iter().filter(|entry| matches!(entry.state, target::State::Rule { .. })).count();
    eprintln!("{rules} rules in {} files, {} MB", built.files.len(), bytes / 1_000_000);
    bencher.bench(|| {
        let read = |(path, bytes): (&String, &Vec<u8>)| match path.ends_with(".json") {
            true => Ok(serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON")),
            false => Err(bytes.clone()),
        };
        built.files.iter().map(read).collect::<Vec<_>>()
    });
}
