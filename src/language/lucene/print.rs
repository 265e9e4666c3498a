//! Formulas in Lucene's query_string syntax, over keyword fields.
//!
//! A purely negative clause inside parentheses matches nothing there, so every negation is taken from `*:*`. Operators
//! side by side are always parenthesised, because this syntax has no true precedence.

use crate::language::fields::FieldType;
use crate::language::fragment::{Between, Fragment, Strength};
use crate::language::walk::{Dialect, Field, Refusal, Words};
use crate::language::{Expressions, text};
use crate::logic::{Case, Comparison, Glob, Pattern, Piece, Predicate, TextSet};

/// Lucene's dialect.
pub(in crate::language) struct Lucene;

static WORDS: Words = Words {
    and: ("AND", Strength(1)),
    or: ("OR", Strength(1)),
    // The negation holds a conjunction, and binds as one.
    not: ("*:* AND NOT ", Strength(1)),
    truth: Some("*:*"),
    falsehood: None,
};

impl Dialect for Lucene {
    fn name(&self) -> &'static str {
        "Lucene's query_string"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal> {
        let name = escaped(field.name)?;
        if text::is_anything(predicate) {
            return Ok(Fragment::atom(format!("_exists_:{name}")));
        }
        match predicate {
            Predicate::Text(set) => texts(field, &name, set),
            Predicate::Number { op, value } if matches!(field.kind, None | Some(FieldType::Number)) => {
                Ok(Fragment::atom(match op {
                    Comparison::Equal => format!("{name}:\"{value}\""),
                    Comparison::Less => format!("{name}:[* TO {value}}}"),
                    Comparison::LessOrEqual => format!("{name}:[* TO {value}]"),
                    Comparison::Greater => format!("{name}:{{{value} TO *]"),
                    Comparison::GreaterOrEqual => format!("{name}:[{value} TO *]"),
                }))
            }
            Predicate::Number { .. } => Err(format!("`{}` is no number there", field.name)),
            Predicate::Network(network) => match field.kind {
                Some(FieldType::Address) => Ok(Fragment::atom(format!("{name}:\"{network}\""))),
                _ => Err(format!("networks can be asked of fields of type ip only, and `{}` is none", field.name)),
            },
            Predicate::Boolean(value) => Ok(Fragment::atom(format!("{name}:{value}"))),
            Predicate::Exists => Ok(Fragment::atom(format!("_exists_:{name}"))),
            Predicate::Field { .. } => Err("Lucene's query_string cannot compare two fields".to_owned()),
            Predicate::Encoded(..) => Err("a text was not spelled as the field has it before printing".to_owned()),
            Predicate::Option(_) => Err("an option was not lowered to text before printing".to_owned()),
        }
    }
}

fn texts(field: Field<'_>, name: &str, set: &TextSet) -> Result<Fragment, Refusal> {
    if text::case(set) == Case::Insensitive {
        return Err("Lucene's query_string has no operator that ignores case".to_owned());
    }
    let exact = text::values(set).is_some();
    match field.kind {
        Some(FieldType::Object) => {
            return Err(format!("`{}` is an object, of which only the presence can be asked", field.name));
        }
        Some(FieldType::Exact | FieldType::Number | FieldType::Address | FieldType::Boolean) if !exact => {
            return Err(format!("`{}` knows exact values only", field.name));
        }
        _ => {}
    }
    let values =
        set.any.iter().map(|pattern| value(pattern, field.expressions)).collect::<Result<Vec<_>, Refusal>>()?;
    Ok(match <[String; 1]>::try_from(values) {
        Ok([value]) => Fragment::atom(format!("{name}:{value}")),
        Err(values) if values.is_empty() => return Err("there is no word for an empty list".to_owned()),
        Err(values) => Fragment::list(format!("{name}:("), values, Between::Word("OR"), ")"),
    })
}

fn value(pattern: &Pattern, expressions: &Expressions) -> Result<String, Refusal> {
    match (pattern, text::value(pattern)) {
        (_, Some(text)) => Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
        (Pattern::Glob(glob), None) if text::literals(glob).all(|text| !text.contains(['<', '>'])) => wild(glob),
        (pattern, None) => Ok(format!("/{}/", expressions.lucene(pattern, false)?.replace('/', "\\/"))),
    }
}

fn wild(glob: &Glob) -> Result<String, Refusal> {
    let parts = glob.pieces().iter().map(|piece| match piece {
        Piece::Any => Ok("*".to_owned()),
        Piece::One => Ok("?".to_owned()),
        Piece::Literal(text) => escaped(text),
    });
    parts.collect()
}

/// Text outside quotes. `<` and `>` cannot be escaped at all.
fn escaped(text: &str) -> Result<String, Refusal> {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' | '>' => return Err(format!("Lucene's query_string cannot escape `{c}`")),
            c if c.is_ascii_alphanumeric()
                || matches!(c, '_' | '.' | '@' | ',' | ';' | '%')
                || !c.is_ascii() && !c.is_whitespace() =>
            {
                out.push(c)
            }
            c => out.extend(['\\', c]),
        }
    }
    Ok(out)
}
