//! Formulas as Falco conditions.
//!
//! Every comparison is false without a value, so `not` in front of one is true there. Operators see case, save
//! `icontains`, `iglob` and what is wrapped in `tolower()`, and those fold ASCII letters only.

use crate::language::fields::FieldType;
use crate::language::fragment::{Between, Fragment, Strength};
use crate::language::text;
use crate::language::walk::{Dialect, Field, Refusal, Words, either};
use crate::logic::{Case, Comparison, Glob, Number, Pattern, Piece, Predicate, Shape, TextSet};

/// Falco's dialect.
pub(in crate::language) struct Falco;

static WORDS: Words = Words {
    and: ("and", Strength(1)),
    or: ("or", Strength(1)),
    not: ("not ", Strength(2)),
    truth: None,
    falsehood: None,
};

/// The longest value that the engine takes, in bytes.
pub(in crate::language) const LONGEST: usize = 255;

impl Dialect for Falco {
    fn name(&self) -> &'static str {
        "Falco"
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn test(&self, field: Field<'_>, predicate: &Predicate) -> Result<Fragment, Refusal> {
        let checks = checks(field, predicate)?;
        Ok(either(&WORDS, checks.into_iter().map(Check::fragment).collect()))
    }
}

/// A check: a field, which may stand in a transformer, an operator, and what is right of it.
#[derive(Clone)]
pub(super) struct Check {
    pub subject: String,
    pub operator: &'static str,
    pub operand: Operand,
}

/// What stands on the right of an operator, values as they are written there.
#[derive(Clone)]
pub(super) enum Operand {
    Nothing,
    One(String),
    Several(Vec<String>),
}

impl Check {
    fn one(subject: impl Into<String>, operator: &'static str, value: String) -> Self {
        Self { subject: subject.into(), operator, operand: Operand::One(value) }
    }

    fn several(subject: impl Into<String>, operator: &'static str, values: Vec<String>) -> Self {
        Self { subject: subject.into(), operator, operand: Operand::Several(values) }
    }

    fn exists(subject: &str) -> Self {
        Self { subject: subject.to_owned(), operator: "exists", operand: Operand::Nothing }
    }

    fn fragment(self) -> Fragment {
        let Self { subject, operator, operand } = self;
        match operand {
            Operand::Nothing => Fragment::atom(format!("{subject} {operator}")),
            Operand::One(value) => Fragment::atom(format!("{subject} {operator} {value}")),
            Operand::Several(values) => Fragment::list(format!("{subject} {operator} ("), values, Between::Comma, ")"),
        }
    }
}

/// A test as checks of which one has to hold; at least one.
pub(super) fn checks(field: Field<'_>, predicate: &Predicate) -> Result<Vec<Check>, Refusal> {
    let name = field_name(field.name)?;
    if text::is_anything(predicate) {
        return Ok(vec![Check::exists(name)]);
    }
    Ok(vec![match predicate {
        Predicate::Text(set) => return texts(field, set),
        // A list holds numbers as text.
        Predicate::Number { op: Comparison::Equal, value } if field.kind == Some(FieldType::TextList) => {
            let value = Pattern::Glob(Glob::equals(value.to_string()));
            list(name, &TextSet::new(vec![value], Case::Sensitive))?
        }
        Predicate::Number { op, value } => number(field, *op, *value)?,
        Predicate::Network(network) => Check::one(network_field(name)?, "=", literal(&network.to_string())?),
        Predicate::Boolean(value) if field.kind == Some(FieldType::TextList) => {
            let value = Pattern::Glob(Glob::equals(value.to_string()));
            list(name, &TextSet::new(vec![value], Case::Sensitive))?
        }
        Predicate::Boolean(value) => Check::one(name, "=", value.to_string()),
        Predicate::Exists => Check::exists(name),
        Predicate::Field { op, other } => {
            let other = other.dotted();
            let kinds = [field.kind, field.table.get(&other)];
            if let [Some(one), Some(two)] = kinds
                && one != two
            {
                return Err(format!(
                    "Falco cannot compare `{}` and `{other}`, which are of different types",
                    field.name
                ));
            }
            let lists = kinds.contains(&Some(FieldType::TextList));
            let numbers = field.kind == Some(FieldType::Number);
            if lists || (*op != Comparison::Equal && !numbers) {
                return Err("Falco compares two fields with = only, or as numbers, one value each".to_owned());
            }
            Check::one(name, op.sign(), format!("val({})", field_name(&other)?))
        }
        Predicate::Encoded(..) => return Err("a text was not spelled as the field has it before printing".to_owned()),
        Predicate::Option(_) => return Err("an option was not lowered to text before printing".to_owned()),
    }])
}

