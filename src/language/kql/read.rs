//! KQL read into logic, as Kibana's kuery grammar parses it.
//!
//! Unquoted text runs on over blanks until an operator or a keyword, so `f: a b` is the one value `a b`; keywords
//! need blanks around them (`not` only after it); a `*` is a wildcard only outside quotes and `?` never is one.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::language::{FieldTable, FieldType, ReadError};
use crate::logic::{Case, Comparison, Formula, Glob, Number, Path, Pattern, Piece, Predicate, TextSet};

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 100;

/// Reads a query over the fields of a target.
///
/// An unknown field, a test that the field's type does not allow and anything that is no KQL are errors.
pub fn read(text: &str, fields: &FieldTable) -> Result<Formula, ReadError> {
    let mut reader = Reader {
        chars: text.char_indices().collect(),
        length: text.len(),
        at: 0,
        depth: 0,
        fields,
        inside: Vec::new(),
    };
    reader.blanks();
    if reader.at_end() {
        return Ok(Formula::TRUE);
    }
    let formula = reader.either()?;
    reader.blanks();
    if reader.at_end() { Ok(formula) } else { reader.fault("expected `and`, `or` or the end of the query") }
}

/// What is asked of a field, beside KQL's own notation of it: Kibana makes the same queries of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// It has a value.
    Exists,
    /// A value is this text, number, truth value or address.
    Is(String),
    /// A value has this form.
    Like(Glob),
    /// A value is below or above this one.
    Range(Comparison, String),
}

/// Reads what is asked of a field. `inside` names the nested field that it belongs to, if it does.
pub fn read_term(inside: Option<&str>, name: &str, term: &Term, fields: &FieldTable) -> Result<Formula, ReadError> {
    let field = field(inside, name, 0, fields)?;
    let literal = |pieces, quoted| Literal { pieces, quoted, offset: 0 };
    let text = |text: &String| vec![Piece::Literal(text.clone())];
    match term {
        Term::Exists => equals(&field, &literal(vec![Piece::Any], false)),
        Term::Is(value) => equals(&field, &literal(text(value), true)),
        Term::Like(glob) => equals(&field, &literal(glob.pieces().to_vec(), true)),
        Term::Range(op, bound) => range(&field, *op, &literal(text(bound), true)),
    }
}

struct Reader<'t> {
    chars: Vec<(usize, char)>,
    length: usize,
    at: usize,
    depth: usize,
    fields: &'t FieldTable,
    /// The nested fields whose braces are open.
    inside: Vec<String>,
}

/// A quoted or unquoted literal.
struct Literal {
    pieces: Vec<Piece>,
    quoted: bool,
    offset: usize,
}

impl Literal {
    /// The text, if there is no wildcard in it.
    fn plain(&self) -> Option<String> {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => Some(text.as_str()),
                Piece::Any | Piece::One => None,
            })
            .collect()
    }

    fn is_star(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Any])
    }
}

/// The field that a value is compared with.
struct Field {
    path: Path,
    name: String,
    kind: FieldType,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{a0}')
}

fn is_special(c: char) -> bool {
    matches!(c, '\\' | '(' | ')' | ':' | '<' | '>' | '"' | '*' | '{' | '}')
}

