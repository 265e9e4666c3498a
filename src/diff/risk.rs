//! Changes that a reviewer must not overlook.

use std::sync::Arc;

use serde::Serialize;

use super::meaning::{Meaning, Moved};
use super::metadata::KeyChange;
use super::pair::Pair;
use super::tests::TestChange;
use super::{Cause, SourceChange, SourceState, fields};
use crate::detection::{Detection, Observation, Severity, check};
use crate::logic::decide::{Answer, Budget, Satisfiability, Schema, implies, satisfiable};
use crate::logic::{Formula, Reading};

/// A change that a reviewer must not overlook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// Which kind.
    pub kind: RiskKind,
    /// The log source that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What happened, in one sentence.
    pub message: String,
}

/// A kind of risky change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RiskKind {
    /// The detection can no longer match anything.
    NeverMatches,
    /// An exception leaves nothing of what it is an exception from.
    Swallowed,
    /// The detection is gone.
    Removed,
    /// A log source is no longer observed.
    SourceRemoved,
    /// The detection has another id.
    IdChanged,
    /// Rules have another name.
    RuleRenamed,
    /// The severity is lower.
    SeverityLowered,
    /// The logic changed and the version did not rise.
    Version,
    /// A field has another name.
    FieldRenamed,
    /// Tests are gone or ask for less.
    TestsWeakened,
    /// A target has no rule any more.
    RuleGone,
}

impl RiskKind {
    /// Whether it is probably a mistake, not only worth a look.
    pub fn is_grave(self) -> bool {
        matches!(self, RiskKind::NeverMatches | RiskKind::Swallowed | RiskKind::IdChanged | RiskKind::Version)
    }
}

/// The risky changes of one detection; `by_profile` if it is on one side only because of a profile.
pub fn risks(
    pair: Pair<'_>,
    by_profile: bool,
    metadata: &[KeyChange],
    sources: &[SourceChange],
    tests: &TestChange,
    schema: &dyn Fn(&str) -> Arc<Schema>,
    budget: &Budget,
) -> Vec<Risk> {
    let mut risks = Vec::new();
    let (before, after) = match (pair.before, pair.after) {
        (Some(before), Some(after)) => (before, after),
        (Some(_), None) => {
            risks.push(Risk {
                kind: RiskKind::Removed,
                source: None,
                message: match by_profile {
                    true => "the profile leaves the detection out now; nothing finds what it found".to_owned(),
                    false => "the detection was removed; nothing finds what it found".to_owned(),
                },
            });
            return risks;
        }
        (None, Some(after)) => {
            for observation in &after.observations {
                never_matches(None, observation, &schema(&observation.source), budget, &mut risks);
            }
            return risks;
        }
        (None, None) => return risks,
    };
    for source in sources {
        let name = source.source.as_str();
        match source.state {
            SourceState::Removed => risks.push(Risk {
                kind: RiskKind::SourceRemoved,
                source: Some(name.to_owned()),
                message: match source.causes.contains(&Cause::Profile) {
                    true => format!("`{name}` is no longer observed, by the profile"),
                    false => format!("`{name}` is no longer observed"),
                },
            }),
            SourceState::Added | SourceState::Both => {
                if let Some(observation) = after.observation(name) {
                    never_matches(before.observation(name), observation, &schema(name), budget, &mut risks);
                }
            }
        }
        if let (Some(was), Some(is)) = (before.observation(name), after.observation(name)) {
            for (old, new) in fields::renamed(&was.formula, &is.formula) {
                risks.push(Risk {
                    kind: RiskKind::FieldRenamed,
                    source: Some(name.to_owned()),
                    message: format!("the field `{old}` is now called `{new}`; do the logs of every target have it?"),
                });
            }
        }
    }
    identity(before, after, metadata, &mut risks);
    version(before, after, sources, &mut risks);
    if !tests.removed.is_empty() {
        let count = tests.removed.len();
        risks.push(Risk {
            kind: RiskKind::TestsWeakened,
            source: None,
            message: format!(
                "{count} {} of the tests {} gone",
                if count == 1 { "expectation" } else { "expectations" },
                if count == 1 { "is" } else { "are" },
            ),
        });
    }
    risks
}

