//! EQL read into logic: event queries (`process where …`) and bare conditions. Sequences are refused.
//!
//! Elasticsearch pushes every negation down to the tests before it translates them, and what a negated test does
//! with a missing field depends on its kind: ranges are flipped and functions with `~` run as null-safe scripts, so
//! that neither ever matches a missing field; all others become `must_not` and do match it. The formula read says
//! so exactly. Where case is ignored, it is that of ASCII letters, and in a regular expression that of single letters alone:
//! a range such as `[a-c]` keeps its case.

mod lexer;
mod lucene;

use std::net::IpAddr;

use ipnet::IpNet;

use self::lexer::{Kind, Token};
use crate::language::{FieldTable, FieldType, ReadError, ascii};
use crate::logic::{Case, Comparison, Formula, Glob, Number, Path, Pattern, Piece, Predicate, TextSet};

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 100;

/// Reads a query over the fields of a target. The category is what stands before `where`; `any`, and a bare
/// condition, have none.
pub fn read(text: &str, fields: &FieldTable) -> Result<(Option<String>, Formula), ReadError> {
    let mut reader =
        Reader { tokens: lexer::tokens(text)?, at: 0, depth: 0, fields, length: text.len(), negated: false };
    let category = reader.category()?;
    let formula = reader.either()?;
    match reader.peek() {
        None => Ok((category, formula)),
        Some(Kind::Sign("|")) => reader.fault("pipes are not supported"),
        Some(_) => reader.fault("expected `and`, `or` or the end of the query"),
    }
}

struct Reader<'t> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    length: usize,
    fields: &'t FieldTable,
    /// Whether an odd number of `not` stands around what is being read.
    negated: bool,
}

/// One side of a comparison.
enum Operand {
    Field(Field),
    Text(String),
    Number(Number),
    Boolean(bool),
    Null,
}

#[derive(Clone)]
struct Field {
    path: Path,
    name: String,
    kind: FieldType,
    offset: usize,
}

fn error<T>(offset: usize, reason: impl Into<String>) -> Result<T, ReadError> {
    Err(ReadError { offset, reason: reason.into() })
}

const KEYWORDS: [&str; 24] = [
    "and",
    "any",
    "by",
    "false",
    "fork",
    "in",
    "in~",
    "join",
    "like",
    "like~",
    "maxspan",
    "not",
    "null",
    "of",
    "or",
    "regex",
    "regex~",
    "sample",
    "sequence",
    "true",
    "until",
    "where",
    "with",
    "missing_events",
];

