//! What became of a detection's rules in one target: their state, their text, and whether they follow the change.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use super::fields;
use super::lines::{Line, Tag, compare, readable};
use super::meaning::{self, Change, Meaning};
use super::pair::Pair;
use crate::detection::Detection;
use crate::logic::Formula;
use crate::logic::decide::{Budget, Schema};
use crate::source::Catalogue;
use crate::target::compile::{Outcome, compile, word};
use crate::target::{self, PackInfo, Target};

/// What became of a detection's rules in one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetChange {
    /// The target.
    pub target: String,
    /// Per log source, in the detection's order.
    pub rules: Vec<RuleChange>,
    /// The files whose text changed.
    pub files: Vec<FileChange>,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleChange {
    /// The log source.
    pub source: String,
    /// What it was; absent if the log source was not observed.
    pub before: Option<RuleState>,
    /// What it is; absent if the log source is not observed any more.
    pub after: Option<RuleState>,
    /// Whether it follows the change of the detection.
    pub follows: Follows,
    /// What became of it in the target's own terms, where it is not exactly the detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Fields of the target that have another name now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renamed_fields: Vec<(String, String)>,
    /// What the manifest of the pack says was decided about it.
    pub verdict: Option<String>,
}

/// What a target makes of a detection in a log source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RuleState {
    /// There is a rule.
    Rule {
        /// Its language.
        language: &'static str,
        /// `wider` or `narrower`, if it is not exactly the detection.
        deviation: Option<&'static str>,
    },
    /// The target does not have the log source.
    NotApplicable,
    /// The detection is switched off for the target.
    Disabled,
    /// The target cannot say it, and the detection accepts that.
    Unsupported,
    /// It cannot be built.
    Failed {
        /// Why.
        reason: String,
    },
}

impl RuleState {
    /// The state in a few words.
    pub fn words(&self) -> String {
        match self {
            RuleState::Rule { language, deviation: None } => (*language).to_owned(),
            RuleState::Rule { language, deviation: Some(deviation) } => format!("{language}, {deviation}"),
            RuleState::NotApplicable => "not applicable".to_owned(),
            RuleState::Disabled => "off".to_owned(),
            RuleState::Unsupported => "unsupported".to_owned(),
            RuleState::Failed { .. } => "cannot be built".to_owned(),
        }
    }
}

/// Whether a target's rule follows the change of its detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Follows {
    /// The rule says exactly what the detection says now.
    Exactly,
    /// It is wider or narrower than the detection, and changed in the same direction.
    InDirection,
    /// The detection changed, and the rule did not or in another direction.
    No,
    /// There is a rule now, and there was none.
    New,
    /// There was a rule, and there is none now.
    Gone,
    /// There was no rule, and there is none.
    NoRule,
}

/// A file of a target that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileChange {
    /// Its path in the pack.
    pub file: String,
    /// Other files of the target that changed in the same lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The lines that changed, with a few around them.
    pub lines: Vec<Line>,
}

/// What is needed to compare rules.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'t> {
    /// The targets before.
    pub before: &'t [Target],
    /// The targets now.
    pub after: &'t [Target],
    /// The pack before.
    pub pack_before: &'t PackInfo,
    /// The pack now.
    pub pack_after: &'t PackInfo,
    /// The manifest now.
    pub manifest: Option<&'t Value>,
    /// The log sources.
    pub catalogue: &'t Catalogue,
    /// What a decision may cost.
    pub budget: &'t Budget,
}

