//! What Splunk's index is asked before `where` decides loses no event that the rule matches.

use std::path::Path;
use std::time::Duration;

use cresset::detection::load;
use cresset::language::{Language, spl};
use cresset::logic::decide::{Answer, Budget, Schema, implies};
use cresset::logic::{Formula, Predicate, Reading, Test, TextSet};
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, Outcome};

#[test]
fn the_prefilter_of_every_rule_of_the_pack_follows_from_the_rule() {
    let project = Project::find(Some(Path::new(env!("CARGO_MANIFEST_DIR")))).expect("a project");
    let catalogue = Catalogue::builtin();
    let detections = load::load(&project, catalogue).detections;
    let targets = target::load_all(None).expect("targets");
    let splunk = targets.iter().find(|target| target.name() == "splunk").expect("Splunk");
    let mut without = Vec::new();
    for detection in &detections {
        for observation in &detection.observations {
            let Ok(Outcome::Rule(rule)) = target::compile(splunk, detection, observation, catalogue) else { continue };
            if rule.language != Language::SplWhere {
                assert!(rule.prefilter.is_none(), "{}: `search` says all of it already", detection.name);
                continue;
            }
            let Some((prefilter, text)) = rule.prefilter else {
                // There are few configuration files; of the others there are millions of events.
                if matches!(observation.source.as_str(), "process" | "kubernetes_audit") {
                    without.push(format!("{} in {}", detection.name, observation.source));
                }
                continue;
            };
            // What is proved is what the text says, not what it was meant to say.
            let read = spl::read::read_condition(&text, &rule.table).expect("terms of `search`");
            for said in [&prefilter, &read] {
                assert!(follows(&rule.formula, said), "{} in {}: {text}", detection.name, observation.source);
            }
        }
    }
    assert_eq!(without, Vec::<String>::new(), "these rules read every event of their log source");
}

/// Whether every match of `rule` satisfies `prefilter`: decided part by part, because the whole of a large rule takes
/// long.
fn follows(rule: &Formula, prefilter: &Formula) -> bool {
    if let Formula::And(parts) = prefilter {
        return parts.iter().all(|part| follows(rule, part));
    }
    match rule {
        Formula::Or(parts) => parts.iter().all(|part| follows(part, prefilter)),
        Formula::And(parts) if parts.iter().any(|part| follows(part, prefilter)) => true,
        Formula::Test(Test { subject, predicate: Predicate::Text(set), origin }) if set.any.len() > 1 => {
            set.any.iter().all(|pattern| {
                let predicate = Predicate::Text(TextSet::new(vec![pattern.clone()], set.case));
                follows(&Formula::Test(Test { subject: subject.clone(), predicate, origin: *origin }), prefilter)
            })
        }
        rule => {
            let budget = Budget { time: Duration::from_secs(300), ..Budget::default() };
            let answer = implies(rule, Reading::May, prefilter, Reading::Must, &Schema::default(), &budget);
            assert!(!matches!(answer, Answer::Undecided(_)), "{answer:?}: {rule:?}");
            answer == Answer::Holds
        }
    }
}
