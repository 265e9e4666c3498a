//! The key of a test: `field|modifier|modifier`.

use std::ops::Range;

use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::logic::{Case, Comparison};
use crate::source::FieldKind;

use super::shape::{Reader, inner_span};

/// What a test asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Equality, with wildcards in text.
    Plain,
    /// `contains`
    Contains,
    /// `startswith`
    StartsWith,
    /// `endswith`
    EndsWith,
    /// `re`, with its flags `m` and `s`.
    Regex {
        /// `^` and `$` also match at line ends.
        multi_line: bool,
        /// `.` also matches a line end.
        dot_all: bool,
    },
    /// `path` and `under`.
    Path {
        /// True for `under`.
        below: bool,
    },
    /// `cidr`
    Cidr,
    /// `lt`, `lte`, `gt`, `gte`
    Compare(Comparison),
    /// `exists`
    Exists,
    /// `option`
    Option,
}

/// A key, taken apart.
#[derive(Clone, Debug)]
pub struct Key {
    /// The field's name; empty for a keyword.
    pub field: String,
    /// Where it was written.
    pub field_span: Range<usize>,
    /// What is asked.
    pub operation: Operation,
    /// Every value has to be found (`all`), not one of them.
    pub all: bool,
    /// `cased` or `nocase` (or `re|i`).
    pub case: Option<Case>,
    /// The value names another field (`fieldref`).
    pub other_field: bool,
    /// Where the modifier that decides the operation was written; the field if there is none.
    pub modifier_span: Range<usize>,
    /// The modifiers as they were written.
    pub modifiers: Vec<(String, Range<usize>)>,
}

/// All modifiers, as authors write them.
pub const MODIFIERS: [&str; 20] = [
    "all",
    "cased",
    "cidr",
    "contains",
    "endswith",
    "exists",
    "fieldref",
    "gt",
    "gte",
    "i",
    "lt",
    "lte",
    "m",
    "nocase",
    "option",
    "path",
    "re",
    "s",
    "startswith",
    "under",
];

/// Modifiers of Sigma and of other notations that Cresset has another way for.
const ELSEWHERE: [(&str, &str); 13] = [
    ("in", "leave it out: of a list any value will do"),
    ("any", "leave it out: of a list any value will do"),
    ("eq", "leave it out: a value is asked for as it stands"),
    ("equals", "leave it out: a value is asked for as it stands"),
    ("windash", "list both spellings: `/x` and `-x`"),
    ("base64", "write the encoded text"),
    ("base64offset", "write the three encoded texts"),
    ("wide", "write the encoded text"),
    ("utf16", "write the encoded text"),
    ("utf16le", "write the encoded text"),
    ("expand", "use a list: `$name`"),
    ("neq", "use `not` in the condition"),
    ("minute", "times are not tested"),
];

