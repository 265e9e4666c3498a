//! Gates: which changes make `cresset diff` fail.

use super::meaning::Change;
use super::risk::RiskKind;
use super::{DetectionChange, Diff, SourceState, State};

/// What a gate stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Gate {
    /// A condition matches events that it did not (also `both`).
    Wider,
    /// A condition no longer matches events that it did (also `both`).
    Narrower,
    /// A condition matches some events anew and some no longer.
    Both,
    /// It could not be decided what became of a condition.
    Undecided,
    /// Only what rules may match changed, not what they must.
    May,
    /// A detection is new.
    Added,
    /// A detection or one of its log sources is gone.
    Removed,
    /// A condition can no longer match anything.
    NeverMatches,
    /// An exception leaves nothing of what it is an exception from.
    Swallowed,
    /// A severity is lower.
    SeverityLowered,
    /// A detection has another id.
    IdChanged,
    /// The logic changed, and the version did not rise.
    Version,
    /// Rules have another name: what was enabled or tuned by the old one is lost.
    RuleRenamed,
    /// A field has another name.
    FieldRenamed,
    /// Tests are gone or ask for less.
    Tests,
    /// A target has no rule any more where it had one.
    RuleGone,
    /// A file of the pack was changed by hand.
    HandEdit,
    /// A file of the pack is not up to date.
    Stale,
    /// A detection has errors.
    Broken,
    /// Anything that stands out as risky.
    Risk,
}

/// What the gates stop, one sentence each.
pub fn stopped(diff: &Diff, gates: &[Gate]) -> Vec<String> {
    let mut gates = gates.to_vec();
    gates.sort_unstable();
    gates.dedup();
    let mut reasons = Vec::new();
    for gate in gates {
        let name = clap::ValueEnum::to_possible_value(&gate).map(|value| value.get_name().to_owned());
        let name = name.unwrap_or_default();
        for what in stopped_by(diff, gate) {
            reasons.push(format!("{name}: {what}"));
        }
    }
    reasons
}

fn stopped_by(diff: &Diff, gate: Gate) -> Vec<String> {
    let each = |stops: &dyn Fn(&DetectionChange) -> bool| -> Vec<String> {
        diff.detections.iter().filter(|change| stops(change)).map(|change| change.name.clone()).collect()
    };
    let logic = |wanted: &[Change]| {
        each(&|change| {
            let meanings = change.sources.iter().filter_map(|source| source.meaning.as_ref());
            meanings.into_iter().any(|meaning| wanted.contains(&meaning.change()))
        })
    };
    let risk = |kinds: &[RiskKind]| each(&|change| change.risks.iter().any(|risk| kinds.contains(&risk.kind)));
    let known = |found: &dyn Fn(&super::meaning::Sides) -> bool| {
        each(&|change| change.sources.iter().filter_map(|source| source.meaning.as_ref()).any(|m| found(&m.must)))
    };
    let some = |moved: &super::meaning::Moved| matches!(moved, super::meaning::Moved::Some { .. });
    let files = |by_hand: bool| -> Vec<String> {
        let edits = diff.pack.edits.iter().filter(|edit| edit.kind.is_by_hand() == by_hand);
        edits.map(|edit| format!("out/{}", edit.file)).collect()
    };
    match gate {
        Gate::Wider => known(&|sides| some(&sides.gained)),
        Gate::Narrower => known(&|sides| some(&sides.lost)),
        Gate::Both => logic(&[Change::Both]),
        Gate::Undecided => each(&|change| {
            let meanings = change.sources.iter().filter_map(|source| source.meaning.as_ref());
            meanings.into_iter().any(|m| m.must.reason().is_some() || m.may.reason().is_some())
        }),
        Gate::May => each(&|change| {
            change.sources.iter().filter_map(|source| source.meaning.as_ref()).any(super::meaning::Meaning::only_may)
        }),
        Gate::Added => each(&|change| change.state == State::Added),
        Gate::Removed => each(&|change| {
            change.state == State::Removed || change.sources.iter().any(|source| source.state == SourceState::Removed)
        }),
        Gate::NeverMatches => risk(&[RiskKind::NeverMatches]),
        Gate::Swallowed => risk(&[RiskKind::Swallowed]),
        Gate::SeverityLowered => risk(&[RiskKind::SeverityLowered]),
        Gate::IdChanged => risk(&[RiskKind::IdChanged]),
        Gate::Version => risk(&[RiskKind::Version]),
        Gate::RuleRenamed => risk(&[RiskKind::RuleRenamed]),
        Gate::FieldRenamed => risk(&[RiskKind::FieldRenamed]),
        Gate::Tests => risk(&[RiskKind::TestsWeakened]),
        Gate::RuleGone => risk(&[RiskKind::RuleGone]),
        Gate::HandEdit => files(true),
        Gate::Stale => files(false),
        Gate::Broken => {
            let broken = diff.head.broken.iter().map(|broken| broken.file.clone());
            broken.chain(diff.head.faults.iter().cloned()).collect()
        }
        Gate::Risk => {
            let mut all = each(&|change| !change.risks.is_empty());
            all.extend(files(true));
            all
        }
    }
}
