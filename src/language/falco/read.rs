//! Falco's conditions read into logic, as the engine's own parser takes them.

mod check;
mod file;
mod lexer;
mod text;

use std::collections::HashMap;

use self::check::Field;
use self::lexer::{Lexer, Value, fault};
use self::text::Transform;
use crate::language::{FieldTable, FieldType, ReadError};
use crate::logic::{Formula, Path};

pub use self::file::{
    FileError, PRIORITIES, Rule, RulesFile, engine_asked, entries, is_change, read_entries, read_file, rule_refused,
};

/// How deep a condition may nest; the engine's own bound.
const MAX_DEPTH: usize = 100;

/// How many tests and values the macros and lists of one condition may come to. Macros that use one another several
/// times grow exponentially.
const MAX_SIZE: usize = 200_000;

/// The lists and macros that a condition may name.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// Lists, spelled out.
    pub lists: HashMap<String, Vec<String>>,
    /// Macros, as read. One that contains `or` holds together where it is used.
    pub macros: HashMap<String, Formula>,
}

/// Reads a condition over the fields of an event source.
///
/// An unknown field, macro or operator, a value that the engine would reject, and anything that is no condition are
/// errors.
pub fn read_condition(text: &str, definitions: &Definitions, fields: &FieldTable) -> Result<Formula, ReadError> {
    let mut reader = Reader { lexer: Lexer::new(text), depth: 0, size: 0, named: Vec::new(), definitions, fields };
    let formula = reader.either()?;
    if !reader.lexer.at_end() {
        return reader.fault("expected `and`, `or` or the end of the condition");
    }
    for name in definitions.lists.keys() {
        if let Some(at) = words(text, name).find(|at| !reader.named.contains(at)) {
            return fault(at, format!("`{name}` is a list: the engine puts its values here, too"));
        }
    }
    Ok(formula)
}

/// Where the engine takes a word of a text for a list of that name, in quotes or not: it looks for names of lists before
/// it reads a condition.
fn words<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = usize> + 't {
    const ENDS: [char; 8] = [' ', '\t', '\n', '\r', '(', ')', ',', '='];
    let found = if name.is_empty() { "".match_indices("x") } else { text.match_indices(name) };
    found.map(|(at, _)| at).filter(move |at| {
        let (before, after) = (text.get(..*at).unwrap_or(""), text.get(at + name.len()..).unwrap_or(""));
        (before.is_empty() || before.ends_with(ENDS)) && (after.is_empty() || after.starts_with(ENDS))
    })
}

struct Reader<'t> {
    lexer: Lexer<'t>,
    depth: usize,
    /// How many tests and values macros and lists have brought in.
    size: usize,
    /// Where lists are named.
    named: Vec<usize>,
    definitions: &'t Definitions,
    fields: &'t FieldTable,
}

