//! The terms of the `search` command: NOT before OR before AND, which is also what stands between two terms.

use super::{fault, holds_several, path, quoted};
use crate::language::{FieldTable, FieldType, ReadError};
use crate::logic::{Case, Comparison, Formula, Glob, Number, Pattern, Piece, Predicate, TextSet};

const DEPTH: usize = 60;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Operator(&'static str),
    Open,
    Close,
    Comma,
}

/// Reads terms.
pub(super) fn read(text: &str, fields: &FieldTable) -> Result<Formula, ReadError> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(fault(0, "there is no term"));
    }
    let mut reader = Reader { tokens: &tokens, at: 0, end: text.len(), fields };
    let formula = reader.all(0)?;
    match reader.tokens.get(reader.at) {
        None => Ok(formula),
        Some((offset, _)) => Err(fault(*offset, "a term is expected here")),
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ReadError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut last_term_end = None;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or("");
        let start = at;
        let token = match c {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '"' => {
                let (value, end) = quoted(text, at)?;
                at = end;
                Token::Quoted(value)
            }
            '=' | '!' | '<' | '>' => {
                let Some(sign) = ["!=", "<=", ">=", "=", "<", ">"].into_iter().find(|sign| rest.starts_with(sign))
                else {
                    return Err(fault(at, "`!` alone is no operator"));
                };
                if rest.get(sign.len()..).is_some_and(|rest| rest.starts_with(['=', '!', '<', '>'])) {
                    return Err(fault(at, "`search` has no such operator"));
                }
                at += sign.len();
                Token::Operator(sign)
            }
            '[' | ']' | '|' | '`' | '\'' => return Err(fault(at, format!("`{c}` is not read here"))),
            _ => {
                let is_end = |c: char| c.is_whitespace() || "()\",=!<>[]|`".contains(c);
                let word = rest.get(..rest.find(is_end).unwrap_or(rest.len())).unwrap_or("");
                if word.contains('\\') {
                    return Err(fault(at, "a value with a backslash is read in quotes only"));
                }
                at += word.len();
                Token::Word(word.to_owned())
            }
        };
        if at == start {
            at += c.len_utf8();
        }
        let is_term = matches!(token, Token::Word(_) | Token::Quoted(_));
        if is_term && last_term_end == Some(start) {
            return Err(fault(start, "a blank is missing between two terms"));
        }
        last_term_end = is_term.then_some(at);
        tokens.push((start, token));
    }
    Ok(tokens)
}

