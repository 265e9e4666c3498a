//! Formulas as KQL.
//!
//! Keyword fields compare the whole value with its case. A quoted value is exact, `*` in an unquoted one is the only
//! wildcard. `not f: x` is true without values, so negation needs no guard.

use crate::language::fields::FieldType;
use crate::language::fragment::{Between, Fragment, Strength};
use crate::language::text;
use crate::language::walk::{Dialect, Field, Refusal, Words};
use crate::logic::{Case, Comparison, Glob, Number, Pattern, Piece, Predicate, TextSet};

/// KQL's dialect.
pub(in crate::language) struct Kql;

/// `and` and `or` side by side are always parenthesised, because readers forget which one binds tighter.
static WORDS: Words = Words {
    and: ("and", Strength(1)),
    or: ("or", Strength(1)),
    not: ("not ", Strength(2)),
    truth: Some("*:*"),
    falsehood: Some("not *:*"),
};

impl Dialect for Kql {
    fn name(&self) -> &'static str {
        "KQL"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal> {
        let name = field_name(field.name);
        if text::is_anything(predicate) {
            return Ok(Fragment::atom(format!("{name}: *")));
        }
        match predicate {
            Predicate::Text(set) => {
                let values = values(field, set)?;
                Ok(match <[String; 1]>::try_from(values) {
                    Ok([value]) => Fragment::atom(format!("{name}: {value}")),
                    Err(values) if values.is_empty() => return Err("KQL has no word for an empty list".to_owned()),
                    Err(values) => Fragment::list(format!("{name}: ("), values, Between::Word("or"), ")"),
                })
            }
            Predicate::Number { op, value } => number(field, &name, *op, *value),
            Predicate::Network(network) => match field.kind {
                Some(FieldType::Address) => Ok(Fragment::atom(format!("{name}: \"{network}\""))),
                _ => Err(format!("KQL knows networks on fields of type ip only, and `{}` is none", field.name)),
            },
            Predicate::Boolean(value) => Ok(Fragment::atom(format!("{name}: {value}"))),
            Predicate::Exists => Ok(Fragment::atom(format!("{name}: *"))),
            Predicate::Field { .. } => Err("KQL cannot compare two fields".to_owned()),
            Predicate::Encoded(..) => Err("a text was not spelled as the field has it before printing".to_owned()),
            Predicate::Option(_) => Err("an option was not lowered to text before printing".to_owned()),
        }
    }
}

fn number(field: Field<'_>, name: &str, op: Comparison, value: Number) -> Result<Fragment, Refusal> {
    if !matches!(field.kind, None | Some(FieldType::Number)) {
        return Err(format!("`{}` is no number in Elastic, so KQL would compare it as text", field.name));
    }
    Ok(Fragment::atom(match op {
        Comparison::Equal => format!("{name}: {value}"),
        // Kibana takes `not` before a blank for the operator, in whatever word.
        op if name.to_lowercase().ends_with("not") => format!("{} {} {value}", quoted(field.name), op.sign()),
        op => format!("{name} {} {value}", op.sign()),
    }))
}

fn values(field: Field<'_>, set: &TextSet) -> Result<Vec<String>, Refusal> {
    if text::case(set) == Case::Insensitive {
        return Err("KQL has no operator that ignores case".to_owned());
    }
    text::refuse_beyond_keywords(set)?;
    set.any.iter().map(|pattern| value(field, pattern)).collect()
}

fn value(field: Field<'_>, pattern: &Pattern) -> Result<String, Refusal> {
    let plain = text::value(pattern);
    match (field.kind, plain) {
        (Some(FieldType::Exact), None) => {
            return Err(format!("sub-keys of a flattened field such as `{}` know exact values only", field.name));
        }
        (Some(FieldType::Object), _) => {
            return Err(format!("`{}` is an object, of which only the presence can be asked", field.name));
        }
        (Some(kind @ (FieldType::Number | FieldType::Address | FieldType::Boolean)), plain) => {
            let fits = match kind {
                FieldType::Number => plain.is_some_and(text::is_number),
                FieldType::Address => plain.is_some_and(text::is_address),
                _ => matches!(plain, Some("true" | "false")),
            };
            if !fits {
                return Err(format!("KQL rejects text and wildcards on `{}`, which is no text field", field.name));
            }
        }
        _ => {}
    }
    if let Some(plain) = plain {
        return Ok(quoted(plain));
    }
    match pattern {
        Pattern::Glob(glob) => unquoted(glob),
        Pattern::Regex(_) => Err("KQL has no regular expressions".to_owned()),
        Pattern::Path { .. } => {
            Err("KQL has no regular expressions, which it takes to find a path in all its spellings".to_owned())
        }
    }
}

/// A value in quotes, where nothing is a wildcard.
fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c => escape_control(c, &mut out),
        }
    }
    out.push('"');
    out
}

fn escape_control(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push(c),
    }
}

/// A value with wildcards. Kibana trims it, takes `and`, `or` and `not` between blanks for operators, and reads
/// `\not` as a newline and `ot`; a blank written `\u0020` is none of its business.
fn unquoted(glob: &Glob) -> Result<String, Refusal> {
    let mut out = String::new();
    let last = glob.pieces().len().saturating_sub(1);
    for (at, piece) in glob.pieces().iter().enumerate() {
        match piece {
            Piece::Any => out.push('*'),
            Piece::One => {
                return Err("KQL has no wildcard for a single character (`?` is a plain character there)".to_owned());
            }
            Piece::Literal(text) => {
                // What follows the value is a blank, too.
                let lower = text.to_ascii_lowercase();
                let risky =
                    mentions_operator(&lower) || (at == last && (lower.ends_with(" or") || lower.ends_with(" and")));
                let not = (at == last && lower.ends_with("not")).then(|| text.len() - "not".len());
                for (at, c) in text.char_indices() {
                    match c {
                        c if Some(at) == not => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                        '\\' | '(' | ')' | ':' | '<' | '>' | '"' | '*' | '{' | '}' => out.extend(['\\', c]),
                        ' ' if risky => out.push_str("\\u0020"),
                        '\u{a0}' => out.push_str("\\u00a0"),
                        c => escape_control(c, &mut out),
                    }
                }
            }
        }
    }
    let is_blank_literal = |piece: Option<&Piece>, end: fn(&str) -> Option<char>| matches!(piece, Some(Piece::Literal(text)) if end(text).is_some_and(is_blank));
    if is_blank_literal(glob.pieces().first(), |text| text.chars().next())
        || is_blank_literal(glob.pieces().last(), |text| text.chars().last())
    {
        return Err("KQL cuts blanks off both ends of a value with wildcards".to_owned());
    }
    Ok(out)
}

/// What JavaScript's `trim` cuts off.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// Whether a blank in this text, in small letters, may end up beside what looks like an operator.
fn mentions_operator(lower: &str) -> bool {
    ["and", "or", "not"].iter().any(|word| lower.contains(&format!("{word} ")))
}

/// A field's name. Kibana cuts blanks off the ends of what is not quoted, however they are written, and reads nothing
/// where there is nothing.
fn field_name(name: &str) -> String {
    if name.is_empty() || name.starts_with(is_blank) || name.ends_with(is_blank) {
        return quoted(name);
    }
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '\\' | '(' | ')' | ':' | '<' | '>' | '"' | '*' | '{' | '}' => out.extend(['\\', c]),
            ' ' => out.push_str("\\u0020"),
            c => escape_control(c, &mut out),
        }
    }
    out
}
