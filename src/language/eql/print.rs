//! Formulas as the condition of an EQL query.
//!
//! `==`, `in`, `like` and `regex` see case; `:`, `in~`, `like~` and `regex~` do not. `not` in front of a test is true
//! without values, save for ranges (turned into the opposite range) and for what runs as a script; those are guarded.
//! Elasticsearch ignores the case of ASCII letters only, and not that of a range in an expression: other letters and
//! ranges are spelt out in an expression that sees case.
//! `like` has no escape for its wildcards, `regex` covers the whole value in Lucene's syntax.

use crate::language::fields::FieldType;
use crate::language::fragment::{Between, Fragment, Strength};
use crate::language::text::{self, is_invisible};
use crate::language::walk::{Dialect, Field, Refusal, Words, either, negation};
use crate::logic::{Case, Comparison, Glob, Number, Pattern, Piece, Predicate, TextSet};

/// The longest expression that an index takes unless it is told otherwise (`index.max_regex_length`).
pub(in crate::language) const LONGEST_EXPRESSION: usize = 1000;

/// EQL's dialect.
pub(in crate::language) struct Eql;

static WORDS: Words = Words {
    and: ("and", Strength(1)),
    or: ("or", Strength(1)),
    not: ("not ", Strength(2)),
    truth: Some("true"),
    falsehood: Some("false"),
};

impl Dialect for Eql {
    fn name(&self) -> &'static str {
        "EQL"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal> {
        let name = field_name(field.name)?;
        if text::is_anything(predicate) {
            return Ok(Fragment::atom(format!("{name} != null")));
        }
        match predicate {
            Predicate::Text(set) => texts(field, &name, set),
            Predicate::Number { op, value } => number(field, &name, *op, *value),
            Predicate::Network(network) => match field.kind {
                None | Some(FieldType::Address) => Ok(Fragment::atom(format!("cidrMatch({name}, \"{network}\")"))),
                Some(_) => Err(format!("`{}` is no address in Elastic", field.name)),
            },
            Predicate::Boolean(value) => Ok(Fragment::atom(format!("{name} == {value}"))),
            Predicate::Exists => Ok(Fragment::atom(format!("{name} != null"))),
            Predicate::Field { .. } => Err("EQL cannot compare two fields".to_owned()),
            Predicate::Encoded(..) => Err("a text was not spelled as the field has it before printing".to_owned()),
            Predicate::Option(_) => Err("an option was not lowered to text before printing".to_owned()),
        }
    }

    fn negates_plainly(&self, _field: Field<'_>, predicate: &Predicate) -> bool {
        match predicate {
            _ if text::is_anything(predicate) => true,
            Predicate::Text(set) => text::case(set) != Case::Insensitive,
            Predicate::Boolean(_) | Predicate::Exists => true,
            Predicate::Number { op, .. } => *op == Comparison::Equal,
            _ => false,
        }
    }

