//! The only list of problems that Cresset reports: code, how bad, title, explanation.
//!
//! An explanation is a Markdown file in `explanations/`, with a wrong and a right example; a test runs both.

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The detection cannot be used.
    Error,
    /// It can, and it is probably not what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($name:ident $id:ident $title:literal,)*) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// What it is called in messages: a letter for how bad it is, and a number.
            pub fn id(self) -> &'static str {
                match self { $(Code::$name => stringify!($id),)* }
            }

            /// What it is, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// What it means and what to do, in Markdown, with a wrong and a right example.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$name => include_str!(concat!("explanations/", stringify!($id), ".md")),)* }
            }
        }
    };
}

codes! {
    // Files and their YAML.
    Unreadable E0101 "the file cannot be read",
    NotUtf8 E0102 "the file is not UTF-8",
    TooLarge E0103 "the file is too large",
    Syntax E0104 "the file is not YAML",
    Tab E0105 "a tab is used for indentation",
    RepeatedKey E0106 "a key is given twice",
    SeveralDocuments E0107 "the file holds several documents",
    TooDeep E0108 "the nesting is too deep",
    Alias E0109 "an alias cannot be expanded",
    Empty E0110 "the file is empty",
    Tag E0111 "a YAML tag is used",
    ControlCharacter E0112 "a text holds a control character",
    KeyIsNoText E0113 "a key is not plain text",
    // The shape of a detection.
    UnknownKey E0201 "an unknown key",
    MissingKey E0202 "a key is missing",
    WrongType E0203 "a value of the wrong type",
    UnknownWord E0204 "a word that is none of those allowed",
    NotAUuid E0205 "an id that is no UUID",
    NotADate E0206 "a date that does not exist",
    NotADuration E0207 "a duration that cannot be read",
    OutOfRange E0208 "a number out of its range",
    EmptyValue E0209 "a value is empty",
    DatesReversed E0210 "changed before it was written",
    LookBackTooShort E0211 "looks back over less time than passes between two runs",
    BadName E0212 "a name that cannot be used",
    NotAnAddress W0213 "a reference that is no web address",
    // What is observed.
    UnknownSource E0301 "an unknown log source",
    UnknownField E0302 "an unknown field",
    UnknownModifier E0303 "an unknown modifier",
    ModifierMisfit E0304 "a modifier that does not fit the field",
    ModifierConflict E0305 "modifiers that contradict each other",
    ValueMisfit E0306 "a value that does not fit the field",
    BadRegex E0307 "an invalid regular expression",
    Lookaround E0308 "a regular expression with look-around or a back-reference",
    BadNetwork E0309 "an invalid network",
    BadPath E0310 "an invalid path",
    UnknownList E0311 "an undefined list",
    ListCycle E0312 "a list that contains itself",
    BadOption E0313 "an option that cannot be read",
    TooLong E0314 "a condition that is too large",
    OddName W0315 "a name that is hardly read as it is meant",
    // Conditions.
    ConditionSyntax E0401 "a condition that cannot be read",
    UnknownSelection E0402 "an undefined selection",
    UnusedSelection W0403 "a selection that the condition does not use",
    NeverTrue E0404 "a condition that can never be true",
    AlwaysTrue E0405 "a condition that is always true",
    Undecided W0406 "a condition too large to be decided",
    UnusedList W0407 "a list that is not used",
    // Metadata.
    UnknownTechnique E0501 "an unknown ATT&CK technique",
    RevokedTechnique E0502 "a revoked ATT&CK technique",
    DeprecatedTechnique W0503 "a deprecated ATT&CK technique",
    RepeatedEntry W0504 "an entry is given twice",
    // Tests.
    NoMatchingTest W0601 "no test that matches",
    NoMissingTest W0602 "no test that does not match",
    TestSource E0603 "a test of a log source that is not observed",
    TestLog E0604 "a recorded log that cannot be found",
    TestKey W0605 "an event of a test with a misspelled key",
    // Several files.
    DuplicateId E0701 "two detections with one id",
    DuplicateTitle E0702 "two detections with one title",
    DuplicateName E0703 "two detections with one file name",
    // The lock of versions.
    VersionNotRaised E0704 "the logic changed and the version did not",
    VersionFell E0705 "a version lower than the one that is locked",
    LockUnreadable E0706 "the lock of versions cannot be read",
    LockStale W0707 "the lock of versions is not up to date",
    // Targets.
    TargetSettings E0801 "a target.yml that cannot be used",
    TargetTemplate E0802 "a template that cannot be filled in",
    SameFile E0803 "two artefacts that are the same file",
    CannotSay E0804 "a target that cannot say what a detection looks for",
    NoSuchTarget W0805 "settings for a target that there is not",
    // Profiles and exceptions.
    UnknownDetection E0901 "a detection that does not exist",
    UnknownTarget E0902 "a target that does not exist",
    UnknownBinding E0903 "a binding that a target does not offer",
    ExceptionExpired E0904 "an exception that has expired",
    ExceptionSwallows E0905 "an exception that leaves nothing of its detection",
    ExceptionIdle W0906 "an exception that changes nothing",
}

impl Code {
    /// How bad problems of this kind are.
    pub fn severity(self) -> Severity {
        if self.id().starts_with('W') { Severity::Warning } else { Severity::Error }
    }

    /// The code called `id`, in any case.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.id().eq_ignore_ascii_case(id.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        let numbers: Vec<&str> = Code::ALL.iter().filter_map(|code| code.id().get(1..)).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        for code in Code::ALL {
            assert_eq!(Code::from_id(&code.id().to_lowercase()), Some(*code));
        }
    }

    #[test]
    fn every_explanation_has_a_wrong_and_a_right_example() {
        for code in Code::ALL {
            let text = code.explanation();
            assert!(text.contains("Wrong:") && text.contains("Right:"), "{} lacks an example", code.id());
        }
    }
}
