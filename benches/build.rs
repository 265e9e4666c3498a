//! How long a thousand detections take to become the rules of all targets.

use std::sync::Arc;

use cresset::detection::{Detection, Observation, load};
use cresset::logic::{Formula, Glob, OptionValue, Pattern, Piece, Predicate, TextSet, ValueTest};
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, PackInfo};
use uuid::Uuid;

fn main() {
    divan::main();
}

/// The built-in detections, over and over, each copy with a name, an identity and values of its own: what is remembered
/// of one copy is of no use for the next.
fn detections(count: usize) -> Vec<Detection> {
    let loaded = load::load_to_match(&Project::built_in(), Catalogue::builtin());
    assert!(!loaded.has_errors(), "the built-in detections are right");
    let all = loaded.detections.iter().cycle().take(count).enumerate();
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
        Pattern::Regex(source) => Pattern::Regex(format!("(?:{source})|{mark}")),
        Pattern::Glob(glob) => Pattern::Glob(Glob::new(glob.pieces().iter().map(|piece| match piece {
            Piece::Literal(text) => Piece::Literal(format!("{text}{mark}")),
            other => other.clone(),
        }))),
    });
    *set = TextSet::new(patterns.collect(), set.case);
}

/// What reading the built-in detections takes, without deciding them.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn reading_the_pack(bencher: divan::Bencher<'_, '_>) {
    bencher.bench(|| load::load_to_match(&Project::built_in(), Catalogue::builtin()));
}

/// Detections in memory into artefacts in memory.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn thousand_detections(bencher: divan::Bencher<'_, '_>) {
    let detections = detections(1000);
    let targets = target::load_all(None).expect("targets");
    bencher.bench(|| {
        target::build(&targets, &detections, Catalogue::builtin(), &PackInfo::default(), &|| ()).expect("a build")
    });
}
