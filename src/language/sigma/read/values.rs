//! One key of a selection: what its modifiers make of its values.

use serde_json::Value;

use super::encoding::{Encoding, dashes, encoded};
use crate::language::pcre::{self, Flavor};
use crate::language::{FieldTable, FieldType};
use crate::logic::{
    Case, Comparison, Formula, Glob, Number, Origin, Path, Pattern, Piece, Predicate, Subject, Test, TextSet,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Equals,
    Contains,
    StartsWith,
    EndsWith,
    Regex,
    Cidr,
    Exists,
    Compare(Comparison),
    FieldRef,
}

struct Modifiers {
    kind: Kind,
    all: bool,
    cased: bool,
    windash: bool,
    folds: bool,
    flags: String,
    encodings: Vec<Encoding>,
}

/// Reads `field|modifiers: value`.
pub(super) fn read(subject: Subject, text: &str, value: &Value, fields: &FieldTable) -> Result<Formula, String> {
    let modifiers = modifiers(text)?;
    let values: Vec<&Value> = match value {
        Value::Array(values) if values.is_empty() => return Err("the list is empty".to_owned()),
        Value::Array(values) => values.iter().collect(),
        value => vec![value],
    };
    let kind = match &subject {
        Subject::Field(path) => path.segments().first().and_then(|name| fields.get(name)),
        Subject::Anywhere => None,
    };
    let case = if modifiers.cased || (modifiers.kind == Kind::Regex && !modifiers.folds) {
        Case::Sensitive
    } else {
        Case::Insensitive
    };
    let test = |predicate| Formula::Test(Test { subject: subject.clone(), predicate, origin: Origin::default() });
    let set = |patterns| test(Predicate::Text(TextSet::new(patterns, case)));
    let mut parts = Vec::new();
    let mut patterns = Vec::new();
    for value in values {
        match one(&subject, &modifiers, value, kind)? {
            Meaning::Patterns(alternatives) if modifiers.all => parts.push(set(alternatives)),
            Meaning::Patterns(alternatives) => patterns.extend(alternatives),
            Meaning::Predicate(predicate) => parts.push(test(predicate)),
            Meaning::Absent => parts.push(Formula::not(test(Predicate::Exists))),
            Meaning::Nothing => parts.push(Formula::or([
                Formula::not(test(Predicate::Exists)),
                test(Predicate::Text(TextSet::equals("", Case::Insensitive))),
            ])),
        }
    }
    if !patterns.is_empty() {
        parts.insert(0, set(patterns));
    }
    Ok(if modifiers.all { Formula::and(parts) } else { Formula::or(parts) })
}

fn modifiers(text: &str) -> Result<Modifiers, String> {
    let mut found = Modifiers {
        kind: Kind::Equals,
        all: false,
        cased: false,
        windash: false,
        folds: false,
        flags: String::new(),
        encodings: Vec::new(),
    };
    for word in text.split('|').filter(|_| !text.is_empty()) {
        let kind = match word {
            "contains" => Kind::Contains,
            "startswith" => Kind::StartsWith,
            "endswith" => Kind::EndsWith,
            "re" => Kind::Regex,
            "cidr" => Kind::Cidr,
            "exists" => Kind::Exists,
            "fieldref" => Kind::FieldRef,
            "gt" => Kind::Compare(Comparison::Greater),
            "gte" => Kind::Compare(Comparison::GreaterOrEqual),
            "lt" => Kind::Compare(Comparison::Less),
            "lte" => Kind::Compare(Comparison::LessOrEqual),
            "all" => {
                found.all = true;
                continue;
            }
            "cased" => {
                found.cased = true;
                continue;
            }
            "windash" => {
                found.windash = true;
                continue;
            }
            "i" | "m" | "s" if found.kind == Kind::Regex => {
                match word {
                    "i" => found.folds = true,
                    flag => found.flags.push_str(flag),
                }
                continue;
            }
            "wide" | "utf16le" | "utf16be" | "utf16" | "base64" | "base64offset" => {
                if found.kind != Kind::Equals {
                    return Err(format!("`{word}` stands after what it would change"));
                }
                found.encodings.push(match word {
                    "wide" | "utf16le" => Encoding::WideLittle,
                    "utf16be" => Encoding::WideBig,
                    "utf16" => Encoding::WideMarked,
                    "base64" => Encoding::Base64,
                    _ => Encoding::Base64Offset,
                });
                continue;
            }
            "expand" => return Err("`expand` fills in values that the rule does not have".to_owned()),
            other => return Err(format!("the modifier `{other}` is not read")),
        };
        if found.kind != Kind::Equals {
            return Err(format!("`{word}` contradicts the modifier before it"));
        }
        found.kind = kind;
    }
    let is_text = matches!(found.kind, Kind::Equals | Kind::Contains | Kind::StartsWith | Kind::EndsWith);
    if (found.windash || !found.encodings.is_empty()) && !is_text {
        return Err("`windash` and encodings change plain text only".to_owned());
    }
    if found.cased && !is_text && found.kind != Kind::Regex {
        return Err("`cased` is about text".to_owned());
    }
    if found.cased && found.folds {
        return Err("`cased` contradicts `i`".to_owned());
    }
    Ok(found)
}