impl Reader<'_> {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.length, |token| token.offset)
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Result<T, ReadError> {
        error(self.offset(), reason)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Name(name)) if name == word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn take_sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Sign(sign)) if *sign == wanted);
        self.at += usize::from(found);
        found
    }

    fn expect_sign(&mut self, wanted: &str) -> Result<(), ReadError> {
        if self.take_sign(wanted) { Ok(()) } else { self.fault(format!("expected `{wanted}`")) }
    }

    fn category(&mut self) -> Result<Option<String>, ReadError> {
        for word in ["sequence", "join", "sample"] {
            if self.is_word(word) {
                return self.fault(format!("`{word}` asks several events; only conditions on one event are read"));
            }
        }
        let follows = matches!(self.tokens.get(self.at + 1), Some(Token { kind: Kind::Name(w), .. }) if w == "where");
        if !follows {
            return Ok(None);
        }
        let category = match self.peek() {
            Some(Kind::Name(name)) if name == "any" => None,
            Some(Kind::Name(name) | Kind::Quoted(name) | Kind::Text(name)) => Some(name.clone()),
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(category)
    }

    /// What `formula` becomes under the negations around it, for tests whose negation is a `must_not`.
    fn signed(&self, formula: Formula) -> Formula {
        if self.negated { Formula::not(formula) } else { formula }
    }

    fn either(&mut self) -> Result<Formula, ReadError> {
        let mut parts = vec![self.both()?];
        while self.take_word("or") {
            parts.push(self.both()?);
        }
        Ok(if self.negated { Formula::and(parts) } else { Formula::or(parts) })
    }

    fn both(&mut self) -> Result<Formula, ReadError> {
        let mut parts = vec![self.negation()?];
        while self.take_word("and") {
            parts.push(self.negation()?);
        }
        Ok(if self.negated { Formula::or(parts) } else { Formula::and(parts) })
    }

    fn negation(&mut self) -> Result<Formula, ReadError> {
        let around = self.negated;
        while self.take_word("not") {
            self.negated = !self.negated;
        }
        let formula = self.comparison();
        self.negated = around;
        formula
    }

    fn comparison(&mut self) -> Result<Formula, ReadError> {
        if self.take_sign("(") {
            if self.depth >= MAX_DEPTH {
                return self.fault("the query is nested too deeply");
            }
            self.depth += 1;
            let inner = self.either()?;
            self.depth -= 1;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        if let (Some(Kind::Name(name)), Some(Token { kind: Kind::Sign("("), .. })) =
            (self.peek(), self.tokens.get(self.at + 1))
            && !KEYWORDS.contains(&name.as_str())
        {
            let name = name.clone();
            return self.function(&name);
        }
        let offset = self.offset();
        let left = self.operand()?;
        let operator = self.offset();
        let kind = self.peek().cloned();
        match kind {
            Some(Kind::Sign(sign @ ("==" | "!=" | "<" | "<=" | ">" | ">="))) => {
                self.at += 1;
                let right = self.operand()?;
                match (left, right) {
                    (Operand::Field(_), Operand::Field(_)) => {
                        error(operator, "EQL does not compare two fields with each other")
                    }
                    (Operand::Field(field), value) => self.compare(&field, sign, value),
                    (value, Operand::Field(field)) => self.compare(&field, mirrored(sign), value),
                    _ => error(operator, "a comparison asks a field"),
                }
            }
            Some(Kind::Sign("=")) => error(operator, "equality is written `==`"),
            Some(Kind::Sign("!:")) => error(operator, "`!:` is not supported: write `not field : value`"),
            Some(Kind::Sign("+" | "-" | "*" | "/" | "%" | "[")) => error(operator, "arithmetic is not supported"),
            Some(Kind::Sign(":")) => {
                self.at += 1;
                let field = as_field(left, offset)?;
                self.like(&field, Case::Insensitive, ":")
            }
            Some(Kind::Name(word)) if matches!(word.as_str(), "like" | "like~" | "regex" | "regex~") => {
                self.at += 1;
                let field = as_field(left, offset)?;
                let insensitive = word.ends_with('~');
                let case = if insensitive { Case::Insensitive } else { Case::Sensitive };
                if word.starts_with("like") {
                    self.like(&field, case, &word)
                } else {
                    self.regex(&field, insensitive, &word)
                }
            }
            Some(Kind::Name(word)) if matches!(word.as_str(), "in" | "in~" | "not") => {
                self.at += 1;
                let field = as_field(left, offset)?;
                let around = self.negated;
                let mut word = word;
                if word == "not" {
                    self.negated = !self.negated;
                    word = match self.peek() {
                        Some(Kind::Name(next)) if matches!(next.as_str(), "in" | "in~") => next.clone(),
                        _ => return self.fault("expected `in` after `not`"),
                    };
                    self.at += 1;
                }
                let formula = self.one_of(&field, word == "in~");
                self.negated = around;
                formula
            }
            _ => match left {
                Operand::Boolean(value) => Ok(self.signed(if value { Formula::TRUE } else { Formula::FALSE })),
                Operand::Field(field) if field.kind == FieldType::Boolean => {
                    self.compare(&field, "==", Operand::Boolean(true))
                }
                _ => error(operator, "expected a comparison"),
            },
        }
    }

    fn operand(&mut self) -> Result<Operand, ReadError> {
        let offset = self.offset();
        let optional = self.take_sign("?");
        let minus = !optional && self.take_sign("-");
        let Some(kind) = self.peek().cloned() else { return self.fault("expected a field or a value") };
        self.at += 1;
        if minus {
            return match kind {
                Kind::Number(text) => parse_number(&format!("-{text}"), offset).map(Operand::Number),
                _ => error(offset, "arithmetic is not supported"),
            };
        }
        match kind {
            Kind::Name(name) if !optional && name == "null" => Ok(Operand::Null),
            Kind::Name(name) if !optional && name == "true" => Ok(Operand::Boolean(true)),
            Kind::Name(name) if !optional && name == "false" => Ok(Operand::Boolean(false)),
            // A keyword is one in every part of a name.
            Kind::Name(name) if name.split('.').any(|part| KEYWORDS.contains(&part)) => {
                error(offset, format!("`{name}` has a keyword in it; write it in backticks to name a field"))
            }
            Kind::Name(name) | Kind::Quoted(name) => match self.fields.get(&name) {
                Some(kind) => {
                    Ok(Operand::Field(Field { path: Path::from_segments([name.as_str()]), name, kind, offset }))
                }
                None => error(offset, format!("unknown field `{name}`")),
            },
            Kind::Text(text) if !optional => Ok(Operand::Text(text)),
            Kind::Number(text) if !optional => parse_number(&text, offset).map(Operand::Number),
            _ => error(offset, "expected a field or a value"),
        }
    }

    fn compare(&self, field: &Field, sign: &str, value: Operand) -> Result<Formula, ReadError> {
        let op = match sign {
            "==" | "!=" => {
                let equal = match value {
                    Operand::Null => Formula::not(Formula::test(&field.path, Predicate::Exists)),
                    value => equal(field, value, Case::Sensitive)?,
                };
                return Ok(self.signed(if sign == "!=" { Formula::not(equal) } else { equal }));
            }
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            _ => Comparison::GreaterOrEqual,
        };
        match value {
            Operand::Number(value) if field.kind == FieldType::Number => {
                let op = if self.negated { flipped(op) } else { op };
                Ok(Formula::test(&field.path, Predicate::Number { op, value }))
            }
            _ => error(field.offset, format!("`{sign}` is read on numbers only, not on `{}`", field.name)),
        }
    }

    fn one_of(&mut self, field: &Field, insensitive: bool) -> Result<Formula, ReadError> {
        self.expect_sign("(")?;
        let case = if insensitive { Case::Insensitive } else { Case::Sensitive };
        let mut parts = Vec::new();
        let mut texts: Vec<Glob> = Vec::new();
        loop {
            let offset = self.offset();
            match self.operand()? {
                Operand::Field(_) => return error(offset, "a list holds values, not fields"),
                Operand::Null => return error(offset, "`null` in a list never matches: write `field == null`"),
                Operand::Text(text) if is_text(field.kind) => texts.push(Glob::equals(text)),
                value => parts.push(equal(field, value, case)?),
            }
            if !self.take_sign(",") {
                break;
            }
        }
        self.expect_sign(")")?;
        if !texts.is_empty() {
            parts.push(globs_test(field, texts, case)?);
        }
        Ok(self.signed(Formula::or(parts)))
    }

    /// One string or a list of strings in parentheses, each with its place.
    fn patterns(&mut self, word: &str) -> Result<Vec<(usize, String)>, ReadError> {
        let list = self.take_sign("(");
        let mut found = Vec::new();
        loop {
            match self.peek().cloned() {
                Some(Kind::Text(text)) => found.push((self.offset(), text)),
                _ => return self.fault(format!("`{word}` takes strings")),
            }
            self.at += 1;
            if !(list && self.take_sign(",")) {
                break;
            }
        }
        if list {
            self.expect_sign(")")?;
        }
        Ok(found)
    }

    fn like(&mut self, field: &Field, case: Case, word: &str) -> Result<Formula, ReadError> {
        let globs: Vec<Glob> = self.patterns(word)?.iter().map(|(_, text)| wildcards(text)).collect();
        Ok(self.signed(globs_test(field, globs, case)?))
    }

    fn regex(&mut self, field: &Field, insensitive: bool, word: &str) -> Result<Formula, ReadError> {
        let mut any = Vec::new();
        for (offset, source) in self.patterns(word)? {
            match lucene::translate(&source, insensitive) {
                Ok(regex) => any.push(Pattern::Regex(regex)),
                Err((_, reason)) => return error(offset, format!("regular expression: {reason}")),
            }
        }
        if field.kind == FieldType::Exact {
            return error(field.offset, exact_only(&field.name));
        }
        Ok(self.signed(text_test(field, TextSet::new(any, Case::Sensitive))?))
    }

    fn function(&mut self, name: &str) -> Result<Formula, ReadError> {
        let start = self.offset();
        // Elasticsearch takes the names of functions in any case.
        let lower = name.to_ascii_lowercase();
        let (plain, insensitive) = lower.strip_suffix('~').map_or((lower.as_str(), false), |plain| (plain, true));
        let case = if insensitive { Case::Insensitive } else { Case::Sensitive };
        let shape: fn(&str) -> Glob = match plain {
            "startswith" => |text| Glob::starts_with(text),
            "endswith" => |text| Glob::ends_with(text),
            "stringcontains" => |text| Glob::contains(text),
            "wildcard" => wildcards,
            "cidrmatch" if !insensitive => |text| Glob::equals(text),
            _ => return error(start, format!("the function `{name}` is not supported")),
        };
        self.at += 2;
        let offset = self.offset();
        let field = as_field(self.operand()?, offset)?;
        let mut arguments = Vec::new();
        while self.take_sign(",") {
            match self.peek().cloned() {
                Some(Kind::Text(text)) => arguments.push((self.offset(), text)),
                _ => return self.fault("expected a string"),
            }
            self.at += 1;
        }
        self.expect_sign(")")?;
        let several = matches!(plain, "wildcard" | "cidrmatch");
        if arguments.is_empty() || (arguments.len() > 1 && !several) {
            return error(
                start,
                format!("`{name}` takes a field and {}", if several { "strings" } else { "one string" }),
            );
        }
        let test = if plain == "cidrmatch" {
            if field.kind != FieldType::Address {
                return error(field.offset, format!("`{}` is no address", field.name));
            }
            let mut networks = Vec::new();
            for (offset, text) in &arguments {
                match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
                    Ok(network) => networks.push(Formula::test(&field.path, Predicate::Network(network))),
                    Err(_) => return error(*offset, format!("`{text}` is no network")),
                }
            }
            Formula::or(networks)
        } else {
            if field.kind == FieldType::TextList {
                return error(field.offset, format!("`{}` has several values; functions fail on arrays", field.name));
            }
            globs_test(&field, arguments.iter().map(|(_, text)| shape(text)).collect(), case)?
        };
        // A null-safe script: false without a value, negated or not.
        if insensitive && self.negated {
            return Ok(Formula::and([Formula::test(&field.path, Predicate::Exists), Formula::not(test)]));
        }
        Ok(self.signed(test))
    }
}