    fn negated(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal> {
        let missing = Fragment::atom(format!("{} == null", field_name(field.name)?));
        Ok(either(&WORDS, vec![missing, negation(&WORDS, self.test(field, predicate)?)]))
    }
}

fn number(field: Field<'_>, name: &str, op: Comparison, value: Number) -> Result<Fragment, Refusal> {
    if !matches!(field.kind, None | Some(FieldType::Number)) {
        return Err(format!("`{}` is no number in Elastic, so EQL would compare it as text", field.name));
    }
    let sign = if op == Comparison::Equal { "==" } else { op.sign() };
    Ok(Fragment::atom(format!("{name} {sign} {value}")))
}

fn texts(field: Field<'_>, name: &str, set: &TextSet) -> Result<Fragment, Refusal> {
    let fold = text::case(set) == Case::Insensitive;
    text::refuse_beyond_keywords(set)?;
    match field.kind {
        Some(FieldType::Exact) if fold || text::values(set).is_none() => {
            return Err(format!("sub-keys of a flattened field such as `{}` know exact values only", field.name));
        }
        Some(FieldType::Object) => {
            return Err(format!("`{}` is an object, of which only the presence can be asked", field.name));
        }
        Some(kind @ (FieldType::Number | FieldType::Address | FieldType::Boolean)) => {
            return bare(field, name, kind, set);
        }
        _ => {}
    }
    let mut tests = Vec::new();
    if let Some(globs) = text::globs(set).filter(|globs| globs.iter().all(|glob| is_wild_plainly(glob, fold)))
        && text::values(set).is_none()
    {
        // One list of wildcards says all of it.
        tests.push(like(name, &globs, fold)?);
    } else {
        let mut runs = text::runs(set).into_iter().peekable();
        while let Some(run) = runs.next() {
            tests.push(match run {
                text::Run::Values(values) => exact(field, name, &values, fold)?,
                text::Run::Globs(globs) if globs.iter().all(|glob| is_wild_plainly(glob, fold)) => {
                    like(name, &globs, fold)?
                }
                text::Run::Globs(globs) => {
                    let patterns: Vec<Pattern> = globs.into_iter().map(|glob| Pattern::Glob(glob.clone())).collect();
                    expression(field, name, &patterns.iter().collect::<Vec<_>>(), fold)?
                }
                text::Run::Other(pattern) => {
                    let mut patterns = vec![pattern];
                    while let Some(text::Run::Other(next)) = runs.next_if(|run| matches!(run, text::Run::Other(_))) {
                        patterns.push(next);
                    }
                    expression(field, name, &patterns, fold)?
                }
            });
        }
    }
    if tests.is_empty() { Err("EQL has no word for an empty list".to_owned()) } else { Ok(either(&WORDS, tests)) }
}

/// Numbers, addresses and booleans, which are not written as text, save for addresses.
fn bare(field: Field<'_>, name: &str, kind: FieldType, set: &TextSet) -> Result<Fragment, Refusal> {
    let values = text::values(set).and_then(|values| {
        values
            .into_iter()
            .map(|value| match kind {
                FieldType::Number => text::is_number(value).then(|| value.to_owned()),
                FieldType::Boolean => matches!(value, "true" | "false").then(|| value.to_owned()),
                _ => text::is_address(value).then(|| format!("\"{value}\"")),
            })
            .collect::<Option<Vec<_>>>()
    });
    match values {
        Some(values) if !values.is_empty() => {
            Ok(either(&WORDS, values.iter().map(|value| Fragment::atom(format!("{name} == {value}"))).collect()))
        }
        _ => Err(format!("EQL takes no text and no wildcards for `{}`, which is no text field", field.name)),
    }
}

/// Whether `like` reads the glob's literal text as such, and `like~` without its case.
fn is_wild_plainly(glob: &Glob, fold: bool) -> bool {
    !text::literals(glob).any(|text| text.contains(['*', '?']) || fold && text::has_foreign_letter(text))
}

fn exact(field: Field<'_>, name: &str, values: &[&str], fold: bool) -> Result<Fragment, Refusal> {
    if fold && values.iter().any(|value| value.contains(['*', '?']) || text::has_foreign_letter(value)) {
        // `:` and its kind take these signs for wildcards, and ignore the case of ASCII letters only.
        let patterns: Vec<Pattern> = values.iter().map(|value| Pattern::Glob(Glob::equals(*value))).collect();
        return expression(field, name, &patterns.iter().collect::<Vec<_>>(), fold);
    }
    operator(
        name,
        values.iter().map(|value| quoted(value)).collect(),
        match fold {
            true => (":", "in~"),
            false => ("==", "in"),
        },
    )
}

fn like(name: &str, globs: &[&Glob], fold: bool) -> Result<Fragment, Refusal> {
    let values = globs
        .iter()
        .map(|glob| {
            let text: String = glob
                .pieces()
                .iter()
                .map(|piece| match piece {
                    Piece::Any => "*",
                    Piece::One => "?",
                    Piece::Literal(text) => text.as_str(),
                })
                .collect();
            quoted(&text)
        })
        .collect();
    operator(name, values, if fold { ("like~", "like~") } else { ("like", "like") })
}

fn expression(field: Field<'_>, name: &str, patterns: &[&Pattern], fold: bool) -> Result<Fragment, Refusal> {
    let lucene = |pattern: &Pattern, fold: bool| {
        field.expressions.lucene(pattern, fold).map_err(|reason| format!("EQL's regex cannot say it: {reason}"))
    };
    // What `regex~` does not ignore the case of is spelt out.
    let spells = fold && patterns.iter().any(|pattern| lucene(pattern, false).is_ok_and(|text| !folds_plainly(&text)));
    let fold = fold && !spells;
    let expressions = patterns
        .iter()
        .map(|pattern| {
            let expression = lucene(pattern, spells)?;
            match expression.chars().count() {
                0..=LONGEST_EXPRESSION => Ok(raw(&expression)),
                length => Err(format!(
                    "Elastic takes expressions of at most {LONGEST_EXPRESSION} characters, and this one has {length}"
                )),
            }
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    operator(name, expressions, if fold { ("regex~", "regex~") } else { ("regex", "regex") })
}

/// Whether an expression means without case what it means with single ASCII letters in either case: it has no other
/// letters, and no range but of letters of both cases.
fn folds_plainly(expression: &str) -> bool {
    let mut chars = expression.chars().peekable();
    let mut ranges: Option<Vec<(char, char)>> = None;
    let mut last = None;
    while let Some(c) = chars.next() {
        if !c.is_ascii() && text::is_cased(c) {
            return false;
        }
        match (c, ranges.as_mut()) {
            ('[', None) => ranges = Some(Vec::new()),
            (']', Some(found)) => {
                let other =
                    |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
                let is_in = |c: char| found.iter().any(|(from, to)| (*from..=*to).contains(&c));
                let mut letters = ('a'..='z').chain('A'..='Z');
                if letters.any(|c| is_in(c) && !is_in(other(c))) || found.iter().any(|(_, to)| !to.is_ascii()) {
                    return false;
                }
                ranges = None;
            }
            ('-', Some(found)) => {
                let to = match chars.next() {
                    Some('\\') => chars.next(),
                    to => to,
                };
                found.extend(last.zip(to));
            }
            ('\\', _) => last = chars.next(),
            _ => last = Some(c),
        }
    }
    true
}

/// One value after the first operator, several in a list after the second.
fn operator(name: &str, values: Vec<String>, (one, many): (&str, &str)) -> Result<Fragment, Refusal> {
    Ok(match <[String; 1]>::try_from(values) {
        Ok([value]) => Fragment::atom(format!("{name} {one} {value}")),
        Err(values) => Fragment::list(format!("{name} {many} ("), values, Between::Comma, ")"),
    })
}

/// Text between three quotes, where a backslash is itself; between one where it holds what that cannot.
fn raw(text: &str) -> String {
    let plain = text.contains('\\') && !text.contains('"') && !text.contains(is_invisible);
    if plain { format!("\"\"\"{text}\"\"\"") } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_invisible(c) => out.push_str(&format!("\\u{{{:04x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn field_name(name: &str) -> Result<String, Refusal> {
    let plain = |part: &str| {
        let rest = part.strip_prefix(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@'));
        rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    };
    // `const` and `macro` are words of Endgame's parser, by which Elastic checks rules before they are published.
    let word = |part: &str| {
        matches!(
            part,
            "and"
                | "any"
                | "by"
                | "const"
                | "false"
                | "fork"
                | "in"
                | "join"
                | "like"
                | "macro"
                | "maxspan"
                | "not"
                | "null"
                | "of"
                | "or"
                | "regex"
                | "sample"
                | "sequence"
                | "true"
                | "until"
                | "where"
                | "with"
        )
    };
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(format!("EQL cannot name the field `{}`", text::shown(name)));
    }
    if name.split('.').all(|part| plain(part) && !word(part)) {
        Ok(name.to_owned())
    } else {
        Ok(format!("`{}`", name.replace('`', "``")))
    }
}