enum Meaning {
    Patterns(Vec<Pattern>),
    Predicate(Predicate),
    /// No value.
    Absent,
    /// No value, or an empty one: what `null` says.
    Nothing,
}

fn one(subject: &Subject, modifiers: &Modifiers, value: &Value, kind: Option<FieldType>) -> Result<Meaning, String> {
    let is_keyword = *subject == Subject::Anywhere;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null if modifiers.kind == Kind::Equals && !is_keyword => return Ok(Meaning::Nothing),
        Value::Null => return Err("the value is null".to_owned()),
        Value::Object(_) | Value::Array(_) => return Err("a value is a map or a list".to_owned()),
    };
    Ok(match modifiers.kind {
        Kind::Exists => match value {
            _ if is_keyword => return Err("`exists` needs a field".to_owned()),
            Value::Bool(true) => Meaning::Predicate(Predicate::Exists),
            Value::Bool(false) => Meaning::Absent,
            _ => return Err("`exists` is true or false".to_owned()),
        },
        Kind::Compare(op) => match value.as_f64().and_then(Number::new) {
            Some(value) => Meaning::Predicate(Predicate::Number { op, value }),
            None => return Err(format!("`{text}` is no number")),
        },
        Kind::Cidr => match text.parse() {
            Ok(network) => Meaning::Predicate(Predicate::Network(network)),
            Err(_) => return Err(format!("`{text}` is no network")),
        },
        Kind::FieldRef if text.is_empty() || is_keyword => return Err("`fieldref` needs two fields".to_owned()),
        Kind::FieldRef => {
            Meaning::Predicate(Predicate::Field { op: Comparison::Equal, other: Path::from_segments([text]) })
        }
        Kind::Regex => {
            let expression = pcre::translate(&text, Flavor::Sigma)?;
            Meaning::Patterns(vec![Pattern::Regex(match modifiers.flags.as_str() {
                "" => expression,
                flags => format!("(?{flags}){expression}"),
            })])
        }
        Kind::Equals | Kind::Contains | Kind::StartsWith | Kind::EndsWith => {
            let is_plain = modifiers.kind == Kind::Equals
                && !is_keyword
                && modifiers.encodings.is_empty()
                && !modifiers.windash
                && !modifiers.cased;
            match value {
                Value::Bool(value) if is_plain => return Ok(Meaning::Predicate(Predicate::Boolean(*value))),
                Value::Number(number)
                    if is_plain && !matches!(kind, Some(FieldType::Text | FieldType::TextList | FieldType::Exact)) =>
                {
                    let value = number.as_f64().and_then(Number::new).ok_or("the number is too large")?;
                    return Ok(Meaning::Predicate(Predicate::Number { op: Comparison::Equal, value }));
                }
                _ => {}
            }
            let mut globs = encoded(wildcards(&text), &modifiers.encodings)?;
            if modifiers.windash {
                globs = dashes(globs)?;
            }
            let kind = if is_keyword && modifiers.kind == Kind::Equals { Kind::Contains } else { modifiers.kind };
            Meaning::Patterns(globs.into_iter().map(|pieces| Pattern::Glob(Glob::new(around(pieces, kind)))).collect())
        }
    })
}

fn around(mut pieces: Vec<Piece>, kind: Kind) -> Vec<Piece> {
    if matches!(kind, Kind::Contains | Kind::EndsWith) {
        pieces.insert(0, Piece::Any);
    }
    if matches!(kind, Kind::Contains | Kind::StartsWith) {
        pieces.push(Piece::Any);
    }
    pieces
}

/// A value's text and wildcards. A backslash takes the wildcard or backslash after it literally, and is itself before
/// anything else.
fn wildcards(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let wildcard = match c {
            '\\' => {
                literal.push(rest.next_if(|next| matches!(next, '\\' | '*' | '?')).unwrap_or('\\'));
                continue;
            }
            '*' => Piece::Any,
            '?' => Piece::One,
            c => {
                literal.push(c);
                continue;
            }
        };
        pieces.extend(
            [Piece::Literal(std::mem::take(&mut literal)), wildcard]
                .into_iter()
                .filter(|piece| !matches!(piece, Piece::Literal(text) if text.is_empty())),
        );
    }
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}
