//! The text of one rule, out of the artefact that it stands in.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::language::Query;
use crate::source::Catalogue;
use crate::target::settings::{Format, Scope};
use crate::target::{Compiled, Rule};

/// A rule as a reader wants to see and copy it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// The file below the pack.
    pub file: String,
    /// What is pasted where queries are tried: the search, the query, the condition, the rule.
    pub query: String,
    /// The whole of it, if that is more.
    pub whole: Option<String>,
}

/// The text of a rule in the files of a pack.
pub fn texts(one: &Compiled<'_>, rule: &Rule<'_>, files: &BTreeMap<String, Vec<u8>>) -> Texts {
    let source = one.observation.source.as_str();
    let printed = match &rule.query {
        Query::Text(text) => text.clone(),
        Query::Document(tree) => serde_yaml::to_string(tree).unwrap_or_default(),
    };
    let mut artefacts: Vec<_> =
        one.target.settings.artefacts.iter().filter(|artefact| artefact.has_source(source)).collect();
    // The file of the rule alone before those with others.
    artefacts.sort_by_key(|artefact| (artefact.scope != Scope::Rule, artefact.reads.is_none()));
    for artefact in artefacts {
        let file = format!("{}/{}", one.target.name(), artefact.path_for(&one.detection.name, source));
        let Some(text) = files.get(&file).and_then(|bytes| std::str::from_utf8(bytes).ok()) else { continue };
        let label = rule.label(Catalogue::builtin().source(source));
        let found = match artefact.reads {
            Some(Format::Sigma) => Some((text.to_owned(), None)),
            Some(Format::Elastic) if artefact.scope == Scope::Rule => elastic(text, &printed),
            Some(Format::SavedSearches) => stanza(text, &label),
            Some(Format::Falco) => falco(text, &label),
            None if artefact.scope == Scope::Rule => Some((printed.clone(), Some(text.to_owned()))),
            _ => None,
        };
        if let Some((query, whole)) = found {
            return Texts { file, query, whole };
        }
    }
    Texts { file: String::new(), query: printed, whole: None }
}

/// The query of an Elastic rule, and the rule.
fn elastic(text: &str, printed: &str) -> Option<(String, Option<String>)> {
    let rule: Value = serde_json::from_str(text).ok()?;
    let query = rule.get("query").and_then(Value::as_str).unwrap_or(printed);
    Some((query.to_owned(), Some(text.to_owned())))
}

/// The search of a stanza of `savedsearches.conf` without the signs that continue its lines, and the stanza.
fn stanza(text: &str, label: &str) -> Option<(String, Option<String>)> {
    let header = format!("[{label}]");
    let mut lines = text.lines().skip_while(|line| **line != *header);
    let first = lines.next()?;
    let mut whole = vec![first];
    let (mut search, mut continued, mut in_search) = (Vec::new(), false, false);
    for line in lines {
        if !continued && line.starts_with('[') {
            break;
        }
        let begins = !continued && line.starts_with("search = ");
        in_search = begins || (continued && in_search);
        continued = line.ends_with('\\');
        if in_search {
            let line = if begins { line.trim_start_matches("search = ") } else { line };
            search.push(line.strip_suffix('\\').unwrap_or(line));
        }
        whole.push(line);
    }
    let whole = whole.join("\n").trim_end().to_owned();
    (!search.is_empty()).then(|| (search.join("\n"), Some(whole)))
}

/// The condition of a rule of a Falco rules file, and the rule.
fn falco(text: &str, label: &str) -> Option<(String, Option<String>)> {
    let is_rule = |block: &&str| {
        let name = block.lines().next().and_then(|line| line.strip_prefix("- rule:"));
        let name = name.and_then(|name| serde_yaml::from_str::<String>(name.trim()).ok());
        name.as_deref() == Some(label)
    };
    let mut blocks: Vec<&str> = Vec::new();
    let starts = text.match_indices("\n- ").map(|(at, _)| at + 1);
    let mut starts: Vec<usize> = starts.chain([text.len()]).collect();
    if text.starts_with("- ") {
        starts.insert(0, 0);
    }
    for pair in starts.windows(2) {
        if let [from, to] = pair {
            blocks.extend(text.get(*from..*to));
        }
    }
    let block = blocks.into_iter().find(is_rule)?;
    let rules: Vec<Value> = serde_yaml::from_str(block).ok()?;
    let condition = rules.first()?.get("condition")?.as_str()?.trim_end().to_owned();
    Some((condition, Some(block.trim_end().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_found_among_others() {
        let text = "[a]\nsearch = x\n\n[b (c)]\ndescription = [a]\nsearch = one \\\n | two\\\n[three]\ncron = 1\n\n[d]\nsearch = y\n";
        let (search, whole) = stanza(text, "b (c)").expect("a stanza");
        assert_eq!(search, "one \n | two\n[three]");
        assert!(whole.is_some_and(|whole| whole.starts_with("[b (c)]") && whole.ends_with("cron = 1")));
        assert_eq!(stanza(text, "e"), None);
    }

    #[test]
    fn a_condition_is_found_among_others() {
        let text = "# x\n- macro: m\n  condition: (a = b)\n\n- rule: 'It''s: one'\n  condition: |-\n    c = d\n    and e\n  tags:\n    - t\n";
        let (condition, whole) = falco(text, "It's: one").expect("a rule");
        assert_eq!(condition, "c = d\nand e");
        assert!(whole.is_some_and(|whole| whole.starts_with("- rule:") && whole.ends_with("- t")));
        assert_eq!(falco(text, "m"), None);
    }
}