/// What became of the rules of one detection; targets where nothing did are left out. `meaning` says what became of
/// the detection's condition in a log source that is observed on both sides.
pub fn compare_rules<'m>(
    pair: Pair<'_>,
    targets: &Targets<'_>,
    meaning: &dyn Fn(&str) -> Option<&'m Meaning>,
) -> Vec<TargetChange> {
    let mut names: Vec<&str> = targets.before.iter().chain(targets.after).map(Target::name).collect();
    names.sort_unstable();
    names.dedup();
    let mut changes = Vec::new();
    for name in names {
        let find = |targets: &'_ [Target]| targets.iter().position(|target| target.name() == name);
        let before = find(targets.before).and_then(|at| targets.before.get(at)).zip(pair.before);
        let after = find(targets.after).and_then(|at| targets.after.get(at)).zip(pair.after);
        let files = compare_files(before, after, targets);
        let rules = compare_states(name, before, after, targets, meaning);
        let moved = |rule: &RuleChange| rule.before != rule.after || rule.follows == Follows::No;
        if !files.is_empty() || rules.iter().any(moved) {
            changes.push(TargetChange { target: name.to_owned(), rules, files });
        }
    }
    changes
}

/// A rule, or why there is none, and what it says over the target's fields.
type Compiled = (RuleState, Option<Formula>);

fn state(target: &Target, detection: &Detection, source: &str, catalogue: &Catalogue) -> Option<Compiled> {
    let observation = detection.observation(source)?;
    Some(match compile(target, detection, observation, catalogue) {
        Ok(Outcome::Rule(rule)) => {
            let deviation = rule.accepted.as_ref().map(|accept| word(accept.deviation));
            (RuleState::Rule { language: rule.language.name(), deviation }, Some(rule.meaning()))
        }
        Ok(Outcome::NotApplicable) => (RuleState::NotApplicable, None),
        Ok(Outcome::Disabled) => (RuleState::Disabled, None),
        Ok(Outcome::Unsupported(_)) => (RuleState::Unsupported, None),
        Err(refusal) => (RuleState::Failed { reason: refusal.message() }, None),
    })
}

fn compare_states<'m>(
    name: &str,
    before: Option<(&Target, &Detection)>,
    after: Option<(&Target, &Detection)>,
    targets: &Targets<'_>,
    meaning: &dyn Fn(&str) -> Option<&'m Meaning>,
) -> Vec<RuleChange> {
    let mut sources: Vec<&str> = Vec::new();
    for (_, detection) in [after, before].into_iter().flatten() {
        for observation in &detection.observations {
            if !sources.contains(&observation.source.as_str()) {
                sources.push(&observation.source);
            }
        }
    }
    let after_detection = after.map(|(_, detection)| detection);
    let mut rules = Vec::new();
    for source in sources {
        let side = |side: Option<(&Target, &Detection)>| {
            side.and_then(|(target, detection)| state(target, detection, source, targets.catalogue))
        };
        let (before, after) = (side(before), side(after));
        let none =
            |side: &Option<Compiled>| matches!(side, None | Some((RuleState::NotApplicable | RuleState::Disabled, _)));
        if none(&before) && none(&after) {
            continue;
        }
        let formula = |side: &Option<Compiled>| side.as_ref().and_then(|(_, formula)| formula.clone());
        let exact = |side: &Option<Compiled>| matches!(side, Some((RuleState::Rule { deviation: None, .. }, _)));
        let (mut change, mut renamed_fields) = (None, Vec::new());
        let follows = match (formula(&before), formula(&after)) {
            (None, None) => Follows::NoRule,
            (None, Some(_)) => Follows::New,
            (Some(_), None) => Follows::Gone,
            (Some(was), Some(is)) => {
                renamed_fields = fields::renamed(&was, &is);
                if exact(&after) {
                    Follows::Exactly
                } else {
                    let here = meaning::compare(&was, &is, &Schema::default(), targets.budget).change();
                    change = Some(here);
                    match meaning(source).map(Meaning::change) {
                        Some(wanted) if wanted == here && here != Change::Undecided => Follows::InDirection,
                        None if here == Change::Unchanged => Follows::InDirection,
                        _ => Follows::No,
                    }
                }
            }
        };
        rules.push(RuleChange {
            source: source.to_owned(),
            before: before.map(|(state, _)| state),
            after: after.map(|(state, _)| state),
            follows,
            change,
            renamed_fields,
            verdict: after_detection.and_then(|detection| verdict(targets.manifest, name, &detection.name, source)),
        });
    }
    rules
}