fn number(field: Field<'_>, op: Comparison, value: Number) -> Result<Check, Refusal> {
    let value = value.to_string();
    match field.kind {
        None | Some(FieldType::Number) => {}
        Some(FieldType::HttpStatus) if op == Comparison::Equal || is_status(&value) => {}
        Some(FieldType::HttpStatus) => {
            return Err(format!(
                "Falco has `{}` as text: numbers of three digits can be put in order there, and {value} cannot",
                field.name
            ));
        }
        Some(_) => return Err(format!("`{}` is no number in Falco", field.name)),
    }
    if !text::is_number(&value) {
        return Err(format!("Falco knows whole numbers only, and {value} is none"));
    }
    Ok(Check::one(field.name, op.sign(), value))
}

/// Whether a number has the three digits of a status, so that the order of texts is that of numbers.
fn is_status(number: &str) -> bool {
    number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The field that takes networks beside the one that takes addresses.
fn network_field(name: &str) -> Result<&str, Refusal> {
    Ok(match name {
        "fd.ip" => "fd.net",
        "fd.sip" => "fd.snet",
        "fd.cip" => "fd.cnet",
        "fd.lip" => "fd.lnet",
        "fd.rip" => "fd.rnet",
        "fd.net" | "fd.snet" | "fd.cnet" | "fd.lnet" | "fd.rnet" => name,
        _ => return Err(format!("Falco knows networks on fd.net and its kind only, and `{name}` is none")),
    })
}

/// Fields that hold one value for each ancestor, and are compared with all of them by the ordinary operators.
fn is_ancestry(name: &str) -> bool {
    matches!(name, "proc.aname" | "proc.aexe" | "proc.aexepath" | "proc.acmdline" | "proc.aargs")
}

fn texts(field: Field<'_>, set: &TextSet) -> Result<Vec<Check>, Refusal> {
    let name = field_name(field.name)?;
    match field.kind {
        Some(FieldType::TextList) if !is_ancestry(name) => return Ok(vec![list(name, set)?]),
        Some(FieldType::Object) => {
            return Err(format!("`{name}` is an object, of which only the presence can be asked"));
        }
        Some(kind @ (FieldType::Number | FieldType::Address | FieldType::Boolean)) => {
            let fits = |value: &&str| match kind {
                FieldType::Number => text::is_number(value),
                FieldType::Address => text::is_address(value),
                _ => matches!(*value, "true" | "false"),
            };
            let values = text::values(set).filter(|values| values.iter().all(fits));
            let Some(values) = values else {
                return Err(format!("Falco rejects operators on text for `{name}`, which is no text field"));
            };
            // `in` never matches on some of these, so each value is compared for itself.
            return values.iter().map(|value| Ok(Check::one(name, "=", literal(value)?))).collect();
        }
        _ => {}
    }
    let fold = text::case(set) == Case::Insensitive;
    if fold && set.any.iter().any(|pattern| pattern_texts(pattern).any(text::has_foreign_letter)) {
        return Err("Falco ignores the case of ASCII letters only".to_owned());
    }
    let mut tests = Vec::new();
    for run in text::runs(set) {
        match run {
            text::Run::Values(values) => tests.push(exact(name, &values, fold)?),
            text::Run::Globs(globs) => {
                for glob in globs {
                    tests.push(wild(field, name, glob, fold)?);
                }
            }
            text::Run::Other(pattern) => tests.push(expression(field, name, pattern, fold)?),
        }
    }
    if tests.is_empty() {
        return Err("Falco has no word for an empty list".to_owned());
    }
    Ok(tests)
}

/// A field with several values has `intersects`, and no operator that looks into the values.
fn list(name: &str, set: &TextSet) -> Result<Check, Refusal> {
    let Some(values) = text::values(set) else {
        return Err(format!("Falco can only look for whole values in `{name}`, which holds several"));
    };
    if text::case(set) == Case::Insensitive {
        return Err(format!("Falco cannot ignore case in `{name}`, which holds several values"));
    }
    let values = values.into_iter().map(whole).collect::<Result<_, Refusal>>()?;
    Ok(Check::several(name, "intersects", values))
}

fn exact(name: &str, values: &[&str], fold: bool) -> Result<Check, Refusal> {
    let (subject, values) = if fold {
        (format!("tolower({name})"), values.iter().map(|value| value.to_ascii_lowercase()).collect::<Vec<_>>())
    } else {
        (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
    };
    let mut literals = values.iter().map(|value| whole(value)).collect::<Result<Vec<_>, Refusal>>()?;
    Ok(match literals.len() {
        1 => Check::one(subject, "=", literals.remove(0)),
        _ => Check::several(subject, "in", literals),
    })
}

fn wild(field: Field<'_>, name: &str, glob: &Glob, fold: bool) -> Result<Check, Refusal> {
    let folded = |operator: &'static str, value: &str| -> Result<Check, Refusal> {
        Ok(if fold {
            Check::one(format!("tolower({name})"), operator, literal(&value.to_ascii_lowercase())?)
        } else {
            Check::one(name, operator, literal(value)?)
        })
    };
    match glob.shape() {
        Shape::StartsWith(value) => folded("startswith", value),
        Shape::EndsWith(value) => folded("endswith", value),
        Shape::Contains(value) => {
            let operator = if fold { "icontains" } else { "contains" };
            Ok(Check::one(name, operator, literal(value)?))
        }
        _ if text::literals(glob).all(|text| !text.contains(GLOB_SIGNS)) => {
            let operator = if fold { "iglob" } else { "glob" };
            let pattern: String = glob
                .pieces()
                .iter()
                .map(|piece| match piece {
                    Piece::Any => "*",
                    Piece::One => "?",
                    Piece::Literal(text) => text.as_str(),
                })
                .collect();
            Ok(Check::one(name, operator, quoted(&pattern)?))
        }
        _ => expression(field, name, &Pattern::Glob(glob.clone()), fold),
    }
}

/// Signs that mean something to a glob of the C library, or may do so.
const GLOB_SIGNS: &[char] = &['*', '?', '[', ']', '\\', '(', ')', '{', '}', '!', '+', '@', '|', '^'];

/// A value that is compared as a whole.
fn whole(value: &str) -> Result<String, Refusal> {
    if value == "<NA>" {
        return Err("Falco takes `<NA>` for a missing value, which nothing is equal to".to_owned());
    }
    literal(value)
}

fn expression(field: Field<'_>, name: &str, pattern: &Pattern, fold: bool) -> Result<Check, Refusal> {
    let expression = field
        .expressions
        .posix(pattern, fold, LONGEST)
        .map_err(|reason| format!("Falco's regex cannot say it: {reason}"))?;
    Ok(Check::one(name, "regex", quoted(&expression)?))
}

fn pattern_texts(pattern: &Pattern) -> Box<dyn Iterator<Item = &str> + '_> {
    match pattern {
        Pattern::Glob(glob) => Box::new(text::literals(glob)),
        // An expression is folded letter by letter when it is translated.
        _ => Box::new(std::iter::empty()),
    }
}

