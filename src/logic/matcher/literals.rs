//! What the JSON text of an event holds, literally, if the event satisfies a formula.
//!
//! Only text counts that JSON writes in one way: no quote, backslash or control character in it, no text that a number
//! might be written as (`1e2` is the text `100.0`). Escapes that any text can hide behind (`\u0061`, `\/`) are
//! the raw filter's business.

use std::collections::HashMap;

use regex_syntax::hir::{Hir, HirKind};

use crate::logic::evaluate::Reading;
use crate::logic::formula::{Formula, Predicate, Subject, Test};
use crate::logic::option::{OptionTest, OptionValue, ValueTest};
use crate::logic::path::Path;
use crate::logic::pattern::{Pattern, Piece, TextSet};

/// A condition on the literals that a text holds, satisfied by the text of every event that satisfies the formula.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing is known to be needed.
    Nothing,
    Literal(usize),
    All(Vec<Need>),
    Any(Vec<Need>),
    AtLeast(usize, Vec<Need>),
}

/// A text to look for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Literal {
    pub(super) text: String,
    /// Whether letters of both cases are the same; the text is ASCII then.
    pub(super) folds: bool,
}

/// The literals that formulas need.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) literals: Vec<Literal>,
    known: HashMap<Literal, usize>,
}

/// Literals shorter than this are everywhere.
const SHORTEST: usize = 3;

/// How a value's text stands in the text of the event.
#[derive(Clone, Copy)]
struct Standing {
    folds: bool,
    /// The whole string between JSON's quotes, not a part of it.
    whole: bool,
    /// Blanks in it may be the joints between arguments.
    joined: bool,
}

impl Need {
    fn all(parts: impl IntoIterator<Item = Need>) -> Self {
        let mut parts: Vec<Need> = parts.into_iter().filter(|part| *part != Need::Nothing).collect();
        match parts.len() {
            0 => Need::Nothing,
            1 => parts.remove(0),
            _ => Need::All(parts),
        }
    }

    fn any(parts: impl IntoIterator<Item = Need>) -> Self {
        let mut parts: Vec<Need> = parts.into_iter().collect();
        if parts.contains(&Need::Nothing) {
            return Need::Nothing;
        }
        if parts.len() == 1 { parts.remove(0) } else { Need::Any(parts) }
    }
}

impl Needs {
    /// What the text of an event needs to satisfy the formula.
    pub(super) fn of(&mut self, formula: &Formula, reading: Reading) -> Need {
        match formula {
            Formula::And(parts) => Need::all(parts.iter().map(|part| self.of(part, reading)).collect::<Vec<_>>()),
            Formula::Or(parts) => Need::any(parts.iter().map(|part| self.of(part, reading)).collect::<Vec<_>>()),
            Formula::Not(_) => Need::Nothing,
            Formula::AtLeast { count, of } => {
                Need::AtLeast(*count, of.iter().map(|part| self.of(part, reading)).collect())
            }
            Formula::Element { path, body } => match self.of(body, reading) {
                Need::Nothing => self.key(path),
                need => need,
            },
            // A command without an option's name may be found in no values at all.
            Formula::Test(Test { predicate: Predicate::Option(option), .. }) if option.names.is_empty() => {
                Need::Nothing
            }
            Formula::Test(test) => match (self.test(test, reading), &test.subject) {
                (Need::Nothing, Subject::Field(path)) => self.key(path),
                (need, _) => need,
            },
        }
    }

    fn test(&mut self, test: &Test, reading: Reading) -> Need {
        let may = reading == Reading::May;
        match &test.predicate {
            Predicate::Text(set) => self.set(set, Standing { folds: set.folds(may), whole: true, joined: false }),
            Predicate::Boolean(true) => Need::Nothing,
            Predicate::Option(option) => match self.given(option) {
                Need::Nothing => Need::Nothing,
                given if may => {
                    let standing = Standing { folds: option.folds(true), whole: false, joined: true };
                    let loose = self.expression(&option.loose_regex(), standing);
                    Need::any([given, loose])
                }
                given => given,
            },
            _ => Need::Nothing,
        }
    }

    /// The last key of a path: a value is there only if the key is.
    fn key(&mut self, path: &Path) -> Need {
        let Some(last) = path.segments().last() else { return Need::Nothing };
        if !is_plain(last) {
            return Need::Nothing;
        }
        self.literal(format!("\"{last}\""), false)
    }

    fn set(&mut self, set: &TextSet, standing: Standing) -> Need {
        if set.any.is_empty() {
            return Need::Nothing;
        }
        Need::any(set.any.iter().map(|pattern| self.pattern(pattern, standing)).collect::<Vec<_>>())
    }

    fn pattern(&mut self, pattern: &Pattern, standing: Standing) -> Need {
        match pattern {
            Pattern::Glob(glob) => {
                let last = glob.pieces().len().saturating_sub(1);
                Need::all(
                    glob.pieces()
                        .iter()
                        .enumerate()
                        .map(|(at, piece)| match piece {
                            Piece::Literal(text) => {
                                self.text(text, standing.whole && at == 0, standing.whole && at == last, standing)
                            }
                            _ => Need::Nothing,
                        })
                        .collect::<Vec<_>>(),
                )
            }
            Pattern::Regex(source) => self.expression(source, standing),
            Pattern::Path { path, .. } => Need::all(
                path.split('/')
                    .filter(|segment| !segment.is_empty())
                    .map(|segment| self.text(&format!("/{segment}"), false, false, standing))
                    .collect::<Vec<_>>(),
            ),
        }
    }

