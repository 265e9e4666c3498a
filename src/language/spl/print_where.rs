//! Formulas as expressions of Splunk's `where` command.
//!
//! `=` and `match()` see case. A comparison with a missing field is NULL, which is neither true nor false, so a
//! negation goes to each test and names the missing field. Fields with several values are asked through `mvfilter`,
//! whose result is there or is not.

use super::print::{is_nameable, is_of, mixed};
use crate::language::fields::FieldType;
use crate::language::fragment::{Between, Fragment, Strength};
use crate::language::walk::{Dialect, Field, Refusal, Words, either, negation};
use crate::language::{regex, text};
use crate::logic::{Case, Comparison, Glob, Pattern, Predicate, TextSet};

/// The dialect of `where`.
pub(in crate::language) struct Where;

static WORDS: Words = Words {
    and: ("AND", Strength(1)),
    or: ("OR", Strength(1)),
    not: ("NOT ", Strength(2)),
    truth: Some("true()"),
    falsehood: Some("false()"),
};

/// The end of a value; `$` would also match before a last newline.
const END: &str = "\\z";

impl Dialect for Where {
    fn name(&self) -> &'static str {
        "Splunk's `where`"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal> {
        let name = field_name(field.name)?;
        if text::is_anything(predicate) {
            return Ok(Fragment::atom(format!("isnotnull({name})")));
        }
        let one = one(field, &name, predicate)?;
        Ok(if is_list(field) { some("isnotnull", one) } else { one })
    }

    fn negates_plainly(&self, _field: Field<'_>, _predicate: &Predicate) -> bool {
        false
    }

