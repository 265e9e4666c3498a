//! Search macros: text between backticks that stands for other text.

use std::collections::BTreeMap;

use super::{Conf, LENGTH, fault};
use crate::language::ReadError;

/// How deeply macros may use each other.
const DEPTH: usize = 20;

/// Macros by name; with arguments, `name(2)`.
#[derive(Clone, Debug, Default)]
pub struct Macros(BTreeMap<String, (Vec<String>, String)>);

impl Macros {
    /// The macros that a `macros.conf` defines.
    pub fn from_conf(conf: &Conf) -> Result<Self, ReadError> {
        let mut macros = Macros::default();
        for stanza in conf.stanzas.iter().filter(|stanza| stanza.name != "default") {
            // What a macro does not say itself is what `[default]` says.
            let (name, get) = (&stanza.name, |key: &str| stanza.get(key).or_else(|| conf.get("default", key)));
            if get("disabled").is_some_and(|value| !matches!(value, "0" | "false")) {
                continue;
            }
            let Some(definition) = get("definition") else {
                return Err(fault(0, format!("the macro `{name}` has no definition")));
            };
            if get("iseval").is_some_and(|value| !matches!(value, "0" | "false")) || get("validation").is_some() {
                return Err(fault(0, format!("the macro `{name}` is computed or validated, which is not read")));
            }
            let arguments: Vec<String> =
                get("args").map(|args| args.split(',').map(|arg| arg.trim().to_owned()).collect()).unwrap_or_default();
            macros.insert(name, arguments, definition);
        }
        Ok(macros)
    }

    /// Defines a macro; `name` with the number of arguments in parentheses if it has any.
    pub fn insert(&mut self, name: &str, arguments: Vec<String>, definition: &str) {
        self.0.insert(name.to_owned(), (arguments, definition.to_owned()));
    }

    /// A search with all of its macros replaced, and its comments (between triple backticks) removed.
    pub fn expand(&self, text: &str) -> Result<String, ReadError> {
        let mut out = String::new();
        let mut steps = 0;
        self.expand_into(text, &mut out, 0, &mut steps)?;
        Ok(out)
    }

    fn expand_into(&self, text: &str, out: &mut String, depth: usize, steps: &mut usize) -> Result<(), ReadError> {
        *steps += 1;
        if depth > DEPTH || *steps > 10_000 {
            return Err(fault(0, "macros use each other in a circle, or too deeply"));
        }
        let mut quote = false;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if out.len() > LENGTH {
                return Err(fault(0, "the search is too long"));
            }
            let at = text.len() - rest.len();
            if c == '`' && !quote {
                if let Some(comment) = rest.strip_prefix("```") {
                    let Some(end) = comment.find("```") else { return Err(fault(at, "a comment is not closed")) };
                    out.push(' ');
                    rest = comment.get(end + 3..).unwrap_or("");
                    continue;
                }
                let inner = rest.get(1..).unwrap_or("");
                let Some(end) = inner.find('`') else { return Err(fault(at, "a macro is not closed")) };
                let definition = self.definition(inner.get(..end).unwrap_or("").trim()).map_err(|r| fault(at, r))?;
                self.expand_into(&definition, out, depth + 1, steps)?;
                rest = inner.get(end + 1..).unwrap_or("");
                continue;
            }
            let mut taken = c.len_utf8();
            if quote && c == '\\' && matches!(rest.as_bytes().get(1), Some(b'"' | b'\\')) {
                taken = 2;
            } else if c == '"' {
                quote = !quote;
            }
            let (now, after) = rest.split_at(taken);
            out.push_str(now);
            rest = after;
        }
        Ok(())
    }

    /// What `name` or `name(a, b)` stands for.
    fn definition(&self, call: &str) -> Result<String, String> {
        let (name, arguments) = match call.split_once('(') {
            None => (call.to_owned(), Vec::new()),
            Some((name, arguments)) => {
                let Some(arguments) = arguments.strip_suffix(')') else {
                    return Err(format!("the macro call `{call}` is not closed"));
                };
                if arguments.contains(['"', '(', ')', '=']) {
                    return Err(format!("quoted, nested or named arguments of the macro `{name}` are not read"));
                }
                let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
                (format!("{}({})", name.trim(), arguments.len()), arguments)
            }
        };
        let Some((names, definition)) = self.0.get(&name) else { return Err(format!("there is no macro `{name}`")) };
        if names.len() != arguments.len() {
            return Err(format!("the macro `{name}` names {} arguments", names.len()));
        }
        // One pass, so that an argument's own text is never taken for a placeholder.
        let mut out = String::new();
        let mut rest = definition.as_str();
        while let Some(at) = rest.find('$') {
            let (before, after) = rest.split_at(at);
            out.push_str(before);
            let found = names.iter().zip(&arguments).find_map(|(name, value)| {
                Some((value, after.strip_prefix('$')?.strip_prefix(name.as_str())?.strip_prefix('$')?))
            });
            match found {
                Some((value, tail)) => {
                    out.push_str(value);
                    rest = tail;
                }
                None => {
                    out.push('$');
                    rest = after.get(1..).unwrap_or("");
                }
            }
            if out.len() > LENGTH {
                return Err("the search is too long".to_owned());
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}
