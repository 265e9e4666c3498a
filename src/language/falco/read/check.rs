//! One check of a Falco condition, as logic: what its operator says of its field's type.
//!
//! A comparison is false without a value, `!=` too.

use std::net::IpAddr;

use ipnet::IpNet;

use super::lexer::{Value, fault};
use super::text::{self, Transform};
use crate::language::{FieldType, ReadError, ascii};
use crate::logic::{Case, Comparison, Formula, Glob, Number, Path, Pattern, Predicate, TextSet};

/// The left side of a check.
pub(super) struct Field {
    pub path: Path,
    pub name: String,
    pub kind: FieldType,
    /// Whether the field is known by name only, so that its type is as good as any.
    pub published: bool,
    pub transform: Option<Transform>,
    pub offset: usize,
}

/// Fields with several values of which a comparison asks for some one: every ancestor, both ends of a connection.
const SOME_VALUE: [&str; 8] =
    ["proc.aname", "proc.aexe", "proc.aexepath", "proc.acmdline", "proc.apid", "fd.ip", "fd.net", "fd.port"];

impl Field {
    fn asks_some(&self) -> bool {
        SOME_VALUE.contains(&self.name.as_str())
    }

    pub fn exists(&self) -> Formula {
        Formula::test(&self.path, Predicate::Exists)
    }

    fn test(&self, predicate: Predicate) -> Formula {
        Formula::test(&self.path, predicate)
    }

    /// The field has a value and `test` is false of it.
    fn differs(&self, test: Formula) -> Formula {
        Formula::and([self.exists(), Formula::not(test)])
    }

    fn wrong<T>(&self, operator: &str) -> Result<T, ReadError> {
        let kind = match self.kind {
            FieldType::Text | FieldType::Exact => "a text",
            FieldType::TextList => "a list",
            FieldType::Number => "a number",
            FieldType::Address => "an address",
            FieldType::Boolean => "a truth value",
            FieldType::Object => "an object",
            FieldType::Time => "a time",
            FieldType::HttpStatus => "a status as text",
        };
        fault(self.offset, format!("`{operator}` is not supported on `{}`, which is {kind}", self.name))
    }

    fn is_text(&self) -> bool {
        matches!(self.kind, FieldType::Text | FieldType::Exact | FieldType::Time | FieldType::HttpStatus)
            || (self.kind == FieldType::TextList && self.asks_some())
    }

    /// A test by a glob, with the transformer taken into account.
    fn glob(&self, glob: Glob) -> Formula {
        use crate::logic::Piece;
        let Some(transform) = self.transform else {
            return self.test(Predicate::Text(TextSet::new(vec![Pattern::Glob(glob)], Case::Sensitive)));
        };
        let excluded = glob.pieces().iter().any(|piece| match piece {
            Piece::Literal(text) => transform.excludes(text),
            Piece::Any | Piece::One => false,
        });
        if excluded { Formula::FALSE } else { self.test(Predicate::Text(ascii::folded(vec![glob]))) }
    }
}