fn error<T>(offset: usize, reason: impl Into<String>) -> Result<T, ReadError> {
    Err(ReadError { offset, reason: reason.into() })
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).map(|(_, c)| *c)
    }

    fn at_end(&self) -> bool {
        self.at >= self.chars.len()
    }

    fn offset(&self) -> usize {
        self.chars.get(self.at).map_or(self.length, |(offset, _)| *offset)
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Result<T, ReadError> {
        error(self.offset(), reason)
    }

    fn blanks(&mut self) -> bool {
        let start = self.at;
        while self.peek(0).is_some_and(is_blank) {
            self.at += 1;
        }
        self.at > start
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek(0) == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), ReadError> {
        if self.take(wanted) { Ok(()) } else { self.fault(format!("expected `{wanted}`")) }
    }

    /// How many characters `word` followed by a blank takes from `ahead` on.
    fn word_at(&self, ahead: usize, word: &str) -> Option<usize> {
        for (i, c) in word.chars().enumerate() {
            if !self.peek(ahead + i)?.eq_ignore_ascii_case(&c) {
                return None;
            }
        }
        let mut end = ahead + word.len();
        if !is_blank(self.peek(end)?) {
            return None;
        }
        while self.peek(end).is_some_and(is_blank) {
            end += 1;
        }
        Some(end)
    }

    /// How many characters ` and ` or ` or ` takes here, blanks on both sides included.
    fn conjunction(&self, word: &str) -> Option<usize> {
        let mut ahead = 0;
        while self.peek(ahead).is_some_and(is_blank) {
            ahead += 1;
        }
        if ahead == 0 { None } else { self.word_at(ahead, word) }
    }

    fn take_conjunction(&mut self, word: &str) -> bool {
        match self.conjunction(word) {
            Some(length) => {
                self.at += length;
                true
            }
            None => false,
        }
    }

    fn take_not(&mut self) -> bool {
        match self.word_at(0, "not") {
            Some(length) => {
                self.at += length;
                true
            }
            None => false,
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ReadError>) -> Result<T, ReadError> {
        if self.depth >= MAX_DEPTH {
            return self.fault("the query is nested too deeply");
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn either(&mut self) -> Result<Formula, ReadError> {
        let mut parts = vec![self.both()?];
        while self.take_conjunction("or") {
            parts.push(self.both()?);
        }
        Ok(Formula::or(parts))
    }

    fn both(&mut self) -> Result<Formula, ReadError> {
        let mut parts = vec![self.negation()?];
        while self.take_conjunction("and") {
            parts.push(self.negation()?);
        }
        Ok(Formula::and(parts))
    }

    fn negation(&mut self) -> Result<Formula, ReadError> {
        if self.take_not() { Ok(Formula::not(self.operand()?)) } else { self.operand() }
    }

    fn operand(&mut self) -> Result<Formula, ReadError> {
        if self.take('(') {
            return self.deeper(|reader| {
                reader.blanks();
                let formula = reader.either()?;
                reader.blanks();
                reader.expect(')')?;
                Ok(formula)
            });
        }
        self.expression()
    }

    fn expression(&mut self) -> Result<Formula, ReadError> {
        let name = self.literal()?;
        self.blanks();
        let operator = match (self.peek(0), self.peek(1)) {
            (Some(':'), _) => None,
            (Some('<'), Some('=')) => Some((Comparison::LessOrEqual, 2)),
            (Some('>'), Some('=')) => Some((Comparison::GreaterOrEqual, 2)),
            (Some('<'), _) => Some((Comparison::Less, 1)),
            (Some('>'), _) => Some((Comparison::Greater, 1)),
            _ => {
                return error(name.offset, "a value without a field searches every field: name the field");
            }
        };
        if let Some((op, length)) = operator {
            self.at += length;
            self.blanks();
            let field = self.field(&name)?;
            let bound = self.literal()?;
            return range(&field, op, &bound);
        }
        self.at += 1;
        self.blanks();
        if self.peek(0) == Some('{') {
            return self.nested(&name);
        }
        if name.is_star() {
            let value = self.literal()?;
            return if value.is_star() {
                Ok(Formula::TRUE)
            } else {
                error(name.offset, "`*` as a field asks every field: name the field")
            };
        }
        let field = self.field(&name)?;
        self.values(&field)
    }

    fn nested(&mut self, name: &Literal) -> Result<Formula, ReadError> {
        let Some(name_text) = name.plain() else {
            return error(name.offset, "a nested field is named without wildcards");
        };
        self.expect('{')?;
        self.inside.push(name_text.clone());
        let body = self.deeper(|reader| {
            reader.blanks();
            let body = reader.either()?;
            reader.blanks();
            reader.expect('}')?;
            Ok(body)
        })?;
        self.inside.pop();
        Ok(Formula::element(Path::from_segments([name_text]), body))
    }

    /// `( … )` or one value, after `field:`.
    fn values(&mut self, field: &Field) -> Result<Formula, ReadError> {
        if !self.take('(') {
            let value = self.literal()?;
            return equals(field, &value);
        }
        self.deeper(|reader| {
            reader.blanks();
            let mut any = vec![reader.all_values(field)?];
            while reader.take_conjunction("or") {
                any.push(reader.all_values(field)?);
            }
            reader.blanks();
            reader.expect(')')?;
            Ok(Formula::or(any))
        })
    }

    fn all_values(&mut self, field: &Field) -> Result<Formula, ReadError> {
        let mut all = Vec::new();
        loop {
            let negated = self.take_not();
            let value = self.values(field)?;
            all.push(if negated { Formula::not(value) } else { value });
            if !self.take_conjunction("and") {
                return Ok(Formula::and(all));
            }
        }
    }

    fn field(&self, name: &Literal) -> Result<Field, ReadError> {
        let Some(text) = name.plain() else {
            return error(name.offset, "a field name with a wildcard asks several fields: name one");
        };
        let inside = (!self.inside.is_empty()).then(|| self.inside.join("."));
        field(inside.as_deref(), &text, name.offset, self.fields)
    }

    fn literal(&mut self) -> Result<Literal, ReadError> {
        let offset = self.offset();
        if self.take('"') { self.quoted(offset) } else { self.unquoted(offset) }
    }

    fn quoted(&mut self, offset: usize) -> Result<Literal, ReadError> {
        let mut text = String::new();
        loop {
            let Some(c) = self.peek(0) else { return error(offset, "the quote is not closed") };
            if c == '"' {
                self.at += 1;
                return Ok(Literal { pieces: vec![Piece::Literal(text)], quoted: true, offset });
            }
            match (c, self.peek(1)) {
                ('\\', Some(escaped @ ('\\' | '"'))) => {
                    text.push(escaped);
                    self.at += 2;
                }
                ('\\', _) => match self.common_escape()? {
                    Some(c) => text.push(c),
                    // Kuery keeps a backslash that starts no escape.
                    None => {
                        text.push('\\');
                        self.at += 1;
                    }
                },
                _ => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
    }

    /// `\t`, `\r`, `\n` and `\uXXXX`, which both kinds of literal know.
    fn common_escape(&mut self) -> Result<Option<char>, ReadError> {
        let found = match self.peek(1) {
            Some('t') => '\t',
            Some('r') => '\r',
            Some('n') => '\n',
            Some('u') => {
                let mut code = 0;
                for ahead in 2..6 {
                    match self.peek(ahead).and_then(|c| c.to_digit(16)) {
                        Some(digit) => code = code * 16 + digit,
                        None => return Ok(None),
                    }
                }
                let Some(c) = char::from_u32(code) else {
                    return self.fault("half of a surrogate pair is no character");
                };
                self.at += 4;
                c
            }
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(found))
    }

    fn unquoted(&mut self, offset: usize) -> Result<Literal, ReadError> {
        // `None` is a wildcard, which an escaped star is not.
        let mut text: Vec<Option<char>> = Vec::new();
        let start = self.at;
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => {
                    if let Some(c) = self.common_escape()? {
                        text.push(Some(c));
                    } else if let Some(c) = self.peek(1).filter(|c| is_special(*c)) {
                        text.push(Some(c));
                        self.at += 2;
                    } else if let Some(word) = self.escaped_keyword() {
                        text.extend(word.chars().map(Some));
                        self.at += 1 + word.len();
                    } else {
                        return self.fault("a backslash escapes only special characters and the words and, or, not");
                    }
                }
                '*' => {
                    text.push(None);
                    self.at += 1;
                }
                c if is_special(c) => break,
                c if is_blank(c) => {
                    if self.conjunction("or").is_some() || self.conjunction("and").is_some() {
                        break;
                    }
                    // The whole run at once: what follows it was looked at just now.
                    while let Some(c) = self.peek(0).filter(|c| is_blank(*c)) {
                        text.push(Some(c));
                        self.at += 1;
                    }
                }
                _ if self.word_at(0, "not").is_some() => break,
                c => {
                    text.push(Some(c));
                    self.at += 1;
                }
            }
        }
        if self.at == start {
            return self.fault("expected a field or a value");
        }
        let is_edge = |c: &Option<char>| c.is_some_and(char::is_whitespace);
        let first = text.iter().position(|c| !is_edge(c)).unwrap_or(text.len());
        let end = text.iter().rposition(|c| !is_edge(c)).map_or(first, |last| last + 1);
        let pieces: Vec<Piece> = text
            .get(first..end)
            .unwrap_or_default()
            .iter()
            .map(|c| c.map_or(Piece::Any, |c| Piece::Literal(c.to_string())))
            .collect();
        if pieces.is_empty() {
            return error(offset, "expected a field or a value");
        }
        Ok(Literal { pieces: Glob::new(pieces).pieces().to_vec(), quoted: false, offset })
    }

    fn escaped_keyword(&self) -> Option<String> {
        ["or", "and", "not"].into_iter().find_map(|word| {
            let written: String = (1..=word.len()).map_while(|ahead| self.peek(ahead)).collect();
            written.eq_ignore_ascii_case(word).then_some(written)
        })
    }
}

/// A field by its name, within the nested field that it belongs to.
fn field(inside: Option<&str>, name: &str, offset: usize, fields: &FieldTable) -> Result<Field, ReadError> {
    let full = inside.map_or_else(|| name.to_owned(), |inside| format!("{inside}.{name}"));
    match fields.get(&full) {
        Some(kind) => Ok(Field { path: Path::from_segments([name]), name: full, kind }),
        None => error(offset, format!("unknown field `{full}`")),
    }
}

fn equals(field: &Field, value: &Literal) -> Result<Formula, ReadError> {
    if value.is_star() {
        return Ok(Formula::test(&field.path, Predicate::Exists));
    }
    let plain = value.plain();
    if !value.quoted && plain.as_deref() == Some("null") {
        return error(value.offset, "`null` cannot be searched: write `not field: *`, or quote it as text");
    }
    let Some(plain) = plain else {
        return match field.kind {
            FieldType::Text | FieldType::TextList | FieldType::HttpStatus => {
                Ok(text(field, Glob::new(value.pieces.iter().cloned())))
            }
            FieldType::Exact => error(
                value.offset,
                format!("`{}` is a key of a flattened field, which is compared with exact values only", field.name),
            ),
            FieldType::Number | FieldType::Address | FieldType::Boolean | FieldType::Object | FieldType::Time => {
                error(value.offset, format!("`{}` is no text field: a wildcard is not allowed", field.name))
            }
        };
    };
    let wrong = |what: &str| error(value.offset, format!("`{}` is compared with {what}", field.name));
    let predicate = match field.kind {
        FieldType::Text | FieldType::TextList | FieldType::Exact | FieldType::Time | FieldType::HttpStatus => {
            return Ok(text(field, Glob::equals(plain)));
        }
        FieldType::Number => match number(&plain) {
            Some(value) => Predicate::Number { op: Comparison::Equal, value },
            None => return wrong("a number"),
        },
        FieldType::Boolean => match plain.as_str() {
            "true" => Predicate::Boolean(true),
            "false" => Predicate::Boolean(false),
            _ => return wrong("`true` or `false`"),
        },
        FieldType::Address => match network(&plain) {
            Some(network) => Predicate::Network(network),
            None => return wrong("an address or a network"),
        },
        FieldType::Object => return error(value.offset, format!("`{}` is an object: it has no value", field.name)),
    };
    Ok(Formula::test(&field.path, predicate))
}

fn text(field: &Field, glob: Glob) -> Formula {
    Formula::test(&field.path, Predicate::Text(TextSet::new(vec![Pattern::Glob(glob)], Case::Sensitive)))
}

fn range(field: &Field, op: Comparison, bound: &Literal) -> Result<Formula, ReadError> {
    if field.kind != FieldType::Number {
        return error(bound.offset, format!("`{}` is no number: `{}` is not supported on it", field.name, op.sign()));
    }
    match bound.plain().as_deref().and_then(number) {
        Some(value) => Ok(Formula::test(&field.path, Predicate::Number { op, value })),
        None => error(bound.offset, format!("`{}` is compared with a number", field.name)),
    }
}

fn number(text: &str) -> Option<Number> {
    text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)).then(|| text.parse().ok())?.and_then(Number::new)
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
