//! What is known of the meaning of a rule (DESIGN: *Verdicts*), in one word.

use std::fmt;

use serde::Serialize;

/// What is known of a rule that a target has for a detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// For every event, it matches what it must and nothing but what it may.
    Proved,
    /// The decision ran out of its budget; the rule agrees on all events that were tried.
    Tested,
    /// It matches more than it may, which the detection accepts. The direction is proved.
    Wider,
    /// It matches less than it must, which the detection accepts. The direction is proved.
    Narrower,
    /// Nobody can read it back.
    Unverified,
    /// It means something else.
    Differs,
    /// What stands in the pack is no rule of the target's language.
    Unreadable,
    /// It is not in the pack.
    Missing,
}

impl Verdict {
    /// The word that manifests and artefacts use.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Proved => "proved",
            Verdict::Tested => "tested",
            Verdict::Wider => "wider",
            Verdict::Narrower => "narrower",
            Verdict::Unverified => "unverified",
            Verdict::Differs => "differs",
            Verdict::Unreadable => "unreadable",
            Verdict::Missing => "missing",
        }
    }

    /// Whether a pack with such a rule must not be deployed.
    pub fn is_wrong(self) -> bool {
        matches!(self, Verdict::Differs | Verdict::Unreadable | Verdict::Missing)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
