//! Splunk searches as formulas, written from Splunk's manuals: the first terms, then one command after the other.
//! What may change which events are found and is not understood is refused by name.

pub mod conf;
mod expression;
pub mod macros;
mod search;
mod truth;

use std::collections::BTreeSet;

pub use conf::{Conf, Stanza};
pub use macros::Macros;
pub use search::Times;

use crate::language::pcre::{self, Flavor};
use crate::language::{FieldTable, FieldType, ReadError};
use crate::logic::{Case, Formula, Path, Pattern, Predicate, TextSet};

/// The longest search that is read, macros expanded.
const LENGTH: usize = 512 << 10;

/// The events that a search finds. Of some, Splunk's manuals do not say whether it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Extent {
    /// Those that it finds for sure.
    pub least: Formula,
    /// Those that it may find: all but those that it does not find for sure.
    pub most: Formula,
    /// What the manuals do not say, if the two differ.
    pub doubt: Option<ReadError>,
}

impl Extent {
    /// The extent of what is documented in full.
    pub fn certain(formula: Formula) -> Self {
        Self { least: formula.clone(), most: formula, doubt: None }
    }

    /// The formula, if the manuals say it all.
    fn known(self) -> Result<Formula, ReadError> {
        self.doubt.map_or(Ok(self.least), Err)
    }

    /// The extent, the place of its doubt in the whole.
    fn moved(mut self, by: usize) -> Self {
        self.doubt = self.doubt.map(|doubt| ReadError { offset: doubt.offset + by, ..doubt });
        self
    }

    /// What one and then another command lets through.
    fn and(self, other: Self) -> Self {
        Self {
            least: Formula::and([self.least, other.least]),
            most: Formula::and([self.most, other.most]),
            doubt: self.doubt.or(other.doubt),
        }
    }
}

/// Reads a whole search: terms that read events, then commands. Offsets are those in the text with its macros
/// expanded. What the manuals leave open is an error.
pub fn read_search(text: &str, macros: &Macros, fields: &FieldTable) -> Result<Formula, ReadError> {
    read_extent(text, macros, fields)?.known()
}

/// Reads a whole search as [`read_search`] does, and says of what the manuals leave open how far it may reach.
pub fn read_extent(text: &str, macros: &Macros, fields: &FieldTable) -> Result<Extent, ReadError> {
    let text = macros.expand(text)?;
    let mut commands = commands(&text)?.into_iter();
    let (at, terms) = first_terms(commands.next(), commands.as_slice().first())?;
    let mut whole = Extent::certain(moved(search::read_first(terms, fields), at)?.0);
    let mut touched = Touched::default();
    for (offset, command) in commands {
        let (name, rest) = word(command);
        let at = offset + command.len() - rest.len();
        let name_at = at - name.len();
        let condition = match name.to_ascii_lowercase().as_str() {
            "search" => Extent::certain(moved(search::read(rest, fields), at)?),
            "where" => moved(truth::read(rest, fields), at)?.moved(at),
            "regex" => moved(regex(rest, fields), at)?.moved(at),
            command @ ("table" | "fields") => {
                moved(touched.kept(command, rest), at)?;
                continue;
            }
            "rename" => {
                touched.renamed(rest);
                continue;
            }
            "eval" => {
                moved(touched.assigned(rest), at)?;
                continue;
            }
            "sort" => {
                if word(rest).0 != "0" {
                    return Err(fault(at, "`sort` keeps the first 10000 results only; `sort 0` keeps all"));
                }
                continue;
            }
            "stats" => {
                moved(stats(rest), at)?;
                touched.all = true;
                continue;
            }
            "" => return Err(fault(offset, "there is no command between two `|`")),
            _ => return Err(fault(name_at, format!("the command `{name}` is not read"))),
        };
        touched.check(&condition.most).map_err(|reason| fault(at, reason))?;
        whole = whole.and(condition);
    }
    Ok(whole)
}

/// The time that a whole search asks for itself.
pub fn read_times(text: &str, macros: &Macros) -> Result<Times, ReadError> {
    let text = macros.expand(text)?;
    let commands = commands(&text)?;
    let (at, terms) = first_terms(commands.first().copied(), commands.get(1))?;
    moved(search::read_times(terms), at)
}

/// Whether what a search gives of an event still has the field, if the event has it. What is not understood keeps it.
pub fn keeps(text: &str, macros: &Macros, name: &str) -> bool {
    let Ok(text) = macros.expand(text) else { return true };
    commands(&text).unwrap_or_default().into_iter().skip(1).all(|(_, command)| {
        let (command, rest) = word(command);
        let words = || rest.split(|c: char| c.is_whitespace() || c == ',').map(|word| word.trim_matches('"'));
        let before_as = || words().zip(words().skip(1)).filter(|(_, next)| next.eq_ignore_ascii_case("as"));
        match command.to_ascii_lowercase().as_str() {
            command @ ("table" | "fields") => {
                let mut touched = Touched::default();
                touched.kept(command, rest).is_err() || touched.kept.iter().all(|kept| kept.keeps(name))
            }
            "rename" => !before_as().any(|(renamed, _)| renamed == name),
            "stats" => {
                let given = words().skip_while(|word| !word.eq_ignore_ascii_case("by")).any(|word| word == name);
                given || words().skip_while(|word| !word.eq_ignore_ascii_case("as")).any(|word| word == name)
            }
            _ => true,
        }
    })
}

