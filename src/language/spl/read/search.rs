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

/// The time that a search asks for in its own first terms, which then counts instead of what it is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// From when on.
    pub earliest: Option<String>,
    /// Until when.
    pub latest: Option<String>,
}

/// Reads terms.
pub(super) fn read(text: &str, fields: &FieldTable) -> Result<Formula, ReadError> {
    read_tokens(text, tokens(text)?, fields)
}

/// Reads the terms that a search begins with.
pub(super) fn read_first(text: &str, fields: &FieldTable) -> Result<(Formula, Times), ReadError> {
    let mut tokens = tokens(text)?;
    let times = take_times(&mut tokens);
    match tokens.is_empty() && times != Times::default() {
        true => Ok((Formula::TRUE, times)),
        false => Ok((read_tokens(text, tokens, fields)?, times)),
    }
}

/// The time that the terms a search begins with ask for.
pub(super) fn read_times(text: &str) -> Result<Times, ReadError> {
    Ok(take_times(&mut tokens(text)?))
}

/// Takes `earliest=…` and `latest=…` out of terms that all have to hold; elsewhere they stay, and are refused.
fn take_times(tokens: &mut Vec<(usize, Token)>) -> Times {
    let mut times = Times::default();
    let (mut at, mut depth) = (0, 0_usize);
    let is_word = |token: Option<&(usize, Token)>, words: &[&str]| matches!(token, Some((_, Token::Word(text))) if words.contains(&text.as_str()));
    while let Some((_, token)) = tokens.get(at) {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let joined = is_word(before, &["NOT", "OR"]) || is_word(tokens.get(at + 3), &["OR"]);
        let value = match (tokens.get(at..at + 3), depth) {
            (
                Some(
                    [(_, Token::Word(name)), (_, Token::Operator("=")), (_, Token::Word(value) | Token::Quoted(value))],
                ),
                0,
            ) if !joined => Some((name.clone(), value.clone())),
            _ => None,
        };
        let slot = match value.as_ref().map(|(name, _)| name.as_str()) {
            Some("earliest") if times.earliest.is_none() => &mut times.earliest,
            Some("latest") if times.latest.is_none() => &mut times.latest,
            _ => {
                at += 1;
                continue;
            }
        };
        *slot = value.map(|(_, value)| value);
        // With the `AND` that joined it.
        let (start, end) = match (is_word(before, &["AND"]), is_word(tokens.get(at + 3), &["AND"])) {
            (true, _) => (at - 1, at + 3),
            (false, after) => (at, at + 3 + usize::from(after)),
        };
        tokens.drain(start..end);
        at = start;
    }
    times
}

fn read_tokens(text: &str, tokens: Vec<(usize, Token)>, fields: &FieldTable) -> Result<Formula, ReadError> {
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

    /// A term without a field: a run of whole segments of the raw text, or with a `*` at an end a run that begins or ends
    /// within one. `*` alone is every event.
    fn bare(&self, text: &str, is_quoted: bool) -> Result<Formula, String> {
        if text == "*" {
            return Ok(Formula::TRUE);
        }
        // Operators are in capitals: `and`, `or` and `not` are words to look for. These two are somewhere else more.
        if !is_quoted && ["xor", "in"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Err(format!("`{text}` is a word to look for here, not an operator: those are AND, OR, NOT, IN"));
        }
        let (begins, text) = text.strip_prefix('*').map_or((r"(?:\A|[\s[:punct:]])", text), |rest| ("", rest));
        let (ends, text) = text.strip_suffix('*').map_or((r"(?:\z|[\s[:punct:]])", text), |rest| ("", rest));
        if text.is_empty() || text.contains('*') {
            return Err("a term without a field is read with a wildcard at its ends only".to_owned());
        }
        let expression = format!("{begins}{}{ends}", regex_syntax::escape(text));
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
