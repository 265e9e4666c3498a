//! What a change means: the detections of two sides compared by their logic, not by their text.
//!
//! [`revision`] finds the sides, [`side`] reads them, [`compare`] compares them, [`show`] tells what came out.

pub mod edits;
pub mod fields;
pub mod gate;
pub(crate) mod git;
pub mod lines;
pub mod meaning;
pub mod metadata;
mod minimal;
pub mod pair;
pub mod recorded;
pub mod revision;
pub mod risk;
pub mod rules;
mod sample;
pub mod show;
pub mod side;
pub mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::detection::{Detection, Excepted, Observation};
use crate::logic::Formula;
use crate::logic::decide::{Budget, Schema};
use crate::source::{Catalogue, Source};
use edits::Pack;
use meaning::{Change, Meaning};
use metadata::KeyChange;
use pair::Pair;
use recorded::{Logs, Question, Recorded};
use risk::{Risk, RiskKind};
use rules::{Follows, TargetChange, Targets};
use side::{Broken, Side};
use tests::TestChange;

/// Everything that there is to say about a change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// What was.
    pub base: About,
    /// What is.
    pub head: About,
    /// Detections about which anything changed, by name.
    pub detections: Vec<DetectionChange>,
    /// How many did not change.
    pub unchanged: usize,
    /// The committed pack.
    pub pack: Pack,
    /// The recorded logs that were replayed.
    pub logs: Logs,
    /// Remarks on what could not be compared.
    pub notes: Vec<String>,
}

/// One side.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct About {
    /// What it is called.
    pub name: String,
    /// The commit, if it is one.
    pub commit: Option<String>,
    /// How many detections it has.
    pub detections: usize,
    /// Detections with errors.
    pub broken: Vec<Broken>,
    /// Errors that belong to no detection.
    pub faults: Vec<String>,
}

/// Whether a detection is on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is on both sides.
    Changed,
}

/// What became of a detection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectionChange {
    /// Its short name now; what it was if it is gone.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its id.
    pub id: Uuid,
    /// Its file, relative to the project; where it was if it is gone.
    pub file: String,
    /// Whether it is on both sides.
    pub state: State,
    /// Whether it is on one side only because the profile leaves it out on the other.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_profile: bool,
    /// What it was called, if it has another name now.
    pub renamed_from: Option<String>,
    /// Its version before and now.
    pub version: [Option<u32>; 2],
    /// Whether one side has errors in it.
    pub broken: bool,
    /// Keys apart from the logic.
    pub metadata: Vec<KeyChange>,
    /// Log sources whose condition was written anew, added or removed.
    pub sources: Vec<SourceChange>,
    /// Its tests.
    pub tests: TestChange,
    /// Its rules in the targets.
    pub targets: Vec<TargetChange>,
    /// What stands out.
    pub risks: Vec<Risk>,
    /// Lines to point at, by what they are about: `id`, `version`, `severity`, `observe.<source>`, …
    #[serde(skip)]
    pub places: Vec<(String, usize)>,
}

/// Whether a log source is observed on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// It is observed now.
    Added,
    /// It is no longer observed.
    Removed,
    /// On both sides.
    Both,
}

/// What became of the condition in one log source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceChange {
    /// The log source.
    pub source: String,
    /// Whether it is observed on both sides.
    pub state: SourceState,
    /// What became of the condition, in a word.
    pub change: Option<meaning::Change>,
    /// Whether only what rules may match changed.
    pub only_may: bool,
    /// The same with events; absent if the log source is not observed on both sides.
    pub meaning: Option<Meaning>,
    /// What made the change.
    pub causes: Vec<Cause>,
    /// What became of the detection's own condition, if exceptions changed beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<Meaning>,
    /// Exceptions that came, went or are about other events now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionChange>,
    /// Recorded events that change sides.
    pub recorded: Recorded,
}

/// What makes a change of logic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The detection was written anew, or its lists.
    Detection,
    /// The profile sees it otherwise.
    Profile,
    /// Exceptions changed.
    Exceptions,
}

/// What became of an exception in a log source of a detection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExceptionChange {
    /// Its name.
    pub name: String,
    /// Its file, relative to the project.
    pub file: String,
    /// Whether it is on both sides.
    pub state: State,
    /// Whether its file has errors on one of them, so that there it takes nothing away.
    pub unread: bool,
    /// Whether it is written on both sides, and one of them does not use it: it is only proposed there, or for another
    /// profile or other detections.
    pub written: bool,
    /// What it alone makes of the detection, as that is now.
    pub change: Change,
    /// What readers are told of it.
    pub remark: String,
}

