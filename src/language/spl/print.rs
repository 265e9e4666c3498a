//! Formulas as terms of Splunk's `search` command.
//!
//! `search` ignores the case of values, knows `*` and nothing else, and has no way to write a literal `*`. `NOT f=x`
//! keeps events without `f`, so negation needs no guard. OR binds tighter than AND there and looser in `where`, so
//! the two side by side are always parenthesised.

use crate::language::fields::FieldType;
use crate::language::fragment::{Between, Fragment, Strength};
use crate::language::text;
use crate::language::walk::{Dialect, Field, Refusal, Words};
use crate::logic::{Case, Comparison, Glob, Pattern, Piece, Predicate, Shape, TextSet};

/// The dialect of `search`.
pub(in crate::language) struct Search;

static WORDS: Words = Words {
    and: ("AND", Strength(1)),
    or: ("OR", Strength(1)),
    not: ("NOT ", Strength(2)),
    truth: Some("*"),
    falsehood: Some("NOT *"),
};

impl Dialect for Search {
    fn name(&self) -> &'static str {
        "Splunk's `search`"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal> {
        let name = field_name(field.name)?;
        if text::is_anything(predicate) {
            return Ok(Fragment::atom(format!("{name}=*")));
        }
        match predicate {
            Predicate::Text(set) => {
                let values = values(set)?;
                Ok(match <[String; 1]>::try_from(values) {
                    Ok([value]) => Fragment::atom(format!("{name}={value}")),
                    Err(values) if values.is_empty() => return Err("`search` has no word for an empty list".to_owned()),
                    Err(values) => Fragment::list(format!("{name} IN ("), values, Between::Comma, ")"),
                })
            }
            Predicate::Number { op, value } if is_of(field, FieldType::Number) => Ok(Fragment::atom(match op {
                Comparison::Equal => format!("{name}={value}"),
                op => format!("{name}{}{value}", op.sign()),
            })),
            Predicate::Network(network) if is_of(field, FieldType::Address) => {
                Ok(Fragment::atom(format!("{name}={network}")))
            }
            Predicate::Boolean(value) if is_of(field, FieldType::Boolean) => {
                Ok(Fragment::atom(format!("{name}={value}")))
            }
            Predicate::Number { .. } | Predicate::Network(_) | Predicate::Boolean(_) => Err(mixed(field)),
            Predicate::Exists => Ok(Fragment::atom(format!("{name}=*"))),
            Predicate::Field { .. } => Err("`search` cannot compare two fields".to_owned()),
            Predicate::Encoded(..) => Err("a text was not spelled as the field has it before printing".to_owned()),
            Predicate::Option(_) => Err("an option was not lowered to text before printing".to_owned()),
        }
    }

    fn anywhere(&self, _predicate: &Predicate) -> Result<Fragment, Refusal> {
        Err("a bare term in `search` finds whole segments of the raw text only, not any text in any field".to_owned())
    }
}

/// Whether a field's type is this one, or not known.
pub(super) fn is_of(field: Field<'_>, kind: FieldType) -> bool {
    field.kind.is_none_or(|known| known == kind)
}

/// Why something else than text cannot be asked of a field that holds text.
pub(super) fn mixed(field: Field<'_>) -> Refusal {
    format!("`{}` holds text, and Splunk would compare it as text", field.name)
}

fn values(set: &TextSet) -> Result<Vec<String>, Refusal> {
    if text::case(set) == Case::Sensitive && !text::is_caseless(set) {
        return Err("`search` ignores the case of values".to_owned());
    }
    set.any
        .iter()
        .map(|pattern| match pattern {
            Pattern::Glob(glob) => value(glob),
            Pattern::Regex(_) => Err("`search` has no regular expressions".to_owned()),
            Pattern::Path { .. } => {
                Err("`search` has no regular expressions, which it takes to find a path in all its spellings"
                    .to_owned())
            }
        })
        .collect()
}

fn value(glob: &Glob) -> Result<String, Refusal> {
    if let Shape::Equals(text) = glob.shape()
        && text.parse::<ipnet::IpNet>().is_ok()
    {
        return Err(format!("`search` takes `{text}` for the addresses of a network, not for text"));
    }
    let mut out = String::from("\"");
    for piece in glob.pieces() {
        match piece {
            Piece::Any => out.push('*'),
            Piece::One => return Err("`search` has no wildcard for a single character".to_owned()),
            Piece::Literal(text) => {
                literal(text)?;
                for c in text.chars() {
                    if matches!(c, '"' | '\\') {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
        }
    }
    out.push('"');
    Ok(out)
}

/// Refuses text that `search` would read as something else.
fn literal(text: &str) -> Result<(), Refusal> {
    if text.contains('*') {
        return Err("`search` cannot escape a literal `*`".to_owned());
    }
    if text.contains('`') {
        return Err("a backtick in `search` may begin a macro".to_owned());
    }
    if text.contains('$') {
        return Err("Splunk may take what stands between two `$` for a token".to_owned());
    }
    match text::control(text) {
        Some(c) => Err(format!("`search` cannot write the control character U+{:04X}", u32::from(c))),
        None => Ok(()),
    }
}

fn field_name(name: &str) -> Result<String, Refusal> {
    // A name before `::` is one of a field that was made when the event was indexed.
    if !is_nameable(name) || name.contains("::") {
        return Err(format!("`search` cannot name the field `{}`", text::shown(name)));
    }
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '{' | '}'));
    let word = matches!(name, "AND" | "OR" | "NOT" | "IN");
    Ok(if plain && !word { name.to_owned() } else { format!("\"{name}\"") })
}

/// Whether a field's name can stand in quotes: what ends them, begins a macro or a token or stands for other names is
/// escaped nowhere in a name.
pub(super) fn is_nameable(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_control() || matches!(c, '"' | '\'' | '\\' | '`' | '$' | '*'))
}
