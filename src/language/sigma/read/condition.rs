//! The condition of a Sigma rule: `not` before `and` before `or`, parentheses, and quantifiers over selections.

use std::collections::BTreeMap;

use crate::language::ReadError;
use crate::logic::Formula;

const DEPTH: usize = 100;

/// Reads a condition over named selections.
pub(super) fn read(text: &str, selections: &BTreeMap<String, Formula>) -> Result<Formula, ReadError> {
    let words = words(text)?;
    let mut reader = Reader { words: &words, at: 0, end: text.len(), selections };
    let formula = reader.either(0)?;
    match reader.words.get(reader.at) {
        None => Ok(formula),
        Some((offset, word)) => Err(error(*offset, format!("`{word}` stands where the condition should end"))),
    }
}

fn error(offset: usize, reason: impl Into<String>) -> ReadError {
    ReadError { offset, reason: reason.into() }
}

/// Words and parentheses with their offsets.
fn words(text: &str) -> Result<Vec<(usize, &str)>, ReadError> {
    let mut words: Vec<(usize, &str)> = Vec::new();
    let mut start = None;
    for (offset, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_sign = matches!(c, '(' | ')');
        if c == '|' {
            return Err(error(offset, "what follows `|` counts or joins events, which no condition says"));
        }
        if is_sign || c.is_whitespace() {
            if let Some(start) = start.take() {
                words.push((start, text.get(start..offset).unwrap_or("")));
            }
            if is_sign {
                words.push((offset, text.get(offset..offset + 1).unwrap_or("")));
            }
        } else if start.is_none() {
            start = Some(offset);
        }
    }
    Ok(words)
}

struct Reader<'t> {
    words: &'t [(usize, &'t str)],
    at: usize,
    end: usize,
    selections: &'t BTreeMap<String, Formula>,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.words.get(self.at).map(|(_, word)| *word)
    }

    fn offset(&self) -> usize {
        self.words.get(self.at).map_or(self.end, |(offset, _)| *offset)
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let found = self.peek() == Some(keyword);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self, depth: usize) -> Result<Formula, ReadError> {
        let mut parts = vec![self.both(depth)?];
        while self.eat("or") {
            parts.push(self.both(depth)?);
        }
        Ok(Formula::or(parts))
    }

    fn both(&mut self, depth: usize) -> Result<Formula, ReadError> {
        let mut parts = vec![self.not(depth)?];
        while self.eat("and") {
            parts.push(self.not(depth)?);
        }
        Ok(Formula::and(parts))
    }

    fn not(&mut self, depth: usize) -> Result<Formula, ReadError> {
        let mut negated = false;
        while self.eat("not") {
            negated = !negated;
        }
        let part = self.one(depth)?;
        Ok(if negated { Formula::not(part) } else { part })
    }

    fn one(&mut self, depth: usize) -> Result<Formula, ReadError> {
        let offset = self.offset();
        if depth > DEPTH {
            return Err(error(offset, "the condition nests too deeply"));
        }
        if self.eat("(") {
            let inner = self.either(depth + 1)?;
            return if self.eat(")") { Ok(inner) } else { Err(error(self.offset(), "a `)` is missing")) };
        }
        let Some(word) = self.peek() else { return Err(error(offset, "the condition ends too early")) };
        self.at += 1;
        if self.peek().is_some_and(|next| next == "of") {
            self.at += 1;
            return self.quantified(offset, word);
        }
        if let Some(keyword) = ["and", "or", "not"].iter().find(|known| word.eq_ignore_ascii_case(known)) {
            return Err(error(
                offset,
                format!("`{word}` stands where a selection should; operators are small: `{keyword}`"),
            ));
        }
        if ["of", ")"].iter().any(|known| word.eq_ignore_ascii_case(known)) {
            return Err(error(offset, format!("`{word}` stands where a selection should")));
        }
        self.selections.get(word).cloned().ok_or_else(|| error(offset, format!("there is no selection `{word}`")))
    }

    /// `1 of sel*`, `all of them`.
    fn quantified(&mut self, offset: usize, count: &str) -> Result<Formula, ReadError> {
        let Some(pattern) = self.peek() else { return Err(error(self.offset(), "`of` what?")) };
        let place = self.offset();
        self.at += 1;
        let is_meant = |name: &str| match pattern == "them" {
            true => !name.starts_with('_'),
            false => fits(pattern, name),
        };
        let parts: Vec<Formula> =
            self.selections.iter().filter(|(name, _)| is_meant(name)).map(|(_, part)| part.clone()).collect();
        if parts.is_empty() {
            return Err(error(place, format!("no selection fits `{pattern}`")));
        }
        // Names with `_` in front are left out of `them`; of such a pattern, not all tools say the same.
        let hidden = |name: &&String| pattern.starts_with('*') && name.starts_with('_') && fits(pattern, name);
        if let Some(name) = self.selections.keys().find(hidden) {
            return Err(error(
                place,
                format!("whether `{pattern}` stands for `{name}`, too, is not the same in all tools"),
            ));
        }
        if count == "all" {
            return Ok(Formula::and(parts));
        }
        match count {
            "1" | "any" => Ok(Formula::or(parts)),
            "0" => Err(error(offset, "`0 of` is not read: write `not 1 of`")),
            // The specification has no other numbers, and tools refuse them.
            _ => Err(error(offset, format!("`{count} of` is none of `1 of`, `any of` and `all of`"))),
        }
    }
}

/// Whether `name` fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece).and_then(|at| rest.get(at + piece.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}
