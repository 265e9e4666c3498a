//! Expressions of `eval` and `where` as trees: parentheses, comparisons, NOT, AND, OR, XOR.

use super::{fault, quoted};
use crate::language::ReadError;

const DEPTH: usize = 60;

/// An expression and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) offset: usize,
    pub(super) kind: Kind,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Text(String),
    Number(f64),
    Field(String),
    Call(String, Vec<Node>),
    Compare(Box<Node>, &'static str, Box<Node>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Xor(Vec<Node>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Number(f64),
    /// A field's name in single quotes.
    Field(String),
    Name(String),
    Sign(&'static str),
}

/// Reads an expression.
pub(super) fn read(text: &str) -> Result<Node, ReadError> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, end: text.len() };
    let node = reader.xor(0)?;
    match reader.tokens.get(reader.at) {
        None => Ok(node),
        Some((offset, _)) => Err(fault(*offset, "the expression should end here")),
    }
}

/// The parts of a list with commas, outside quotes and parentheses, and where each begins.
pub(super) fn arguments(text: &str) -> Result<Vec<(usize, &str)>, ReadError> {
    let mut parts = Vec::new();
    let (mut depth, mut start, mut at) = (0usize, 0, 0);
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        match c {
            '"' => {
                at = quoted(text, at)?.1;
                continue;
            }
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).ok_or_else(|| fault(at, "a `)` closes nothing"))?,
            ',' if depth == 0 => {
                parts.push((start, text.get(start..at).unwrap_or("")));
                start = at + 1;
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    parts.push((start, text.get(start..).unwrap_or("")));
    if depth == 0 { Ok(parts) } else { Err(fault(text.len(), "a `)` is missing")) }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ReadError> {
    const SIGNS: [&str; 11] = ["==", "!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "-"];
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or("");
        let start = at;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let token = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if c == '"' {
            let (value, end) = quoted(text, at)?;
            at = end;
            Token::Text(value)
        } else if c == '\'' {
            let Some((name, _)) = rest.get(1..).and_then(|rest| rest.split_once('\'')) else {
                return Err(fault(at, "a quote is not closed"));
            };
            if name.is_empty() || name.contains(['\\', '*']) {
                return Err(fault(at, "this is no field's name"));
            }
            at += name.len() + 2;
            Token::Field(name.to_owned())
        } else if c.is_ascii_digit() {
            let end = rest.find(|c: char| !(is_name(c) || c == '.')).unwrap_or(rest.len());
            let digits = rest.get(..end).unwrap_or("");
            at += end;
            match digits.parse::<f64>() {
                Ok(value) if value.is_finite() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
                    Token::Number(value)
                }
                _ => return Err(fault(start, format!("`{digits}` is no number"))),
            }
        } else if is_name(c) {
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            let name = rest.get(..end).unwrap_or("");
            at += end;
            if rest.get(end..).is_some_and(|rest| rest.starts_with(['.', '{', ':'])) {
                return Err(fault(start, format!("a name that goes on after `{name}` takes single quotes")));
            }
            Token::Name(name.to_owned())
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            at += sign.len();
            Token::Sign(sign)
        } else {
            return Err(fault(at, format!("`{c}` is not read in an expression")));
        };
        tokens.push((start, token));
    }
    Ok(tokens)
}

struct Reader<'t> {
    tokens: &'t [(usize, Token)],
    at: usize,
    end: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(offset, _)| *offset)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn eat_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(next)) if next.eq_ignore_ascii_case(name));
        self.at += usize::from(found);
        found
    }

    fn joined(
        &mut self,
        word: &str,
        one: impl Fn(&mut Self) -> Result<Node, ReadError>,
        make: fn(Vec<Node>) -> Kind,
    ) -> Result<Node, ReadError> {
        let offset = self.offset();
        let first = one(self)?;
        let mut parts = vec![first];
        while self.eat_name(word) {
            parts.push(one(self)?);
        }
        Ok(match <[Node; 1]>::try_from(parts) {
            Ok([node]) => node,
            Err(parts) => Node { offset, kind: make(parts) },
        })
    }

    fn xor(&mut self, depth: usize) -> Result<Node, ReadError> {
        if depth > DEPTH {
            return Err(fault(self.offset(), "the expression nests too deeply"));
        }
        self.joined("xor", |reader| reader.or(depth), Kind::Xor)
    }

    fn or(&mut self, depth: usize) -> Result<Node, ReadError> {
        self.joined("or", |reader| reader.and(depth), Kind::Or)
    }

    fn and(&mut self, depth: usize) -> Result<Node, ReadError> {
        self.joined("and", |reader| reader.not(depth), Kind::And)
    }

    fn not(&mut self, depth: usize) -> Result<Node, ReadError> {
        let offset = self.offset();
        if self.eat_name("not") {
            if self.eat_name("not") {
                return Err(fault(offset, "two NOT follow each other"));
            }
            let part = self.comparison(depth)?;
            return Ok(Node { offset, kind: Kind::Not(Box::new(part)) });
        }
        self.comparison(depth)
    }

    fn comparison(&mut self, depth: usize) -> Result<Node, ReadError> {
        let left = self.primary(depth)?;
        let offset = left.offset;
        if self.eat_name("like") {
            let right = self.primary(depth)?;
            return Ok(Node { offset, kind: Kind::Call("like".to_owned(), vec![left, right]) });
        }
        if self.eat_name("in") {
            if !self.eat("(") {
                return Err(fault(self.offset(), "`IN` takes a list in parentheses"));
            }
            let mut parts = vec![left];
            self.list(depth, &mut parts)?;
            return Ok(Node { offset, kind: Kind::Call("in".to_owned(), parts) });
        }
        let Some(sign) = ["==", "=", "!=", "<=", ">=", "<", ">"].into_iter().find(|sign| self.eat(sign)) else {
            return Ok(left);
        };
        let right = self.primary(depth)?;
        let sign = if sign == "==" { "=" } else { sign };
        Ok(Node { offset, kind: Kind::Compare(Box::new(left), sign, Box::new(right)) })
    }

    /// Arguments up to the closing parenthesis.
    fn list(&mut self, depth: usize, parts: &mut Vec<Node>) -> Result<(), ReadError> {
        if self.eat(")") {
            return Ok(());
        }
        loop {
            parts.push(self.xor(depth + 1)?);
            if self.eat(")") {
                return Ok(());
            }
            if !self.eat(",") {
                return Err(fault(self.offset(), "`,` or `)` is expected here"));
            }
        }
    }

    fn primary(&mut self, depth: usize) -> Result<Node, ReadError> {
        let offset = self.offset();
        let token = self.peek();
        self.at += 1;
        let kind = match token {
            Some(Token::Text(text)) => Kind::Text(text.clone()),
            Some(Token::Number(value)) => Kind::Number(*value),
            Some(Token::Field(name)) => Kind::Field(name.clone()),
            Some(Token::Name(name)) => {
                if self.eat("(") {
                    let mut parts = Vec::new();
                    self.list(depth, &mut parts)?;
                    Kind::Call(name.to_ascii_lowercase(), parts)
                } else if ["and", "or", "not", "xor", "like", "in", "true", "false", "null"]
                    .iter()
                    .any(|word| name.eq_ignore_ascii_case(word))
                {
                    return Err(fault(offset, format!("`{name}` stands where a value should")));
                } else {
                    Kind::Field(name.clone())
                }
            }
            Some(Token::Sign("(")) => {
                let inner = self.xor(depth + 1)?;
                if !self.eat(")") {
                    return Err(fault(self.offset(), "a `)` is missing"));
                }
                inner.kind
            }
            Some(Token::Sign("-")) => match self.peek() {
                Some(Token::Number(value)) => {
                    self.at += 1;
                    Kind::Number(-value)
                }
                _ => return Err(fault(offset, "arithmetic is not read")),
            },
            Some(_) => return Err(fault(offset, "a value is expected here")),
            None => return Err(fault(offset, "the expression ends too early")),
        };
        Ok(Node { offset, kind })
    }
}