/// A check with one value on its right.
pub(super) fn compare(field: &Field, operator: &str, value: &Value) -> Result<Formula, ReadError> {
    let pattern = |result: Result<Formula, String>| {
        result.or_else(|reason| fault(value.offset, format!("`{operator}`: {reason}")))
    };
    match operator {
        "=" | "==" => equals(field, value, operator),
        "!=" if field.asks_some() => some_differs(field, value),
        "!=" => Ok(field.differs(equals(field, value, operator)?)),
        "<" | "<=" | ">" | ">=" => {
            if !matches!(field.kind, FieldType::Number | FieldType::HttpStatus) && !field.published {
                return field.wrong(operator);
            }
            let number = number(field, value)?;
            let is_status = value.text.len() == 3 && !value.text.starts_with(['0', '+', '-']);
            if field.kind == FieldType::HttpStatus && !is_status {
                let message =
                    format!("`{}` is compared as text: only numbers of three digits tell anything", field.name);
                return fault(value.offset, message);
            }
            let op = match operator {
                "<" => Comparison::Less,
                "<=" => Comparison::LessOrEqual,
                ">" => Comparison::Greater,
                _ => Comparison::GreaterOrEqual,
            };
            Ok(field.test(Predicate::Number { op, value: number }))
        }
        _ if !field.is_text() => field.wrong(operator),
        "contains" => Ok(field.glob(Glob::contains(&value.text))),
        "startswith" => Ok(field.glob(Glob::starts_with(&value.text))),
        "endswith" => Ok(field.glob(Glob::ends_with(&value.text))),
        "icontains" => Ok(field.test(Predicate::Text(ascii::folded(vec![Glob::contains(&value.text)])))),
        "glob" => pattern(text::glob(&value.text).map(|glob| field.glob(glob))),
        "iglob" => pattern(text::glob(&value.text).map(|glob| field.test(Predicate::Text(ascii::folded(vec![glob]))))),
        "regex" => pattern(text::regex(&value.text).and_then(|regex| {
            let regex = match field.transform {
                Some(transform) => transform.before(&regex)?,
                None => regex,
            };
            Ok(field.test(Predicate::Text(TextSet::new(vec![Pattern::Regex(regex)], Case::Sensitive))))
        })),
        "bcontains" => pattern(bytes(&value.text).map(|text| field.glob(Glob::contains(text)))),
        "bstartswith" => pattern(bytes(&value.text).map(|text| field.glob(Glob::starts_with(text)))),
        _ => fault(field.offset, format!("unknown operator `{operator}`")),
    }
}

fn equals(field: &Field, value: &Value, operator: &str) -> Result<Formula, ReadError> {
    match field.kind {
        FieldType::HttpStatus if field.transform.is_none() && value.text.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(field.test(Predicate::Number { op: Comparison::Equal, value: number(field, value)? }))
        }
        _ if field.is_text() => {
            // The engine's own word for "no value" equals nothing.
            if value.text == "<NA>" { Ok(Formula::FALSE) } else { Ok(field.glob(Glob::equals(&value.text))) }
        }
        FieldType::Number => Ok(field.test(Predicate::Number { op: Comparison::Equal, value: number(field, value)? })),
        FieldType::Boolean => match value.text.as_str() {
            "true" => Ok(field.test(Predicate::Boolean(true))),
            "false" => Ok(field.test(Predicate::Boolean(false))),
            _ => fault(value.offset, format!("`{}` is `true` or `false`", field.name)),
        },
        FieldType::Address => Ok(field.test(Predicate::Network(network(field, value)?))),
        _ => field.wrong(operator),
    }
}

/// `!=` on a field with several values: some value differs.
fn some_differs(field: &Field, value: &Value) -> Result<Formula, ReadError> {
    if !field.is_text() || field.transform.is_some() {
        return fault(field.offset, format!("`!=` asks some value of `{}`: write `not … =`", field.name));
    }
    if value.text == "<NA>" {
        return Ok(field.exists());
    }
    Ok(field.test(Predicate::Text(TextSet::new(vec![text::none_of(&[&value.text])], Case::Sensitive))))
}

