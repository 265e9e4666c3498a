//! Conditions over selections, in Sigma's syntax: `a and not (b or 1 of c*)`.

use std::collections::BTreeSet;
use std::ops::Range;

use indexmap::IndexMap;

use crate::logic::{Formula, serial};

use super::lower::{MAX_TESTS, count};

/// How deep parentheses and `not` may nest.
const MAX_DEPTH: usize = 50;

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which bytes of it.
    pub range: Range<usize>,
    /// In which way.
    pub kind: FaultKind,
}

/// In which way a condition is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It cannot be read: what was found, and what was wanted.
    Syntax(String, String),
    /// Something in it means nothing: what was found, and what to do.
    Foreign(String, String),
    /// It names a selection that there is none of.
    Unknown(String),
    /// It comes to too many tests.
    TooLarge,
}

/// A condition with its selections put in, and the names that it used.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The whole of it.
    pub formula: Formula,
    /// The selections that take part.
    pub used: BTreeSet<String>,
}

/// Reads a condition over selections. What is wrong comes in the order of the text: every selection that there is
/// none of, and the first other fault.
pub fn parse(text: &str, selections: &IndexMap<String, Formula>) -> Result<Condition, Vec<Fault>> {
    let sizes = selections.iter().map(|(name, formula)| (name.as_str(), count(formula))).collect();
    let mut parser = Parser {
        tokens: tokens(text).map_err(|fault| vec![fault])?,
        at: 0,
        end: text.len(),
        depth: 0,
        tests: 0,
        selections,
        sizes,
        used: BTreeSet::new(),
        unknown: Vec::new(),
    };
    let whole = parser.or().and_then(|formula| match parser.peek() {
        Some(token) => {
            let wanted = "`and`, `or` or the end".to_owned();
            let kind = FaultKind::Syntax(format!("`{}` stands where an operator should", token.text), wanted);
            Err(Fault { range: token.range.clone(), kind })
        }
        None => Ok(formula),
    });
    let mut faults = parser.unknown;
    match whole {
        Ok(formula) if faults.is_empty() => return Ok(Condition { formula, used: parser.used }),
        Ok(_) => {}
        Err(fault) => faults.push(fault),
    }
    Err(faults)
}

#[derive(Clone, Debug)]
struct Token<'t> {
    text: &'t str,
    range: Range<usize>,
}

impl Token<'_> {
    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut tokens = Vec::new();
    let mut letters = text.char_indices().peekable();
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | '?' | '.');
    while let Some((start, letter)) = letters.next() {
        let mut end = start + letter.len_utf8();
        if letter.is_whitespace() {
            continue;
        }
        if in_word(letter) {
            while let Some((at, next)) = letters.next_if(|(_, next)| in_word(*next)) {
                end = at + next.len_utf8();
            }
        } else if !matches!(letter, '(' | ')') {
            let counts = tokens.last().is_some_and(|token: &Token<'_>| token.is("of"))
                || tokens.iter().rev().nth(1).is_some_and(|token| token.is("of"));
            let hint = match letter {
                '[' | ',' if counts => {
                    "`1 of` takes what names have in common: `1 of name*`; selections alone are joined: `(a or b)`"
                }
                '|' => "aggregations such as `| count()` are no part of a detection",
                '&' => "write `and`",
                '!' => "write `not`",
                _ => "a condition is built of selections, `and`, `or`, `not`, `1 of`, `all of` and parentheses",
            };
            let kind = FaultKind::Foreign(format!("`{}` means nothing here", letter.escape_debug()), hint.to_owned());
            return Err(Fault { range: start..end, kind });
        }
        tokens.push(Token { text: text.get(start..end).unwrap_or_default(), range: start..end });
    }
    Ok(tokens)
}

struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    at: usize,
    end: usize,
    depth: usize,
    tests: usize,
    selections: &'t IndexMap<String, Formula>,
    sizes: std::collections::HashMap<&'t str, usize>,
    used: BTreeSet<String>,
    /// Names of selections that there are none of.
    unknown: Vec<Fault>,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&Token<'t>> {
        self.tokens.get(self.at)
    }

    fn next_is(&mut self, word: &str) -> bool {
        let is = self.peek().is_some_and(|token| token.is(word));
        self.at += usize::from(is);
        is
    }

    fn fault(&self, found: impl Into<String>, wanted: &str) -> Fault {
        let range = self.peek().map_or(self.end.saturating_sub(1)..self.end, |token| token.range.clone());
        Fault { range, kind: FaultKind::Syntax(found.into(), wanted.to_owned()) }
    }

    fn or(&mut self) -> Result<Formula, Fault> {
        let mut parts = vec![self.and()?];
        while self.next_is("or") {
            parts.push(self.and()?);
        }
        Ok(Formula::or(parts))
    }

    fn and(&mut self) -> Result<Formula, Fault> {
        let mut parts = vec![self.not()?];
        while self.next_is("and") {
            parts.push(self.not()?);
        }
        Ok(Formula::and(parts))
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault("parentheses and `not` nest too deeply", "give a part of it a selection of its own"));
        }
        Ok(())
    }

    fn not(&mut self) -> Result<Formula, Fault> {
        if !self.next_is("not") {
            return self.primary();
        }
        self.deeper()?;
        let part = self.not()?;
        self.depth -= 1;
        Ok(Formula::not(part))
    }

    fn primary(&mut self) -> Result<Formula, Fault> {
        if self.next_is("(") {
            self.deeper()?;
            let inner = self.or()?;
            if !self.next_is(")") {
                return Err(self.fault("a parenthesis is not closed", "`)`"));
            }
            self.depth -= 1;
            return Ok(inner);
        }
        let Some(token) = self.peek().cloned() else {
            return Err(self.fault("the condition ends too early", "a selection"));
        };
        if [")", "and", "or", "of"].iter().any(|word| token.is(word)) {
            return Err(self.fault(format!("`{}` stands where a selection should", token.text), "a selection"));
        }
        self.at += 1;
        if self.next_is("of") {
            return self.quantified(&token);
        }
        if token.text.contains(['*', '?']) {
            let wanted = format!("`1 of {0}` or `all of {0}`", token.text);
            let kind = FaultKind::Syntax(format!("`{}` names several selections", token.text), wanted);
            return Err(Fault { range: token.range, kind });
        }
        let token_name = token.text;
        self.take(token_name, &token.range)
    }

    /// `COUNT of PATTERN`.
    fn quantified(&mut self, quantity: &Token<'t>) -> Result<Formula, Fault> {
        let Some(pattern) = self.peek().cloned() else {
            return Err(self.fault("the condition ends too early", "`them`, or a selection with `*`"));
        };
        if pattern.is("(") || pattern.is(")") {
            let found = format!("`{}` stands where the name of selections should", pattern.text);
            return Err(self.fault(found, "`them`, or a selection with `*`, without parentheses"));
        }
        self.at += 1;
        let names: Vec<&'t str> = self
            .selections
            .keys()
            .map(String::as_str)
            // As in Sigma, `them` leaves out what begins with an underscore.
            .filter(|name| if pattern.is("them") { !name.starts_with('_') } else { fits(pattern.text, name) })
            .collect();
        if names.is_empty() {
            self.unknown.push(Fault { range: pattern.range, kind: FaultKind::Unknown(pattern.text.to_owned()) });
            return Ok(Formula::TRUE);
        }
        let wanted = match quantity.text.to_ascii_lowercase().as_str() {
            "all" => names.len(),
            "any" => 1,
            number => match number.parse::<usize>() {
                Ok(count) if (1..=names.len()).contains(&count) => count,
                Ok(count) => {
                    let found = format!("`{count} of {}` asks for {count} of {}", pattern.text, names.len());
                    let kind = FaultKind::Syntax(found, format!("a number from 1 to {}", names.len()));
                    return Err(Fault { range: quantity.range.clone(), kind });
                }
                Err(_) => {
                    let found = format!("`{}` is no quantity", quantity.text);
                    let kind = FaultKind::Syntax(found, "a number or `all` before `of`".to_owned());
                    return Err(Fault { range: quantity.range.clone(), kind });
                }
            },
        };
        let mut parts = Vec::new();
        for name in names {
            parts.push(self.take(name, &pattern.range)?);
        }
        // Neither the order of the selections nor their names are any part of what they say.
        parts.sort_by_cached_key(serial::order);
        Ok(Formula::at_least(wanted, parts))
    }

    fn take(&mut self, name: &str, range: &Range<usize>) -> Result<Formula, Fault> {
        let Some(formula) = self.selections.get(name) else {
            self.unknown.push(Fault { range: range.clone(), kind: FaultKind::Unknown(name.to_owned()) });
            return Ok(Formula::TRUE);
        };
        self.tests += self.sizes.get(name).copied().unwrap_or(0).max(1);
        if self.tests > MAX_TESTS {
            return Err(Fault { range: range.clone(), kind: FaultKind::TooLarge });
        }
        self.used.insert(name.to_owned());
        Ok(formula.clone())
    }
}