    fn negated(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal> {
        let name = field_name(field.name)?;
        if text::is_anything(predicate) {
            return Ok(Fragment::atom(format!("isnull({name})")));
        }
        let one = one(field, &name, predicate)?;
        if is_list(field) {
            return Ok(some("isnull", one));
        }
        let mut parts = vec![Fragment::atom(format!("isnull({name})"))];
        if let Predicate::Field { other, .. } = predicate {
            parts.push(Fragment::atom(format!("isnull({})", field_name(&other.dotted())?)));
        }
        parts.push(negation(&WORDS, one));
        Ok(either(&WORDS, parts))
    }
}

/// What a function says of the values for which a test is true.
fn some(function: &str, test: Fragment) -> Fragment {
    let mut items: Vec<String> = test.operands("OR").into_iter().map(Fragment::into_text).collect();
    match items.len() {
        1 => Fragment::atom(format!("{function}(mvfilter({}))", items.remove(0))),
        _ => Fragment::list(format!("{function}(mvfilter("), items, Between::Word("OR"), "))"),
    }
}

/// Whether the field may hold several values; arrays of JSON do.
fn is_list(field: Field<'_>) -> bool {
    field.kind == Some(FieldType::TextList) || field.name.contains("{}")
}

/// What is asked of one value.
fn one(field: Field<'_>, name: &str, predicate: &Predicate) -> Result<Fragment, Refusal> {
    match predicate {
        Predicate::Text(set) => texts(field, name, set),
        Predicate::Number { op, value } if is_of(field, FieldType::Number) => {
            Ok(Fragment::atom(format!("{name}{}{value}", op.sign())))
        }
        Predicate::Number { .. } => Err(mixed(field)),
        Predicate::Network(network) => Ok(Fragment::atom(format!("cidrmatch(\"{network}\", {name})"))),
        // Truth values of JSON are text in `eval`.
        Predicate::Boolean(value) => Ok(Fragment::atom(format!("{name}=\"{value}\""))),
        Predicate::Exists => Ok(Fragment::atom(format!("isnotnull({name})"))),
        Predicate::Field { op, other } => {
            let other_name = other.dotted();
            if is_list(field) || field.table.get(&other_name) == Some(FieldType::TextList) || other_name.contains("{}")
            {
                return Err("`where` cannot compare two fields of which one holds several values".to_owned());
            }
            let sign = if *op == Comparison::Equal { "=" } else { op.sign() };
            Ok(Fragment::atom(format!("{name}{sign}{}", field_name(&other_name)?)))
        }
        Predicate::Encoded(..) => Err("a text was not spelled as the field has it before printing".to_owned()),
        Predicate::Option(_) => Err("an option was not lowered to text before printing".to_owned()),
    }
}

fn texts(field: Field<'_>, name: &str, set: &TextSet) -> Result<Fragment, Refusal> {
    let fold = text::case(set) == Case::Insensitive;
    let mut tests = Vec::new();
    let mut runs = text::runs(set).into_iter().peekable();
    while let Some(run) = runs.next() {
        match run {
            text::Run::Values(values) if !fold && values.iter().all(|value| is_writable(value)) => {
                let mut values: Vec<String> = values.into_iter().map(quoted).collect();
                tests.push(match values.len() {
                    1 => Fragment::atom(format!("{name}={}", values.remove(0))),
                    _ => Fragment::list(format!("in({name}, "), values, Between::Comma, ")"),
                });
            }
            // Many values are one expression, as long as they are plain words.
            text::Run::Values(values) if values.len() > 1 && values.iter().all(|value| is_word(value)) => {
                let expression = Pattern::Regex(format!("^(?:{})$", values.join("|")));
                tests.push(matching(field, name, &expression, fold)?);
            }
            text::Run::Values(values) => {
                for value in values {
                    tests.push(matching(field, name, &Pattern::Glob(Glob::equals(value)), fold)?);
                }
            }
            text::Run::Globs(globs) => {
                for glob in globs {
                    tests.push(matching(field, name, &Pattern::Glob(glob.clone()), fold)?);
                }
            }
            text::Run::Other(Pattern::Path { path, below }) => {
                // Paths of one kind are one expression.
                let mut paths = vec![path.as_str()];
                while let Some(text::Run::Other(Pattern::Path { path, .. })) = runs.next_if(|run| {
                    matches!(run, text::Run::Other(Pattern::Path { path, below: this })
                        if this == below && path.len() > 1 && paths.iter().all(|path| path.len() > 1))
                }) {
                    paths.push(path);
                }
                tests.push(found(name, &regex::perl::perl_paths(&paths, *below, fold, END)));
            }
            text::Run::Other(pattern) => tests.push(matching(field, name, pattern, fold)?),
        }
    }
    if tests.is_empty() { Err("`where` has no word for an empty list".to_owned()) } else { Ok(either(&WORDS, tests)) }
}

fn matching(field: Field<'_>, name: &str, pattern: &Pattern, fold: bool) -> Result<Fragment, Refusal> {
    Ok(found(name, &field.expressions.perl(pattern, fold, END)?))
}

fn found(name: &str, expression: &str) -> Fragment {
    Fragment::atom(format!("match({name}, {})", quoted_expression(expression)))
}

/// Whether a text stands for itself in an expression.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-/:= ".contains(&b))
}

/// Whether a text stands in a string for itself: no macro, no token, no control characters.
fn is_writable(text: &str) -> bool {
    !text.contains(['`', '$']) && !text.contains(char::is_control)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// An expression as a string. A backslash alone stays as it is, because the string knows no such escape; a run of
/// them, and one before a quote, is doubled.
fn quoted_expression(expression: &str) -> String {
    let mut out = String::from("\"");
    let mut rest = expression.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let mut run = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    run += 1;
                }
                let alone = run == 1 && rest.peek().is_some_and(|next| *next != '"');
                out.extend(std::iter::repeat_n('\\', if alone { 1 } else { 2 * run }));
            }
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn field_name(name: &str) -> Result<String, Refusal> {
    // Commands are told apart by what stands in double quotes.
    if !is_nameable(name) || name.contains(['|', '[', ']']) {
        return Err(format!("`where` cannot name the field `{}`", text::shown(name)));
    }
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let word = ["and", "or", "not", "xor", "like", "in", "true", "false", "null"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word));
    Ok(if plain && !word { name.to_owned() } else { format!("'{name}'") })
}