fn identity(before: &Detection, after: &Detection, metadata: &[KeyChange], risks: &mut Vec<Risk>) {
    if before.id != after.id {
        risks.push(Risk {
            kind: RiskKind::IdChanged,
            source: None,
            message: format!(
                "the id changed from {} to {}: deployed rules stay behind, and the new ones know nothing of their \
                 exceptions and history",
                before.id, after.id
            ),
        });
    }
    if before.title != after.title {
        let by_profile = metadata.iter().any(|change| change.key == "title" && change.by_profile);
        let by = if by_profile { ", by the profile" } else { "" };
        risks.push(Risk {
            kind: RiskKind::RuleRenamed,
            source: None,
            message: format!(
                "rules have another name{by}: what was enabled or tuned by it (a saved search in Splunk, a rule in \
                 Falco) stays with the old one"
            ),
        });
    }
    if before.name != after.name {
        risks.push(Risk {
            kind: RiskKind::RuleRenamed,
            source: None,
            message: format!(
                "macros for local exceptions are named after `{}` now: those of `{}` are no longer asked",
                after.name, before.name
            ),
        });
    }
    let mut lowered = |place: &str, was: Severity, is: Severity| {
        let by_profile = metadata.iter().any(|change| change.key == "severity" && change.by_profile);
        let by = if by_profile { " by the profile" } else { "" };
        if is < was {
            risks.push(Risk {
                kind: RiskKind::SeverityLowered,
                source: None,
                message: format!(
                    "the severity{place} was lowered{by} from {was} to {is}",
                    was = was.name(),
                    is = is.name()
                ),
            });
        }
    };
    lowered("", before.severity, after.severity);
    let here = |detection: &Detection, target: &str| {
        detection.targets.get(target).and_then(|settings| settings.severity).unwrap_or(detection.severity)
    };
    let mut targets: Vec<&String> = before.targets.keys().chain(after.targets.keys()).collect();
    targets.sort_unstable();
    targets.dedup();
    for target in targets {
        let own = |detection: &Detection| detection.targets.get(target).and_then(|settings| settings.severity);
        if own(before).is_some() || own(after).is_some() {
            lowered(&format!(" in {target}"), here(before, target), here(after, target));
        }
    }
}

fn version(before: &Detection, after: &Detection, sources: &[SourceChange], risks: &mut Vec<Risk>) {
    let mut push = |message: String| {
        risks.push(Risk { kind: RiskKind::Version, source: None, message });
    };
    let (was, is) = (before.version, after.version);
    if is < was {
        push(format!("the version fell from {was} to {is}"));
        return;
    }
    if is > was || before.id != after.id {
        return;
    }
    // Profiles and exceptions have no say in a detection's version.
    let sources = || sources.iter().filter(|source| source.causes.contains(&Cause::Detection));
    let own = |source: &SourceChange| source.own.clone().or_else(|| source.meaning.clone());
    let changed = |source: &SourceChange| match (&source.state, own(source)) {
        (SourceState::Both, Some(meaning)) => !meaning.is_unchanged() && !maybe(&meaning),
        (SourceState::Both, None) => false,
        _ => true,
    };
    if sources().any(changed) {
        push(format!("the logic changed, and the version is still {is}"));
    } else if sources().any(|source| own(source).as_ref().is_some_and(maybe)) {
        push(format!("the logic may have changed (it could not be decided), and the version is still {is}"));
    }
}

/// Whether no event is known to change sides, and it is not certain that none does.
fn maybe(meaning: &Meaning) -> bool {
    let sides = [&meaning.must, &meaning.may];
    let moved = sides.iter().flat_map(|sides| [&sides.gained, &sides.lost]);
    sides.iter().any(|sides| sides.reason().is_some())
        && !moved.into_iter().any(|moved| matches!(moved, Moved::Some { .. }))
}