/// `in`, `intersects` and `pmatch`, whose lists are already spelled out.
pub(super) fn one_of(field: &Field, operator: &str, values: &[Value]) -> Result<Formula, ReadError> {
    if matches!(field.name.as_str(), "fd.ip" | "proc.apid") && operator == "in" {
        return fault(field.offset, format!("`{} in (…)` never matches in this engine", field.name));
    }
    let texts = || values.iter().map(|value| value.text.as_str()).filter(|text| *text != "<NA>");
    let set = |texts: Vec<Pattern>| {
        if texts.is_empty() {
            Formula::FALSE
        } else {
            field.test(Predicate::Text(TextSet::new(texts, Case::Sensitive)))
        }
    };
    match operator {
        "pmatch" => {
            if !field.is_text() || field.transform.is_some() {
                return field.wrong(operator);
            }
            let mut paths = Vec::new();
            for value in values {
                match text::path(&value.text) {
                    Ok(path) => paths.push(path),
                    Err(reason) => return fault(value.offset, reason),
                }
            }
            Ok(set(paths))
        }
        "intersects" if field.kind == FieldType::TextList && !field.asks_some() => {
            // A transformed list shares nothing with any list in this engine.
            if field.transform.is_some() {
                return Ok(Formula::FALSE);
            }
            Ok(set(texts().map(|text| Pattern::Glob(Glob::equals(text))).collect()))
        }
        // On one value it is `in`: Falco's own rules use it so.
        "intersects" if !field.is_text() => field.wrong(operator),
        _ if field.kind == FieldType::TextList && !field.asks_some() => {
            if field.transform.is_some() {
                return fault(field.offset, "a transformer on a list is not supported");
            }
            let texts: Vec<&str> = texts().collect();
            if texts.is_empty() {
                return Ok(Formula::FALSE);
            }
            let other = Predicate::Text(TextSet::new(vec![text::none_of(&texts)], Case::Sensitive));
            Ok(field.differs(field.test(other)))
        }
        _ if field.is_text() => match field.transform {
            None => Ok(set(texts().map(|text| Pattern::Glob(Glob::equals(text))).collect())),
            Some(_) => Ok(Formula::or(texts().map(|text| field.glob(Glob::equals(text))))),
        },
        _ if field.name.starts_with("fd.") && field.name.ends_with("net") && values.len() > 1 => {
            fault(field.offset, format!("`{} in (…)` tests the first value only in this engine", field.name))
        }
        _ => {
            let parts: Result<Vec<Formula>, ReadError> =
                values.iter().map(|value| equals(field, value, operator)).collect();
            Ok(Formula::or(parts?))
        }
    }
}

/// A check with another field on its right.
pub(super) fn compare_fields(field: &Field, operator: &str, other: &Field) -> Result<Formula, ReadError> {
    let comparable = field.kind == other.kind || field.published || other.published;
    if !comparable || matches!(field.kind, FieldType::TextList | FieldType::Object) {
        return fault(other.offset, format!("`{}` and `{}` are not comparable", field.name, other.name));
    }
    if field.asks_some() || other.asks_some() || field.transform.is_some() || other.transform.is_some() {
        return fault(other.offset, "this comparison of two fields is not supported");
    }
    let are_numbers = field.kind == FieldType::Number || field.published;
    let op = match operator {
        "=" | "==" | "!=" => Comparison::Equal,
        "<" if are_numbers => Comparison::Less,
        "<=" if are_numbers => Comparison::LessOrEqual,
        ">" if are_numbers => Comparison::Greater,
        ">=" if are_numbers => Comparison::GreaterOrEqual,
        _ => return fault(other.offset, format!("`{operator}` between two fields is not supported")),
    };
    let test = field.test(Predicate::Field { op, other: other.path.clone() });
    Ok(if operator == "!=" { Formula::and([field.exists(), other.exists(), Formula::not(test)]) } else { test })
}

fn number(field: &Field, value: &Value) -> Result<Number, ReadError> {
    let digits = value.text.strip_prefix(['+', '-']).unwrap_or(&value.text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match value.text.parse().ok().and_then(Number::new) {
        Some(number) if is_whole => Ok(number),
        _ => fault(value.offset, format!("`{}` is compared with a whole decimal number", field.name)),
    }
}

fn network(field: &Field, value: &Value) -> Result<IpNet, ReadError> {
    let is_net = field.name.ends_with("net");
    let found = match (value.text.parse::<IpAddr>(), value.text.parse::<IpNet>()) {
        (Ok(address), _) => Some(IpNet::from(address)),
        (_, Ok(network)) if is_net => Some(network),
        (_, Ok(_)) => {
            return fault(
                value.offset,
                format!("`{}` is compared with one address; networks go with `fd.snet`", field.name),
            );
        }
        _ => None,
    };
    found.map_or_else(|| fault(value.offset, format!("`{}` is no address", value.text)), Ok)
}

/// The text of a value in hexadecimal digits.
fn bytes(hex: &str) -> Result<String, String> {
    let wrong = || "the value is an even number of hexadecimal digits".to_owned();
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return Err(wrong());
    }
    let bytes: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|i| hex.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    String::from_utf8(bytes.ok_or_else(wrong)?).map_err(|_| "the bytes are no UTF-8 text".to_owned())
}