/// The parts of a key between `|`, which is a sign like any other in a name in quotes.
pub(super) fn split(key: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quote_ends) = (Vec::new(), 0, 0);
    let mut before = '.';
    for (at, c) in key.char_indices() {
        if at < quote_ends {
            continue;
        }
        match c {
            '"' if before == '.' => {
                let closing = key.get(at + 1..).and_then(|rest| rest.find('"'));
                quote_ends = closing.map_or(at, |length| at + length + 2);
            }
            '|' => {
                parts.extend(key.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    parts.extend(key.get(start..));
    parts
}

/// Takes a key apart; what cannot be understood is reported.
pub fn parse(reader: &mut Reader, key: &str, span: &Range<usize>) -> Option<Key> {
    let mut parts = Vec::new();
    let mut start = 0;
    for part in split(key) {
        let end = start + part.len();
        parts.push((part, inner_span(&reader.file.text, span, key, start..end)));
        start = end + 1;
    }
    let (field, field_span) = parts.remove(0);
    let mut parsed = Key {
        field: field.to_owned(),
        modifier_span: field_span.clone(),
        field_span,
        operation: Operation::Plain,
        all: false,
        case: None,
        other_field: false,
        modifiers: parts.iter().map(|(name, span)| ((*name).to_owned(), span.clone())).collect(),
    };
    let mut sound = true;
    for (name, span) in parts {
        if let Err(problem) = apply(&mut parsed, name, &span, reader) {
            reader.report(*problem);
            sound = false;
        }
    }
    sound.then_some(parsed)
}

fn apply(key: &mut Key, name: &str, span: &Range<usize>, reader: &Reader) -> Result<(), Box<Diagnostic>> {
    let operation = match name {
        "contains" => Operation::Contains,
        "startswith" => Operation::StartsWith,
        "endswith" => Operation::EndsWith,
        "re" => Operation::Regex { multi_line: false, dot_all: false },
        "path" => Operation::Path { below: false },
        "under" => Operation::Path { below: true },
        "cidr" => Operation::Cidr,
        "lt" => Operation::Compare(Comparison::Less),
        "lte" => Operation::Compare(Comparison::LessOrEqual),
        "gt" => Operation::Compare(Comparison::Greater),
        "gte" => Operation::Compare(Comparison::GreaterOrEqual),
        "exists" => Operation::Exists,
        "option" => Operation::Option,
        "all" => {
            key.all = true;
            return Ok(());
        }
        "fieldref" => {
            key.other_field = true;
            key.modifier_span = span.clone();
            return Ok(());
        }
        "cased" | "nocase" => {
            let case = if name == "cased" { Case::Sensitive } else { Case::Insensitive };
            if key.case.is_some_and(|before| before != case) {
                return Err(Box::new(reader.problem(
                    Code::ModifierConflict,
                    span.clone(),
                    format!("`{name}` contradicts the modifier before it"),
                )));
            }
            key.case = Some(case);
            return Ok(());
        }
        "i" | "m" | "s" => {
            let Operation::Regex { multi_line, dot_all } = &mut key.operation else {
                let problem = reader
                    .problem(Code::ModifierConflict, span.clone(), format!("`{name}` only follows `re`"))
                    .help(if name == "i" {
                        "letters of both cases: `nocase`"
                    } else {
                        "it is a flag of regular expressions"
                    });
                return Err(Box::new(problem));
            };
            match name {
                "m" => *multi_line = true,
                "s" => *dot_all = true,
                _ if key.case == Some(Case::Sensitive) => {
                    return Err(Box::new(reader.problem(
                        Code::ModifierConflict,
                        span.clone(),
                        "`i` contradicts `cased`",
                    )));
                }
                _ => key.case = Some(Case::Insensitive),
            }
            return Ok(());
        }
        other => {
            let mut problem = reader.problem(
                Code::UnknownModifier,
                span.clone(),
                if other.is_empty() {
                    "a modifier is empty".to_owned()
                } else {
                    format!("there is no modifier `{other}`")
                },
            );
            problem = match ELSEWHERE.iter().find(|(name, _)| *name == other) {
                Some((_, instead)) => problem.help(*instead),
                None => {
                    let problem = problem.suggestion(nearest(other, MODIFIERS));
                    if problem.patch.is_some() {
                        problem
                    } else {
                        problem.help(format!("the modifiers are {}", MODIFIERS.join(", ")))
                    }
                }
            };
            return Err(Box::new(problem));
        }
    };
    if key.operation != Operation::Plain {
        let problem = reader
            .problem(
                Code::ModifierConflict,
                span.clone(),
                format!("`{name}` cannot be combined with the modifier before it"),
            )
            .help("write two tests, one with each");
        return Err(Box::new(problem));
    }
    key.operation = operation;
    key.modifier_span = span.clone();
    Ok(())
}

impl Key {
    /// Whether a field of this kind can be asked this; if not, what is wrong.
    pub fn misfit(&self, kind: FieldKind) -> Option<(Range<usize>, String)> {
        if kind == FieldKind::Any && self.operation != Operation::Option {
            return None;
        }
        let name = self.modifiers.iter().find(|(_, span)| *span == self.modifier_span).map_or("", |(name, _)| name);
        let is_text = matches!(kind, FieldKind::Text | FieldKind::Arguments);
        let fits = match self.operation {
            Operation::Plain | Operation::Exists => true,
            Operation::Contains
            | Operation::StartsWith
            | Operation::EndsWith
            | Operation::Regex { .. }
            | Operation::Path { .. } => is_text,
            Operation::Cidr => kind == FieldKind::Address,
            Operation::Compare(_) => kind == FieldKind::Number,
            Operation::Option => kind == FieldKind::Arguments,
        };
        let what = kind_name(kind);
        if !fits {
            let message = format!("`{name}` does not fit `{}`, which is {what}", self.field);
            return Some((self.modifier_span.clone(), message));
        }
        let case = self.modifiers.iter().find(|(name, _)| matches!(name.as_str(), "cased" | "nocase" | "i"));
        if let (Some((name, span)), true) = (case, !is_text || self.operation == Operation::Exists) {
            let message = format!("`{name}` does not fit `{}`: there are no letters to compare", self.field);
            return Some((span.clone(), message));
        }
        if self.other_field && !matches!(self.operation, Operation::Plain | Operation::Compare(_)) {
            return Some((
                self.modifier_span.clone(),
                "`fieldref` compares whole values: with `gt`, `gte`, `lt` or `lte`, or alone".to_owned(),
            ));
        }
        None
    }
}

/// A kind in words.
pub fn kind_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Number => "a number",
        FieldKind::Address => "an IP address",
        FieldKind::Boolean => "true or false",
        FieldKind::Arguments => "a list of arguments",
        FieldKind::Object => "an object with fields of its own",
        FieldKind::Any => "whatever the event holds there",
    }
}