/// How to compare.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What one decision may cost.
    pub budget: Budget,
    /// Recorded logs: files and folders.
    pub logs: Vec<PathBuf>,
    /// Whether rules are compared, too.
    pub rules: bool,
}

/// Compares two sides.
pub fn compare(base: &Side, head: &Side, catalogue: &Catalogue, options: &Options) -> Diff {
    let pairs = pair::pairs(&base.detections, &head.detections);
    let conditions: Vec<Vec<Conditions<'_>>> = pairs.iter().map(|pair| conditions(*pair)).collect();
    let questions: Vec<Vec<Question<'_>>> =
        conditions.iter().map(|of_pair| of_pair.iter().map(Conditions::question).collect()).collect();
    let flat: Vec<Question<'_>> = questions.iter().flatten().copied().collect();
    let (recorded, logs) = recorded::replay(&options.logs, &flat);
    let mut recorded = recorded.into_iter();
    let asked: Vec<(Pair<'_>, Vec<(Question<'_>, Recorded)>)> = pairs
        .iter()
        .zip(questions)
        .map(|(pair, questions)| {
            let answered = questions.into_iter().map(|question| (question, recorded.next().unwrap_or_default()));
            (*pair, answered.collect())
        })
        .collect();
    let mut notes = Vec::new();
    let targets = match (&base.targets, &head.targets) {
        _ if !options.rules => None,
        (Ok(before), Ok(after)) => Some((before, after)),
        (before, after) => {
            for (side, targets) in [("before", before), ("now", after)] {
                if let Err(problems) = targets {
                    let first = problems.first().map(String::as_str).unwrap_or_default();
                    notes.push(format!("rules are not compared: the targets have errors {side}: {first}"));
                }
            }
            None
        }
    };
    let pack = edits::compare_pack(base, head, catalogue);
    // What a manifest says is about the rules that were built with it.
    let manifest = head.manifest().filter(|_| pack.is_as_built());
    let (pack_before, pack_after) = (base.pack(), head.pack());
    let targets = targets.map(|(before, after)| Targets {
        before,
        after,
        pack_before: &pack_before,
        pack_after: &pack_after,
        manifest: manifest.as_ref(),
        catalogue,
        budget: &options.budget,
    });
    // A profile may change where every rule looks.
    let templates_changed = base.templates != head.templates || base.profile != head.profile;
    let is_broken = |side: &Side, detection: &Detection| {
        let file = side.file_of(detection);
        side.broken.iter().any(|broken| broken.compared && broken.file == file)
    };
    // What cannot be read on one side is neither new nor gone.
    let unread = |detection: &Detection, here: &Side, there: &Side| {
        let file = here.file_of(detection);
        let mut broken = there.broken.iter().filter(|broken| !broken.compared);
        broken.any(|broken| broken.id == Some(detection.id) || broken.file == file)
    };
    let one = One { templates_changed, targets: targets.as_ref(), catalogue, options, base, head };
    let changes: Vec<Option<DetectionChange>> = asked
        .into_par_iter()
        .map(|(pair, asked)| {
            match (pair.before, pair.after) {
                (Some(before), None) if unread(before, base, head) => return None,
                (None, Some(after)) if unread(after, head, base) => return None,
                _ => {}
            }
            let file = pair.after.map(|after| head.file_of(after)).or(pair.before.map(|before| base.file_of(before)));
            let mut change = one.compare(pair, asked, file.unwrap_or_default())?;
            change.broken = pair.before.is_some_and(|before| is_broken(base, before))
                || pair.after.is_some_and(|after| is_broken(head, after));
            Some(change)
        })
        .collect();
    let detections: Vec<DetectionChange> = changes.into_iter().flatten().collect();
    let changed = detections.iter().filter(|change| change.state == State::Changed).count();
    let both = pairs.iter().filter(|pair| pair.before.is_some() && pair.after.is_some()).count();
    Diff { base: about(base), head: about(head), detections, unchanged: both - changed, pack, logs, notes }
}

fn about(side: &Side) -> About {
    About {
        name: side.label.clone(),
        commit: side.commit.clone(),
        detections: side.detections.len(),
        broken: side.broken.clone(),
        faults: side.faults.clone(),
    }
}

/// What a detection finds in one log source on both sides, exceptions included.
struct Conditions<'d> {
    source: &'d str,
    before: Option<Formula>,
    after: Option<Formula>,
}

impl Conditions<'_> {
    fn question(&self) -> Question<'_> {
        Question { source: self.source, before: self.before.as_ref(), after: self.after.as_ref() }
    }
}

