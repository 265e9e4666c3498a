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

use rayon::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::detection::Detection;
use crate::logic::decide::{Budget, Schema};
use crate::source::{Catalogue, Source};
use edits::Pack;
use meaning::Meaning;
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
    /// Recorded events that change sides.
    pub recorded: Recorded,
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
    let questions: Vec<Vec<Question<'_>>> = pairs.iter().map(|pair| questions(*pair)).collect();
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
    let (manifest, pack_before, pack_after) = (head.manifest(), base.pack(), head.pack());
    let targets = targets.map(|(before, after)| Targets {
        before,
        after,
        pack_before: &pack_before,
        pack_after: &pack_after,
        manifest: manifest.as_ref(),
        catalogue,
        budget: &options.budget,
    });
    let templates_changed = base.templates != head.templates;
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
    let one = One { templates_changed, targets: targets.as_ref(), catalogue, options };
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
    Diff {
        base: about(base),
        head: about(head),
        detections,
        unchanged: both - changed,
        pack: edits::compare_pack(base, head, catalogue),
        logs,
        notes,
    }
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

/// The conditions of a pair that are not the same formula: source by source, in the order they are written now.
fn questions<'d>(pair: Pair<'d>) -> Vec<Question<'d>> {
    let formula = |side: Option<&'d Detection>, source: &str| {
        side.and_then(|detection| detection.observation(source)).map(|observation| &observation.formula)
    };
    let mut questions: Vec<Question<'d>> = Vec::new();
    for detection in [pair.after, pair.before].into_iter().flatten() {
        for observation in &detection.observations {
            let source = observation.source.as_str();
            if questions.iter().any(|known| known.source == source) {
                continue;
            }
            let (before, after) = (formula(pair.before, source), formula(pair.after, source));
            if before != after {
                questions.push(Question { source, before, after });
            }
        }
    }
    questions
}

/// What is the same for all detections of a run.
struct One<'a> {
    templates_changed: bool,
    targets: Option<&'a Targets<'a>>,
    catalogue: &'a Catalogue,
    options: &'a Options,
}

impl One<'_> {
    fn schema(&self, source: &str) -> Schema {
        self.catalogue.source(source).map(Source::schema).unwrap_or_default()
    }

    /// What became of one detection; none if nothing did.
    fn compare(&self, pair: Pair<'_>, asked: Vec<(Question<'_>, Recorded)>, file: String) -> Option<DetectionChange> {
        let detection = pair.after.or(pair.before)?;
        let sources: Vec<SourceChange> =
            asked.into_iter().map(|(question, recorded)| self.source(question, recorded)).collect();
        let (metadata, tests) = match (pair.before, pair.after) {
            (Some(before), Some(after)) => (metadata::compare(before, after), tests::compare(before, after)),
            _ => Default::default(),
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
        let mut risks = risk::risks(pair, &sources, &tests, &schema, &self.options.budget);
        of_targets(&targets, state, &mut risks);
        Some(DetectionChange {
            name: detection.name.clone(),
            title: detection.title.clone(),
            id: detection.id,
            file,
            state,
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

    fn source(&self, question: Question<'_>, recorded: Recorded) -> SourceChange {
        let mut change = SourceChange {
            source: question.source.to_owned(),
            state: SourceState::Both,
            change: None,
            only_may: false,
            meaning: None,
            recorded,
        };
        match (question.before, question.after) {
            (Some(before), Some(after)) => {
                let schema = self.schema(question.source);
                let mut meaning = meaning::compare(before, after, &schema, &self.options.budget);
                let recorded = &change.recorded;
                meaning.must.learn(recorded.gained.first.as_ref(), recorded.lost.first.as_ref());
                meaning.may.learn(recorded.may_gained.first.as_ref(), recorded.may_lost.first.as_ref());
                change.change = Some(meaning.change());
                change.only_may = meaning.only_may();
                change.meaning = Some(meaning);
            }
            (None, _) => change.state = SourceState::Added,
            (_, None) => change.state = SourceState::Removed,
        }
        change
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