    fn expression(&mut self, source: &str, standing: Standing) -> Need {
        match regex_syntax::parse(source) {
            Ok(hir) => self.hir(&hir, standing),
            Err(_) => Need::Nothing,
        }
    }

    fn hir(&mut self, hir: &Hir, standing: Standing) -> Need {
        match hir.kind() {
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => self.text(text, false, false, standing),
                Err(_) => Need::Nothing,
            },
            HirKind::Capture(capture) => self.hir(&capture.sub, standing),
            HirKind::Repetition(repetition) if repetition.min > 0 => self.hir(&repetition.sub, standing),
            HirKind::Concat(parts) => Need::all(parts.iter().map(|part| self.hir(part, standing)).collect::<Vec<_>>()),
            HirKind::Alternation(parts) => {
                Need::any(parts.iter().map(|part| self.hir(part, standing)).collect::<Vec<_>>())
            }
            _ => Need::Nothing,
        }
    }

    /// The option's own reading: names, programs, words and values are pieces of arguments, or of a shell's text, in
    /// which quotes may pull them apart.
    fn given(&mut self, option: &OptionTest) -> Need {
        let part = Standing { folds: false, whole: false, joined: false };
        let names = Need::any(option.names.iter().map(|name| self.text(name, false, false, part)).collect::<Vec<_>>());
        let commands = if option.commands.is_empty() {
            Need::Nothing
        } else {
            Need::any(
                option
                    .commands
                    .iter()
                    .map(|command| {
                        let words = command.program.iter().chain(&command.words);
                        Need::all(words.map(|word| self.text(word, false, false, part)).collect::<Vec<_>>())
                    })
                    .collect::<Vec<_>>(),
            )
        };
        let values = match &option.value {
            OptionValue::Switch => Need::Nothing,
            OptionValue::Given { tests, .. } => Need::all(
                tests
                    .iter()
                    .map(|test| match test {
                        ValueTest::Whole(set) | ValueTest::Key(_, set) => {
                            self.set(set, Standing { folds: set.folds(false), ..part })
                        }
                        ValueTest::ReadOnly(_) => Need::Nothing,
                    })
                    .collect::<Vec<_>>(),
            ),
        };
        let written = Need::all([names, commands, values]);
        if written == Need::Nothing || option.commands.is_empty() {
            return written;
        }
        // Whatever is nested deeper, the outermost shell is an argument of its own.
        let shells: Vec<Need> = option
            .launchers
            .shells
            .iter()
            .flat_map(|shell| [format!("\"{shell}\""), format!("/{shell}\"")].map(|end| (is_plain(shell), end)))
            .map(|(plain, end)| if plain { self.literal(end, false) } else { Need::Nothing })
            .collect();
        let quotes = Need::any(["'", "\\"].map(|quote| self.literal(quote.to_owned(), false)));
        Need::any([written, Need::all([Need::any(shells), quotes])])
    }

    /// A text that is found in the event's text, with the quotes of JSON before and after it where it is known to be
    /// the beginning or the end of a string.
    fn text(&mut self, text: &str, begins: bool, ends: bool, standing: Standing) -> Need {
        let kept = |c: char| {
            !matches!(c, '"' | '\\') && c >= ' ' && (!standing.folds || c.is_ascii()) && !(standing.joined && c == ' ')
        };
        // Within a number's or a truth value's text there is no quote before or after.
        let lower = text.to_ascii_lowercase();
        let needs_string =
            text.chars().any(|c| !is_numeric(c)) && !"true".contains(&lower) && !"false".contains(&lower);
        let last = text.split(|c| !kept(c)).count().saturating_sub(1);
        let runs = text.split(|c| !kept(c)).enumerate();
        let needs = runs.map(|(at, run)| {
            if run.chars().all(is_numeric) {
                return Need::Nothing;
            }
            let mut literal = run.to_owned();
            if needs_string && begins && at == 0 {
                literal.insert(0, '"');
            }
            if needs_string && ends && at == last {
                literal.push('"');
            }
            if literal.len() < SHORTEST { Need::Nothing } else { self.literal(literal, standing.folds) }
        });
        Need::all(needs.collect::<Vec<_>>())
    }

    fn literal(&mut self, text: String, folds: bool) -> Need {
        let literal = Literal { text, folds };
        if let Some(known) = self.known.get(&literal) {
            return Need::Literal(*known);
        }
        self.literals.push(literal.clone());
        self.known.insert(literal, self.literals.len() - 1);
        Need::Literal(self.literals.len() - 1)
    }
}

/// What may stand in the text of a number.
fn is_numeric(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')
}

/// True if JSON writes the text as it is.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| !matches!(c, '"' | '\\') && c >= ' ')
}