/// The conditions of a pair that are not the same formula: source by source, in the order they are written now.
fn conditions<'d>(pair: Pair<'d>) -> Vec<Conditions<'d>> {
    let meaning = |side: Option<&'d Detection>, source: &str| {
        side.and_then(|detection| detection.observation(source)).map(Observation::meaning)
    };
    let mut conditions: Vec<Conditions<'d>> = Vec::new();
    for detection in [pair.after, pair.before].into_iter().flatten() {
        for observation in &detection.observations {
            let source = observation.source.as_str();
            if conditions.iter().any(|known| known.source == source) {
                continue;
            }
            let (before, after) = (meaning(pair.before, source), meaning(pair.after, source));
            if before != after {
                conditions.push(Conditions { source, before, after });
            }
        }
    }
    conditions
}

/// What is the same for all detections of a run.
struct One<'a> {
    templates_changed: bool,
    targets: Option<&'a Targets<'a>>,
    catalogue: &'a Catalogue,
    options: &'a Options,
    base: &'a Side,
    head: &'a Side,
}

impl One<'_> {
    fn schema(&self, source: &str) -> Arc<Schema> {
        self.catalogue.source(source).map(Source::schema).unwrap_or_default()
    }

    /// What became of one detection; none if nothing did.
    fn compare(&self, pair: Pair<'_>, asked: Vec<(Question<'_>, Recorded)>, file: String) -> Option<DetectionChange> {
        let detection = pair.after.or(pair.before)?;
        let written = [
            pair.before.and_then(|before| self.base.as_written(before)),
            pair.after.and_then(|after| self.head.as_written(after)),
        ];
        let sources: Vec<SourceChange> =
            asked.into_iter().map(|(question, recorded)| self.source(pair, written, question, recorded)).collect();
        let (metadata, tests) = match (pair.before, pair.after) {
            (Some(before), Some(after)) => (metadata::compare(before, after, written), tests::compare(before, after)),
            _ => Default::default(),
        };
        // A detection that is still written, or was written before, is here or gone by the profile.
        let by_profile = match (pair.before, pair.after) {
            (Some(before), None) => self.head.as_written(before).is_some(),
            (None, Some(after)) => self.base.as_written(after).is_some(),
            _ => false,
        };
        let state = match (pair.before, pair.after) {
            (None, _) => State::Added,
            (_, None) => State::Removed,
            _ => State::Changed,
        };
        let renamed_from = pair
            .before
            .filter(|before| state == State::Changed && before.name != detection.name)
            .map(|d| d.name.clone());
        let anything = state != State::Changed
            || renamed_from.is_some()
            || !metadata.is_empty()
            || !sources.is_empty()
            || !tests.is_empty();
        let targets = match self.targets {
            Some(targets) if anything || self.templates_changed => {
                let meaning = |source: &str| {
                    sources.iter().find(|change| change.source == source).and_then(|change| change.meaning.as_ref())
                };
                rules::compare_rules(pair, targets, &meaning)
            }
            _ => Vec::new(),
        };
        if !anything && targets.is_empty() {
            return None;
        }
        let schema = |source: &str| self.schema(source);
        let mut risks = risk::risks(pair, by_profile, &metadata, &sources, &tests, &schema, &self.options.budget);
        of_targets(&targets, state, &mut risks);
        Some(DetectionChange {
            name: detection.name.clone(),
            title: detection.title.clone(),
            id: detection.id,
            file,
            state,
            by_profile,
            renamed_from,
            version: [pair.before.map(|before| before.version), pair.after.map(|after| after.version)],
            broken: false,
            metadata,
            places: places(&detection.source.text),
            sources,
            tests,
            targets,
            risks,
        })
    }

    fn source(
        &self,
        pair: Pair<'_>,
        written: [Option<&Detection>; 2],
        question: Question<'_>,
        recorded: Recorded,
    ) -> SourceChange {
        let source = question.source;
        let observed = |detection: Option<&'_ Detection>| detection.and_then(|one| one.observation(source)).cloned();
        let (before, after) = (observed(pair.before), observed(pair.after));
        let own = |observation: Option<Observation>| observation.map(|observation| observation.formula);
        let mut change = SourceChange {
            source: source.to_owned(),
            state: SourceState::Both,
            change: None,
            only_may: false,
            meaning: None,
            causes: Vec::new(),
            own: None,
            exceptions: Vec::new(),
            recorded,
        };
        if own(before.clone()) != own(after.clone()) {
            let [was, is] = written.map(observed).map(own);
            let same_file = written.iter().all(Option::is_some) && was == is;
            change.causes.push(if same_file { Cause::Profile } else { Cause::Detection });
        }
        match (question.before, question.after) {
            (Some(was), Some(is)) => {
                let mut meaning = self.meaning(source, was, is);
                let recorded = &change.recorded;
                meaning.must.learn(recorded.gained.first.as_ref(), recorded.lost.first.as_ref());
                meaning.may.learn(recorded.may_gained.first.as_ref(), recorded.may_lost.first.as_ref());
                change.change = Some(meaning.change());
                change.only_may = meaning.only_may();
                if let (Some(before), Some(after)) = (before, after) {
                    change.exceptions = self.exceptions(&before, &after, &meaning);
                    if !change.exceptions.is_empty() {
                        if !change.causes.is_empty() {
                            change.own = Some(self.meaning(source, &before.formula, &after.formula));
                        }
                        change.causes.push(Cause::Exceptions);
                    }
                }
                change.meaning = Some(meaning);
            }
            (None, _) => change.state = SourceState::Added,
            (_, None) => change.state = SourceState::Removed,
        }
        change
    }

    fn meaning(&self, source: &str, before: &Formula, after: &Formula) -> Meaning {
        meaning::compare(before, after, &self.schema(source), &self.options.budget)
    }

    /// Exceptions that are not the same on both sides, and what each of them alone makes of the detection. `whole` is what
    /// all of the change makes of it.
    fn exceptions(&self, before: &Observation, after: &Observation, whole: &Meaning) -> Vec<ExceptionChange> {
        let find = |observation: &Observation, name: &str| -> Option<Excepted> {
            observation.exceptions.iter().find(|one| one.name == name).cloned()
        };
        let mut names: Vec<&str> = Vec::new();
        for one in after.exceptions.iter().chain(&before.exceptions) {
            let formula = |observation| find(observation, &one.name).map(|excepted| excepted.formula);
            if !names.contains(&one.name.as_str()) && formula(before) != formula(after) {
                names.push(&one.name);
            }
        }
        let alone = names.len() == 1 && before.formula == after.formula;
        let mut changes = Vec::new();
        for name in &names {
            let (was, is) = (find(before, name), find(after, name));
            let (state, side) = match (&was, &is) {
                (None, _) => (State::Added, self.head),
                (_, None) => (State::Removed, self.base),
                _ => (State::Changed, self.head),
            };
            let others = || after.exceptions.iter().filter(|one| one.name != *name);
            let without = after.without(others().chain(&was));
            let change = match alone {
                true => whole.change(),
                false => self.meaning(&after.source, &without, &after.meaning()).change(),
            };
            let remark = is.or(was).map(|excepted| excepted.remark()).unwrap_or_default();
            let file = side.exceptions.get(*name).cloned().unwrap_or_default();
            let sides = [self.base, self.head];
            let unread = sides.iter().any(|side| side.unread_exceptions.contains(*name));
            let written = state != State::Changed && sides.iter().all(|side| side.exceptions.contains_key(*name));
            changes.push(ExceptionChange { name: (*name).to_owned(), file, state, unread, written, change, remark });
        }
        changes
    }
}