impl Reader<'_> {
    fn fault<T>(&self, reason: impl Into<String>) -> Result<T, ReadError> {
        fault(self.lexer.offset(), reason)
    }

    fn grow(&mut self, by: usize) -> Result<(), ReadError> {
        self.size += by;
        if self.size > MAX_SIZE { self.fault("the condition's macros and lists are too large") } else { Ok(()) }
    }

    fn either(&mut self) -> Result<Formula, ReadError> {
        self.joined("or", Self::both).map(Formula::or)
    }

    fn both(&mut self) -> Result<Formula, ReadError> {
        self.joined("and", Self::negation).map(Formula::and)
    }

    fn joined(
        &mut self,
        word: &str,
        read: fn(&mut Self) -> Result<Formula, ReadError>,
    ) -> Result<Vec<Formula>, ReadError> {
        let mut parts = vec![read(self)?];
        self.lexer.blanks();
        while self.lexer.take(word) {
            if self.lexer.blanks() {
                parts.push(read(self)?);
            } else if self.lexer.take("(") {
                parts.push(self.bracketed()?);
            } else {
                return self.fault(format!("expected a blank or `(` after `{word}`"));
            }
            self.lexer.blanks();
        }
        Ok(parts)
    }

    fn negation(&mut self) -> Result<Formula, ReadError> {
        self.lexer.blanks();
        let mut negated = false;
        while self.lexer.take_word("not") {
            negated = !negated;
        }
        let formula = if self.lexer.take("not(") {
            negated = !negated;
            self.bracketed()?
        } else {
            self.check()?
        };
        Ok(if negated { Formula::not(formula) } else { formula })
    }

    /// What follows a `(`, up to its `)`.
    fn bracketed(&mut self) -> Result<Formula, ReadError> {
        if self.depth >= MAX_DEPTH {
            return self.fault("the condition is nested too deeply");
        }
        self.depth += 1;
        let formula = self.either()?;
        self.depth -= 1;
        self.close()?;
        Ok(formula)
    }

    fn close(&mut self) -> Result<(), ReadError> {
        self.lexer.blanks();
        if self.lexer.take(")") { Ok(()) } else { self.fault("expected `)`") }
    }

    fn check(&mut self) -> Result<Formula, ReadError> {
        self.lexer.blanks();
        if self.lexer.take("(") {
            return self.bracketed();
        }
        let offset = self.lexer.offset();
        if let Some(name) = self.lexer.field()? {
            let field = self.field(name, offset)?;
            return self.condition(&field);
        }
        let Some(name) = self.lexer.identifier() else {
            return self.fault("expected `(`, a field or a macro");
        };
        if self.lexer.take("(") {
            let field = self.transformed(name, offset)?;
            return self.condition(&field);
        }
        match self.definitions.macros.get(name) {
            Some(formula) => {
                let mut tests = 0;
                formula.each_test(&mut |_, _| tests += 1);
                self.grow(tests)?;
                Ok(formula.clone())
            }
            None => fault(offset, format!("unknown macro `{name}`")),
        }
    }

    fn field(&self, name: String, offset: usize) -> Result<Field, ReadError> {
        // The fields for networks hold the addresses of those for single addresses.
        let address = match name.as_str() {
            "fd.net" | "fd.snet" | "fd.cnet" | "fd.lnet" | "fd.rnet" => name.replace("net", "ip"),
            _ => name.clone(),
        };
        let kind = self.fields.get(&name).or_else(|| self.fields.get(&address));
        // Nothing is known of what stands in such a field, so that a test of it may be true or not.
        let published = kind.is_none() && self.fields.is_only_published(&name);
        let Some(kind) = kind.or(published.then_some(FieldType::Text)) else {
            return fault(offset, format!("unknown field `{name}`"));
        };
        Ok(Field { path: Path::from_segments([address]), name, kind, published, transform: None, offset })
    }

    /// The field in a transformer's brackets, after the `(`.
    fn transformed(&mut self, transformer: &str, offset: usize) -> Result<Field, ReadError> {
        let transform = match transformer {
            "tolower" => Transform::Lower,
            "toupper" => Transform::Upper,
            "b64" | "basename" | "len" | "join" | "concat" | "getopt" | "anyof" | "oneof" | "allof" => {
                return fault(offset, format!("`{transformer}(…)` is not supported"));
            }
            _ => return fault(offset, format!("unknown transformer `{transformer}`")),
        };
        self.lexer.blanks();
        let inner = self.lexer.offset();
        let Some(name) = self.lexer.field()? else {
            return self.fault("expected a field; transformers in transformers are not supported");
        };
        let mut field = self.field(name, inner)?;
        self.close()?;
        field.transform = Some(transform);
        Ok(field)
    }

    fn condition(&mut self, field: &Field) -> Result<Formula, ReadError> {
        self.lexer.blanks();
        let offset = self.lexer.offset();
        if self.lexer.take("exists") {
            return match field.transform {
                None => Ok(field.exists()),
                Some(_) => fault(offset, "`exists` asks a field without a transformer"),
            };
        }
        const SIGNS: [&str; 7] = ["<=", "<", ">=", ">", "==", "=", "!="];
        const WORDS: [&str; 9] =
            ["glob", "iglob", "contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", "regex"];
        if let Some(operator) = SIGNS.into_iter().find(|sign| self.lexer.take(sign)) {
            return self.compared(field, operator);
        }
        if let Some(operator) = WORDS.into_iter().find(|word| self.lexer.take_word(word)) {
            return self.compared(field, operator);
        }
        match ["intersects", "in", "pmatch"].into_iter().find(|word| self.lexer.take(word)) {
            Some(operator) => {
                let values = self.list(operator)?;
                check::one_of(field, operator, &values)
            }
            None => fault(offset, "expected an operator"),
        }
    }

    fn compared(&mut self, field: &Field, operator: &str) -> Result<Formula, ReadError> {
        self.lexer.blanks();
        let offset = self.lexer.offset();
        let (is_field, plain) = match ["val(", "tolower(", "toupper("].into_iter().find(|word| self.lexer.take(word)) {
            Some("val(") => (true, true),
            Some(_) => (true, false),
            None => (false, false),
        };
        if is_field {
            if !plain {
                return fault(offset, "a transformer on the right of an operator is not supported");
            }
            self.lexer.blanks();
            let inner = self.lexer.offset();
            let Some(name) = self.lexer.field()? else { return self.fault("expected a field") };
            let other = self.field(name, inner)?;
            self.close()?;
            return check::compare_fields(field, operator, &other);
        }
        let Some(value) = self.lexer.value()? else { return self.fault("expected a value") };
        if !value.quoted && self.definitions.lists.contains_key(&value.text) {
            return fault(value.offset, format!("`{}` is a list: it goes with `in (…)`", value.text));
        }
        check::compare(field, operator, &value)
    }

    fn list(&mut self, operator: &str) -> Result<Vec<Value>, ReadError> {
        self.lexer.blanks();
        if !self.lexer.take("(") {
            return self.fault(format!("`{operator}` takes a list in brackets"));
        }
        let mut values = Vec::new();
        self.lexer.blanks();
        if self.lexer.take(")") {
            return Ok(values);
        }
        loop {
            self.lexer.blanks();
            let Some(value) = self.lexer.value()? else { return self.fault("expected a value") };
            match self.definitions.lists.get(&value.text).filter(|_| !value.quoted) {
                Some(items) => {
                    self.named.push(value.offset);
                    self.grow(items.len())?;
                    values.extend(items.iter().map(|item| Value {
                        text: item.clone(),
                        quoted: true,
                        offset: value.offset,
                    }));
                }
                None => values.push(value),
            }
            self.lexer.blanks();
            if !self.lexer.take(",") {
                self.close()?;
                return Ok(values);
            }
        }
    }
}

#[cfg(test)]
#[path = "read/tests.rs"]
mod tests;