/// What a manifest says was decided about a rule.
fn verdict(manifest: Option<&Value>, target: &str, detection: &str, source: &str) -> Option<String> {
    let rules = manifest?.get("rules")?.as_array()?;
    let is = |rule: &Value, key: &str, value: &str| rule.get(key).and_then(Value::as_str) == Some(value);
    let rule = rules
        .iter()
        .find(|rule| is(rule, "target", target) && is(rule, "detection", detection) && is(rule, "source", source))?;
    let verdict = rule.get("verdict")?;
    verdict.as_str().or_else(|| verdict.get("verdict")?.as_str()).map(str::to_owned)
}

/// The files that a target makes of one detection alone: what other detections put into them is not shown.
fn files(side: Option<(&Target, &Detection)>, catalogue: &Catalogue, pack: &PackInfo) -> Vec<(String, String)> {
    let Some((target, detection)) = side else { return Vec::new() };
    let built = target::build(std::slice::from_ref(target), std::slice::from_ref(detection), catalogue, pack, &|| ());
    let files = built.map(|built| built.files).unwrap_or_default();
    files.into_iter().map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned())).collect()
}

fn compare_files(
    before: Option<(&Target, &Detection)>,
    after: Option<(&Target, &Detection)>,
    targets: &Targets<'_>,
) -> Vec<FileChange> {
    let mut old = files(before, targets.catalogue, targets.pack_before);
    let new = files(after, targets.catalogue, targets.pack_after);
    // A renamed detection's files are compared with those that had the old name.
    if let (Some((_, before)), Some((_, after))) = (before, after) {
        for (path, _) in &mut old {
            if !new.iter().any(|(known, _)| known == path) {
                *path = path.replace(&before.name, &after.name);
            }
        }
    }
    let mut changes: Vec<FileChange> = Vec::new();
    let empty = String::new();
    let gone = old.iter().filter(|(path, _)| !new.iter().any(|(known, _)| known == path));
    let pairs = new
        .iter()
        .map(|(path, text)| {
            let before = old.iter().find(|(known, _)| known == path).map_or(&empty, |(_, text)| text);
            (path, before, text)
        })
        .chain(gone.map(|(path, text)| (path, text, &empty)));
    for (path, before, after) in pairs {
        if before == after {
            continue;
        }
        let lines = compare(&readable(path, before), &readable(path, after));
        changes.push(FileChange { file: path.clone(), also: Vec::new(), lines });
    }
    without_repetitions(changes)
}

/// The files without those that say nothing that others do not say: a rule that stands in a file of its own and in one
/// with all rules is shown once. The largest go first.
fn without_repetitions(mut changes: Vec<FileChange>) -> Vec<FileChange> {
    let mut order: Vec<String> = changes.iter().map(|change| change.file.clone()).collect();
    order.sort_by_key(|file| {
        std::cmp::Reverse(changes.iter().find(|change| change.file == *file).map_or(0, |change| change.lines.len()))
    });
    for file in order {
        let (mine, others): (Vec<&FileChange>, Vec<&FileChange>) =
            changes.iter().partition(|change| change.file == file);
        let said: HashSet<(Tag, &str)> = others.iter().flat_map(|change| changed(&change.lines)).collect();
        if !mine.iter().flat_map(|change| changed(&change.lines)).all(|line| said.contains(&line)) {
            continue;
        }
        changes.retain(|change| change.file != file);
        if let Some(first) = changes.first_mut() {
            first.also.push(file);
        }
    }
    changes
}

/// The changed lines alone, wherever they stand.
fn changed(lines: &[Line]) -> impl Iterator<Item = (Tag, &str)> {
    lines.iter().filter(|line| matches!(line.tag, Tag::Added | Tag::Removed)).map(|line| (line.tag, line.text.trim()))
}