/// Risks that show in the targets' rules.
fn of_targets(targets: &[TargetChange], state: State, risks: &mut Vec<Risk>) {
    for target in targets {
        for rule in &target.rules {
            let name = &target.target;
            if state == State::Changed && rule.follows == Follows::Gone && rule.after.is_some() {
                risks.push(Risk {
                    kind: RiskKind::RuleGone,
                    source: Some(rule.source.clone()),
                    message: format!("{name} has no rule for it any more"),
                });
            }
            for (before, after) in &rule.renamed_fields {
                risks.push(Risk {
                    kind: RiskKind::FieldRenamed,
                    source: Some(rule.source.clone()),
                    message: format!("in {name}, the field `{before}` is now called `{after}`"),
                });
            }
        }
    }
}

/// The lines of the top keys of a detection, and of its log sources as `observe.<source>`; from 1.
fn places(text: &str) -> Vec<(String, usize)> {
    let mut places = Vec::new();
    let (mut top, mut indent) = (String::new(), None);
    for (at, line) in text.lines().enumerate() {
        let Some((key, _)) = line.split_once(':') else { continue };
        let name = key.trim_start();
        let depth = key.len() - name.len();
        if name.is_empty() || name.starts_with(['#', '-']) {
            continue;
        }
        if depth == 0 {
            top = name.to_owned();
            places.push((top.clone(), at + 1));
        } else if top == "observe" && *indent.get_or_insert(depth) == depth {
            places.push((format!("observe.{name}"), at + 1));
        }
    }
    places
}