/// The terms that a search begins with, with or without the command's name, and where they stand; `next` is the command
/// behind them.
fn first_terms<'t>(
    first: Option<(usize, &'t str)>,
    next: Option<&(usize, &str)>,
) -> Result<(usize, &'t str), ReadError> {
    let Some((offset, first)) = first.filter(|(_, first)| !first.trim().is_empty()) else {
        let other = next.map(|(_, command)| format!(", and `{}` is not read in their place", word(command).0));
        return Err(fault(0, format!("a search begins with terms that read events{}", other.unwrap_or_default())));
    };
    let (head, rest) = word(first);
    let is_search = head == "search" && !rest.trim_start().starts_with(['=', '!', '<', '>']);
    Ok(if is_search { (offset + first.len() - rest.len(), rest) } else { (offset, first) })
}

/// Reads terms of the `search` command alone.
pub fn read_condition(text: &str, fields: &FieldTable) -> Result<Formula, ReadError> {
    if text.len() > LENGTH {
        return Err(fault(0, "the search is too long"));
    }
    search::read(text, fields)
}

/// Reads an expression of the `where` command alone: the events for which it is true.
pub fn read_where_expression(text: &str, fields: &FieldTable) -> Result<Formula, ReadError> {
    if text.len() > LENGTH {
        return Err(fault(0, "the expression is too long"));
    }
    truth::read(text, fields)?.known()
}

fn fault(offset: usize, reason: impl Into<String>) -> ReadError {
    ReadError { offset, reason: reason.into() }
}

/// The result of reading a part of a text, its place in the whole.
fn moved<T>(result: Result<T, ReadError>, by: usize) -> Result<T, ReadError> {
    result.map_err(|error| ReadError { offset: error.offset + by, ..error })
}

/// The first word and what follows it.
fn word(text: &str) -> (&str, &str) {
    let start = text.trim_start();
    let end = start.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(start.len());
    start.split_at(end)
}

/// The commands of a search and where each begins. A `|` in double quotes is text.
fn commands(text: &str) -> Result<Vec<(usize, &str)>, ReadError> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut quote = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote.is_some() => _ = chars.next_if(|(_, next)| matches!(next, '"' | '\\')),
            '"' => quote = if quote.is_some() { None } else { Some(at) },
            '[' if quote.is_none() => return Err(fault(at, "subsearches are not read")),
            '|' if quote.is_none() => {
                out.push((start, text.get(start..at).unwrap_or("")));
                start = at + 1;
            }
            _ => {}
        }
    }
    if let Some(at) = quote {
        return Err(fault(at, "a quote is not closed"));
    }
    out.push((start, text.get(start..).unwrap_or("")));
    Ok(out)
}

/// A field of events by its name in Splunk, dots and all.
fn path(name: &str) -> Path {
    Path::from_segments([name])
}

/// Whether a field may hold several values at once. An event has as many tags and event types as fit it.
fn holds_several(name: &str, fields: &FieldTable) -> bool {
    fields.get(name) == Some(FieldType::TextList) || name.contains("{}") || matches!(name, "tag" | "eventtype")
}

/// The text of a string in double quotes that begins at `at`, and where it ends. `\"` and `\\` are escapes, other
/// backslashes are themselves.
fn quoted(text: &str, at: usize) -> Result<(String, usize), ReadError> {
    let mut out = String::new();
    let mut chars = text.get(at + 1..).unwrap_or("").char_indices().peekable();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Ok((out, at + 1 + index + 1)),
            '\\' => out.push(chars.next_if(|(_, next)| matches!(next, '"' | '\\')).map_or('\\', |(_, next)| next)),
            c => out.push(c),
        }
    }
    Err(fault(at, "a quote is not closed"))
}

