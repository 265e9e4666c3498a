//! Gates: which changes make `cresset diff` fail.

use super::meaning::{Change, Meaning, Moved, Sides};
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
    /// A file of the pack was changed by hand, or that cannot be told.
    HandEdit,
    /// A file of the pack is not up to date, or that cannot be told.
    Stale,
    /// A detection, a list, an exception or the profile has errors.
    Broken,
    /// Anything that stands out as risky.
    Risk,
}

impl Gate {
    /// Its name, as it is asked for.
    pub fn name(self) -> String {
        let value = clap::ValueEnum::to_possible_value(&self);
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether only rules show what it stops.
    pub fn asks_rules(self) -> bool {
        self == Gate::RuleGone
    }
}

/// What the gates stop, one sentence each.
pub fn stopped(diff: &Diff, gates: &[Gate]) -> Vec<String> {
    let mut gates = gates.to_vec();
    gates.sort_unstable();
    gates.dedup();
    let mut reasons = Vec::new();
    for gate in gates {
        let name = gate.name();
        reasons.extend(stopped_by(diff, gate).into_iter().map(|what| format!("{name}: {what}")));
    }
    reasons
}

fn stopped_by(diff: &Diff, gate: Gate) -> Vec<String> {
    let each = |stops: &dyn Fn(&DetectionChange) -> bool| -> Vec<String> {
        diff.detections.iter().filter(|change| stops(change)).map(|change| change.name.clone()).collect()
    };
    let meaning = |stops: &dyn Fn(&Meaning) -> bool| {
        each(&|change| change.sources.iter().filter_map(|source| source.meaning.as_ref()).any(stops))
    };
    let risk = |kind: RiskKind| each(&|change| change.risks.iter().any(|risk| risk.kind == kind));
    let some = |moved: &Moved| matches!(moved, Moved::Some { .. });
    let undecided = |sides: &Sides| sides.reason().is_some();
    let files = |by_hand: bool| -> Vec<String> {
        let edits = diff.pack.edits.iter().filter(|edit| edit.kind.is_by_hand() == by_hand);
        // What could not be looked at is not let through.
        let unknown = diff.pack.not_checked.iter().map(|reason| format!("out/ was not checked: {reason}"));
        edits.map(|edit| format!("out/{}", edit.file)).chain(unknown).collect()
    };
    match gate {
        Gate::Wider => meaning(&|meaning| some(&meaning.must.gained)),
        Gate::Narrower => meaning(&|meaning| some(&meaning.must.lost)),
        Gate::Both => meaning(&|meaning| meaning.change() == Change::Both),
        Gate::Undecided => meaning(&|meaning| undecided(&meaning.must) || undecided(&meaning.may)),
        Gate::May => meaning(&Meaning::only_may),
        Gate::Added => each(&|change| change.state == State::Added),
        Gate::Removed => each(&|change| {
            change.state == State::Removed || change.sources.iter().any(|source| source.state == SourceState::Removed)
        }),
        Gate::NeverMatches => risk(RiskKind::NeverMatches),
        Gate::Swallowed => risk(RiskKind::Swallowed),
        Gate::SeverityLowered => risk(RiskKind::SeverityLowered),
        Gate::IdChanged => risk(RiskKind::IdChanged),
        Gate::Version => risk(RiskKind::Version),
        Gate::RuleRenamed => risk(RiskKind::RuleRenamed),
        Gate::FieldRenamed => risk(RiskKind::FieldRenamed),
        Gate::Tests => risk(RiskKind::TestsWeakened),
        Gate::RuleGone => risk(RiskKind::RuleGone),
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