/// Whether a name fits a pattern with `*` and `?`.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let pattern = super::value::text(pattern, false, false);
    crate::logic::TextSet::new(vec![pattern], crate::logic::Case::Sensitive).is_match(name, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::Path;

    fn selections() -> IndexMap<String, Formula> {
        ["a", "b", "c1", "c2", "c3", "_hidden"]
            .into_iter()
            .map(|name| {
                let path = Path::from_segments([name]);
                (name.to_owned(), Formula::test(&path, crate::logic::Predicate::Exists))
            })
            .collect()
    }

    fn read(text: &str) -> Formula {
        parse(text, &selections()).unwrap_or_else(|faults| panic!("{text}: {faults:?}")).formula
    }

    #[test]
    fn and_binds_tighter_than_or_and_not_tighter_than_both() {
        let [a, b, c] = ["a", "b", "c1"].map(read);
        assert_eq!(
            read("a or b and not c1"),
            Formula::or([a.clone(), Formula::and([b.clone(), Formula::not(c.clone())])])
        );
        assert_eq!(read("(a OR b) AND c1"), Formula::and([Formula::or([a, b]), c]));
    }

    #[test]
    fn quantities_count_selections() {
        let parts = || vec![read("c1"), read("c2"), read("c3")];
        assert_eq!(read("2 of c*"), Formula::AtLeast { count: 2, of: parts() });
        assert_eq!(read("1 of c*"), Formula::or(parts()));
        assert_eq!(read("all of c?"), Formula::and(parts()));
        assert_eq!(read("all of them"), Formula::and([read("a"), read("b")].into_iter().chain(parts())));
    }

    #[test]
    fn faults_say_where() {
        for (text, start) in [
            ("a and", 4),
            ("a b", 2),
            ("(a", 1),
            ("a)", 1),
            ("nope", 0),
            ("a and x*", 6),
            ("4 of c*", 0),
            ("some of c*", 0),
            ("1 of z*", 5),
            ("a | count() > 5", 2),
            ("", 0),
        ] {
            let faults = parse(text, &selections()).expect_err(text);
            assert_eq!(faults.iter().map(|fault| fault.range.start).collect::<Vec<_>>(), [start], "{text}: {faults:?}");
        }
        let starts = |text: &str| -> Vec<usize> {
            parse(text, &selections()).expect_err(text).iter().map(|fault| fault.range.start).collect()
        };
        assert_eq!(starts("x and a or not y and 1 of z*"), [0, 15, 26]);
        assert_eq!(starts("x and a b"), [0, 8]);
        assert!(parse(&"(".repeat(100_000), &selections()).is_err());
        assert!(parse(&"not ".repeat(100_000), &selections()).is_err());
    }
}