/// `regex f="…"`, `regex f!="…"`, `regex "…"`.
fn regex(text: &str, fields: &FieldTable) -> Result<Extent, ReadError> {
    let Some(at) = text.find('"') else { return Err(fault(0, "`regex` takes an expression in double quotes")) };
    let (source, end) = quoted(text, at)?;
    if !text.get(end..).unwrap_or("").trim().is_empty() {
        return Err(fault(end, "`regex` takes one expression"));
    }
    let head = text.get(..at).unwrap_or("").trim();
    let (name, negated) = match (head.strip_suffix("!="), head.strip_suffix('=')) {
        (Some(name), _) => (name.trim(), true),
        (None, Some(name)) => (name.trim(), false),
        _ if head.is_empty() => ("_raw", false),
        _ => return Err(fault(0, "`regex` takes `field=\"expression\"`")),
    };
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(fault(0, "`regex` takes one field"));
    }
    if holds_several(name, fields) {
        return Err(fault(0, format!("what `regex` makes of several values of `{name}` is not documented")));
    }
    let source = pcre::translate(&source, Flavor::Pcre).map_err(|reason| fault(at, reason))?;
    let test = |predicate| Formula::test(&path(name), predicate);
    let found = test(Predicate::Text(TextSet::new(vec![Pattern::Regex(source)], Case::Sensitive)));
    if !negated {
        return Ok(Extent::certain(found));
    }
    let most = Formula::not(found);
    let doubt = format!("what `regex {name}!=` makes of events without the field is not documented");
    let least = Formula::and([test(Predicate::Exists), most.clone()]);
    Ok(Extent { least, most, doubt: Some(fault(0, doubt)) })
}

/// `stats … by` fields that every event has keeps something of every event.
fn stats(text: &str) -> Result<(), ReadError> {
    const ALWAYS: [&str; 6] = ["_time", "_raw", "index", "host", "source", "sourcetype"];
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).collect();
    let Some(by) = words.iter().position(|word| word.eq_ignore_ascii_case("by")) else {
        return Err(fault(0, "`stats` without `by` gives a row even where no event is found"));
    };
    match words.iter().skip(by + 1).find(|word| !ALWAYS.contains(word)) {
        Some(name) => Err(fault(0, format!("`stats … by {name}` loses events without `{name}`"))),
        None if words.len() == by + 1 => Err(fault(0, "`stats … by` names no field")),
        None => Ok(()),
    }
}

/// Fields that commands before have changed, so that a later condition would not see the event's own.
#[derive(Default)]
struct Touched {
    all: bool,
    names: BTreeSet<String>,
    kept: Vec<Kept>,
}

/// Which fields `table` or `fields` lets through, unchanged.
struct Kept {
    /// `fields -`: all but these.
    but: bool,
    /// `fields` keeps what Splunk itself has, unless it is told otherwise.
    internal: bool,
    /// Names; `*` stands for any text in them.
    names: Vec<String>,
}

impl Kept {
    fn keeps(&self, name: &str) -> bool {
        let is_named = self.names.iter().any(|pattern| fits(pattern, name));
        if self.but { !is_named } else { is_named || (self.internal && name.starts_with('_')) }
    }
}

/// Whether a name fits a pattern of names.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(tail) = name.strip_prefix(head) else { return false };
    let starts = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
    starts.into_iter().any(|at| tail.get(at..).is_some_and(|tail| fits(rest, tail)))
}

impl Touched {
    /// The fields that `table a, b` or `fields a, b` lets through.
    fn kept(&mut self, command: &str, text: &str) -> Result<(), ReadError> {
        let mut kept = Kept { but: false, internal: command == "fields", names: Vec::new() };
        let start = text.trim_start();
        let mut at = text.len() - start.len();
        if command == "fields" && start.starts_with(['+', '-']) {
            kept.but = start.starts_with('-');
            at += 1;
        }
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let skipped = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',').len();
            at += skipped;
            let rest = rest.get(skipped..).unwrap_or("");
            if rest.is_empty() {
                break;
            }
            let (name, end) = if rest.starts_with('"') {
                quoted(text, at)?
            } else {
                let length = rest.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(rest.len());
                (rest.get(..length).unwrap_or("").to_owned(), at + length)
            };
            kept.names.push(name);
            at = end;
        }
        if kept.names.is_empty() {
            return Err(fault(0, format!("`{command}` names no field")));
        }
        self.kept.push(kept);
        Ok(())
    }

    fn renamed(&mut self, text: &str) {
        for name in text.split(|c: char| c.is_whitespace() || c == ',') {
            self.all |= name.contains('*');
            self.names.insert(name.trim_matches('"').to_owned());
        }
    }

    /// The fields that `eval a=…, b=…` sets.
    fn assigned(&mut self, text: &str) -> Result<(), ReadError> {
        for (at, assignment) in expression::arguments(text)? {
            let Some((name, _)) = assignment.split_once('=') else {
                return Err(fault(at, "`eval` takes `field=expression`"));
            };
            let name = name.trim();
            // The field is called what another one says: it may be any.
            self.all |= name.contains('{') && !name.starts_with('\'');
            self.names.insert(name.trim_matches(['\'', '"']).to_owned());
        }
        Ok(())
    }

    fn check(&self, condition: &Formula) -> Result<(), String> {
        let mut changed = None;
        condition.each_test(&mut |path, _| {
            let name = path.and_then(|path| path.segments().first()).map_or("", |name| name);
            let is_kept = self.kept.iter().all(|kept| kept.keeps(name));
            if self.all || self.names.contains(name) || !is_kept {
                changed = Some(name.to_owned());
            }
        });
        match changed {
            Some(name) => Err(format!("`{name}` is asked after a command that changes or removes it")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