struct Reader<'t> {
    tokens: &'t [(usize, Token)],
    at: usize,
    end: usize,
    fields: &'t FieldTable,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(offset, _)| *offset)
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.at += usize::from(found);
        found
    }

    fn all(&mut self, depth: usize) -> Result<Formula, ReadError> {
        let mut parts = vec![self.any(depth)?];
        while self.eat_word("AND") || !matches!(self.peek(), None | Some(Token::Close)) {
            parts.push(self.any(depth)?);
        }
        Ok(Formula::and(parts))
    }

    fn any(&mut self, depth: usize) -> Result<Formula, ReadError> {
        let mut parts = vec![self.not(depth)?];
        while self.eat_word("OR") {
            parts.push(self.not(depth)?);
        }
        Ok(Formula::or(parts))
    }

    fn not(&mut self, depth: usize) -> Result<Formula, ReadError> {
        let mut negated = false;
        while self.eat_word("NOT") {
            negated = !negated;
        }
        let part = self.term(depth)?;
        Ok(if negated { Formula::not(part) } else { part })
    }

    fn term(&mut self, depth: usize) -> Result<Formula, ReadError> {
        let offset = self.offset();
        if depth > DEPTH {
            return Err(fault(offset, "the search nests too deeply"));
        }
        let token = self.peek();
        self.at += 1;
        let (text, is_quoted) = match token {
            Some(Token::Open) => {
                let inner = self.all(depth + 1)?;
                if self.peek() != Some(&Token::Close) {
                    return Err(fault(self.offset(), "a `)` is missing"));
                }
                self.at += 1;
                return Ok(inner);
            }
            Some(Token::Word(text)) => (text, false),
            Some(Token::Quoted(text)) => (text, true),
            _ => return Err(fault(offset, "a term is expected here")),
        };
        if !is_quoted && matches!(text.as_str(), "AND" | "OR" | "IN") {
            return Err(fault(offset, format!("`{text}` joins nothing here")));
        }
        match self.peek() {
            Some(Token::Operator(sign)) => {
                self.at += 1;
                let place = self.offset();
                let (Some(Token::Word(value)) | Some(Token::Quoted(value))) = self.peek() else {
                    return Err(fault(place, "a value is expected here"));
                };
                self.at += 1;
                self.comparison(text, sign, value).map_err(|reason| fault(offset, reason))
            }
            Some(Token::Word(word)) if word == "IN" => {
                self.at += 1;
                self.list(text, offset)
            }
            Some(Token::Open) if !is_quoted => Err(fault(offset, format!("`{text}(…)` is not read in `search`"))),
            _ => self.bare(text, is_quoted).map_err(|reason| fault(offset, reason)),
        }
    }

    /// `f IN (a, "b*")`.
    fn list(&mut self, name: &str, offset: usize) -> Result<Formula, ReadError> {
        if self.peek() != Some(&Token::Open) {
            return Err(fault(self.offset(), "`IN` takes a list in parentheses"));
        }
        self.at += 1;
        let mut parts = Vec::new();
        loop {
            let place = self.offset();
            let (Some(Token::Word(value)) | Some(Token::Quoted(value))) = self.peek() else {
                return Err(fault(place, "a value is expected here"));
            };
            self.at += 1;
            parts.push(self.comparison(name, "=", value).map_err(|reason| fault(offset, reason))?);
            let next = self.peek();
            self.at += 1;
            match next {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(Formula::or(parts)),
                _ => return Err(fault(place, "the list of `IN` goes on with `,` or ends with `)`")),
            }
        }
    }

    fn comparison(&self, name: &str, sign: &str, value: &str) -> Result<Formula, String> {
        if name.is_empty() || name.contains(['*', '\\', '\'']) || name.contains("::") {
            return Err(format!("`{name}` is no name of one field"));
        }
        const NO_FIELDS: [&str; 4] = ["earliest", "latest", "savedsearch", "savedsplunk"];
        if NO_FIELDS.contains(&name) || name.starts_with("_index_") {
            return Err(format!("`{name}=` is no condition on a field of the event"));
        }
        let test = |predicate| Formula::test(&path(name), predicate);
        let kind = self.fields.get(name);
        let number = decimal(value);
        let op = match sign {
            "=" => return self.equal(name, value),
            "!=" => {
                if holds_several(name, self.fields) {
                    return Err(format!("what `!=` makes of several values of `{name}` is not documented"));
                }
                return Ok(Formula::and([test(Predicate::Exists), Formula::not(self.equal(name, value)?)]));
            }
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            _ => Comparison::GreaterOrEqual,
        };
        match number {
            Some(value) if matches!(kind, None | Some(FieldType::Number)) => Ok(test(Predicate::Number { op, value })),
            Some(_) => Err(format!("`{name}` is no number, and `{sign}` compares it as text")),
            None => Err(format!("`{value}` is no number, and `{sign}` compares it as text")),
        }
    }

    fn equal(&self, name: &str, value: &str) -> Result<Formula, String> {
        let kind = self.fields.get(name);
        let test = |predicate| Formula::test(&path(name), predicate);
        if value == "*" {
            return Ok(test(Predicate::Exists));
        }
        if kind == Some(FieldType::Number)
            && let Some(value) = decimal(value)
        {
            return Ok(test(Predicate::Number { op: Comparison::Equal, value }));
        }
        if kind == Some(FieldType::Boolean) {
            for truth in [true, false] {
                if value.eq_ignore_ascii_case(if truth { "true" } else { "false" }) {
                    return Ok(test(Predicate::Boolean(truth)));
                }
            }
        }
        if let Ok(network) = value.parse() {
            return match kind {
                None | Some(FieldType::Address) => Ok(test(Predicate::Network(network))),
                Some(_) => Err(format!("`{value}` stands for the addresses of a network, and `{name}` is no address")),
            };
        }
        Ok(test(Predicate::Text(TextSet::new(vec![Pattern::Glob(glob(value))], Case::Insensitive))))
    }

    /// A term without a field: a run of whole segments of the raw text. `*` is every event.
    fn bare(&self, text: &str, is_quoted: bool) -> Result<Formula, String> {
        if text == "*" {
            return Ok(Formula::TRUE);
        }
        // Operators are in capitals: `and`, `or` and `not` are words to look for. These two are somewhere else more.
        if !is_quoted && ["xor", "in"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Err(format!("`{text}` is a word to look for here, not an operator: those are AND, OR, NOT, IN"));
        }
        if text.is_empty() || text.contains('*') {
            return Err("a term without a field is read without wildcards only".to_owned());
        }
        let expression = format!(r"(?:\A|[\s[:punct:]]){}(?:\z|[\s[:punct:]])", regex_syntax::escape(text));
        let set = TextSet::new(vec![Pattern::Regex(expression)], Case::Insensitive);
        Ok(Formula::test(&path("_raw"), Predicate::Text(set)))
    }
}

/// `*` is a wildcard wherever it stands; there is no other and no escape.
fn glob(value: &str) -> Glob {
    let mut pieces = Vec::new();
    for (index, literal) in value.split('*').enumerate() {
        if index > 0 {
            pieces.push(Piece::Any);
        }
        pieces.push(Piece::Literal(literal.to_owned()));
    }
    Glob::new(pieces)
}

fn decimal(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number =
        digits.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    is_number.then(|| text.parse().ok().and_then(Number::new)).flatten()
}