/// Whether the condition cannot match anything, or one of its exceptions leaves nothing, when that was not so before.
fn never_matches(
    before: Option<&Observation>,
    after: &Observation,
    schema: &Schema,
    budget: &Budget,
    risks: &mut Vec<Risk>,
) {
    let never = |formula: &Formula| {
        check::is_decided(formula) && satisfiable(formula, Reading::Must, schema, budget) == Satisfiability::Unsat
    };
    let meaning = after.meaning();
    if before.is_some_and(|before| before.meaning() == meaning) {
        return;
    }
    let dead = never(&meaning);
    if dead && before.is_some_and(|before| never(&before.meaning())) {
        return;
    }
    let mut swallowed = Vec::new();
    if dead && !after.exceptions.is_empty() && !never(&after.formula) {
        let whole = after.exceptions.iter().find(|excepted| never(&after.without([*excepted].into_iter())));
        swallowed.push(whole.map(|excepted| excepted.name.clone()));
    }
    conjunctions(&after.formula, &mut |parts| {
        let (exceptions, rest): (Vec<&Formula>, Vec<&Formula>) =
            parts.iter().partition(|part| matches!(part, Formula::Not(_)));
        if exceptions.is_empty() || rest.is_empty() {
            return;
        }
        let mut known = false;
        if let Some(before) = before {
            conjunctions(&before.formula, &mut |old| known |= old == parts);
        }
        let rest = Formula::and(rest.into_iter().cloned());
        if known || never(&rest) || !never(&Formula::and(parts.iter().cloned())) {
            return;
        }
        let whole = exceptions.iter().find_map(|exception| match exception {
            Formula::Not(inner) => {
                let all = implies(&rest, Reading::Must, inner, Reading::May, schema, budget) == Answer::Holds;
                all.then(|| name(after, inner))
            }
            _ => None,
        });
        swallowed.push(whole.flatten());
    });
    for name in &swallowed {
        let exception = match name {
            Some(name) => format!("the exception `{name}` covers"),
            None => "the exceptions together cover".to_owned(),
        };
        let what = if dead { "everything that the detection finds" } else { "a whole alternative of the condition" };
        risks.push(Risk {
            kind: RiskKind::Swallowed,
            source: Some(after.source.clone()),
            message: format!("{exception} {what}"),
        });
    }
    if dead {
        risks.push(Risk {
            kind: RiskKind::NeverMatches,
            source: Some(after.source.clone()),
            message: format!("no event of `{}` can match any more", after.source),
        });
    }
}

/// The selection that an exception is: of several that say the same, the one that the condition negates.
fn name(observation: &Observation, part: &Formula) -> Option<String> {
    let words: Vec<&str> = observation
        .condition
        .split(|c: char| c.is_whitespace() || "()".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let negated = |name: &str| words.windows(2).any(|pair| pair == ["not", name]);
    let same = || observation.selections.iter().filter(|(_, formula)| *formula == part).map(|(name, _)| name);
    same().find(|name| negated(name)).or_else(|| same().next()).cloned()
}

/// Calls `visit` with the parts of every conjunction that makes the formula true by itself.
fn conjunctions(formula: &Formula, visit: &mut dyn FnMut(&[Formula])) {
    match formula {
        Formula::And(parts) => {
            visit(parts);
            parts.iter().for_each(|part| conjunctions(part, visit));
        }
        Formula::Or(parts) | Formula::AtLeast { of: parts, .. } => {
            parts.iter().for_each(|part| conjunctions(part, visit));
        }
        Formula::Element { body, .. } => {
            // What holds within an object is asked of whole events: the same paths, one step up.
            conjunctions(body, visit);
        }
        Formula::Not(_) | Formula::Test(_) => {}
    }
}