fn mirrored(sign: &str) -> &str {
    match sign {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        same => same,
    }
}

fn flipped(op: Comparison) -> Comparison {
    match op {
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
        Comparison::Equal => Comparison::Equal,
    }
}

fn as_field(operand: Operand, offset: usize) -> Result<Field, ReadError> {
    match operand {
        Operand::Field(field) => Ok(field),
        _ => error(offset, "expected a field"),
    }
}

fn parse_number(text: &str, offset: usize) -> Result<Number, ReadError> {
    match text.parse().ok().and_then(Number::new) {
        Some(number) => Ok(number),
        None => error(offset, "the number is too large"),
    }
}

fn is_text(kind: FieldType) -> bool {
    matches!(kind, FieldType::Text | FieldType::TextList | FieldType::Exact)
}

fn exact_only(name: &str) -> String {
    format!("`{name}` is a key of a flattened field, which is compared with exact values only")
}

/// `*` and `?` are wildcards and nothing escapes them.
fn wildcards(text: &str) -> Glob {
    Glob::new(text.chars().map(|c| match c {
        '*' => Piece::Any,
        '?' => Piece::One,
        c => Piece::Literal(c.to_string()),
    }))
}

fn globs_test(field: &Field, globs: Vec<Glob>, case: Case) -> Result<Formula, ReadError> {
    if field.kind == FieldType::Exact {
        let exact = globs.iter().all(|glob| glob.pieces().iter().all(|piece| matches!(piece, Piece::Literal(_))));
        if !exact || case != Case::Sensitive {
            return error(field.offset, exact_only(&field.name));
        }
    }
    let set = match case {
        Case::Insensitive => ascii::folded(globs),
        case => TextSet::new(globs.into_iter().map(Pattern::Glob).collect(), case),
    };
    text_test(field, set)
}

fn text_test(field: &Field, set: TextSet) -> Result<Formula, ReadError> {
    if !is_text(field.kind) {
        return error(field.offset, format!("`{}` is no text field", field.name));
    }
    Ok(Formula::test(&field.path, Predicate::Text(set)))
}

fn equal(field: &Field, value: Operand, case: Case) -> Result<Formula, ReadError> {
    let predicate = match (value, field.kind) {
        (Operand::Text(text), kind) if is_text(kind) => {
            return globs_test(field, vec![Glob::equals(text)], case);
        }
        (Operand::Number(value), FieldType::Number) => Predicate::Number { op: Comparison::Equal, value },
        (Operand::Boolean(value), FieldType::Boolean) => Predicate::Boolean(value),
        (Operand::Text(text), FieldType::Address) => match text.parse::<IpAddr>() {
            Ok(address) => Predicate::Network(IpNet::from(address)),
            Err(_) => {
                return error(field.offset, format!("`{}` is compared with an address; use cidrMatch", field.name));
            }
        },
        _ => return error(field.offset, format!("the value does not fit the type of `{}`", field.name)),
    };
    Ok(Formula::test(&field.path, predicate))
}

#[cfg(test)]
#[path = "read/tests.rs"]
mod tests;