/// A value, in quotes unless it is a plain word.
fn literal(value: &str) -> Result<String, Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    let starts_plainly = value.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/'));
    let word = matches!(
        value,
        "and"
            | "or"
            | "not"
            | "in"
            | "intersects"
            | "exists"
            | "contains"
            | "icontains"
            | "bcontains"
            | "startswith"
            | "bstartswith"
            | "endswith"
            | "glob"
            | "iglob"
            | "pmatch"
            | "regex"
            | "val"
    );
    if starts_plainly && !word && value.chars().all(plain) && value.len() <= LONGEST {
        return Ok(value.to_owned());
    }
    quoted(value)
}

fn quoted(value: &str) -> Result<String, Refusal> {
    if value.len() > LONGEST {
        return Err(format!("Falco takes values of at most {LONGEST} bytes, and this one has {}", value.len()));
    }
    let mut out = String::from("\"");
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\0' => return Err("Falco cannot write the character NUL".to_owned()),
            '"' => out.push_str("\\\""),
            // A quoted value that ends in a backslash is rejected.
            '\\' if rest.peek().is_none() => out.push_str("\\x5c"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    Ok(out)
}

fn field_name(name: &str) -> Result<&str, Refusal> {
    let (head, key) = match name.split_once('[') {
        Some((head, key)) => (head, key.strip_suffix(']')),
        None => (name, Some("")),
    };
    let head_is_plain = !head.is_empty() && head.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    let key_is_plain =
        key.is_some_and(|key| key.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '[' | ']' | '"' | '\'' | '\\')));
    if head_is_plain && key_is_plain {
        Ok(name)
    } else {
        Err(format!("Falco cannot name the field `{}`", text::shown(name)))
    }
}
