//! Falco rules in a pack: a rules file with its lists and macros, and what a SOC loads after it.

use std::collections::HashSet;

use serde_json::Value;

use super::{Condition, Fault, Found, Grade, Overlay, RuleText};
use crate::language::{FieldTable, falco};
use crate::logic::{Comparison, Formula, Number, Path, Predicate};
use crate::target::settings::SourceSettings;

struct Rule {
    rule: falco::read::Rule,
    /// What engines may not do with the file.
    doubts: Vec<String>,
}

/// The newest engine whose ways are known here.
const ENGINE: [u64; 3] = [0, 63, 0];

/// A rule of which nothing but the name is asked.
struct Name;

impl RuleText for Name {
    fn condition(&self, _: &SourceSettings, _: &FieldTable) -> Result<Condition, Fault> {
        Err(Fault::Unreadable("it belongs to no detection".to_owned()))
    }
}

/// The rules of a file, with what files that are loaded after it make of them. All of them ask the fields of one event
/// source.
pub(super) fn read(text: &str, overlays: &[Overlay<'_>], fields: &FieldTable) -> Result<Vec<Found>, String> {
    let mut entries = falco::read::entries(text).map_err(|error| error.to_string())?;
    let own: HashSet<(&str, String)> = entries.iter().filter_map(named).collect();
    let is_own = |name: &str| own.contains(&("macro", name.to_owned()));
    let mut doubts: Vec<String> = too_new(&entries)?.into_iter().collect();
    let mut used = text.to_owned();
    let mut later = Vec::new();
    for (path, overlay) in overlays {
        let overlay = overlay.clone().and_then(|text| falco::read::entries(text).map_err(|error| error.to_string()));
        let overlay = overlay.and_then(|entries| {
            doubts.extend(too_new(&entries)?.map(|doubt| format!("{path}: {doubt}")));
            // The engine does not start with such a file.
            let refused = entries.iter().find_map(|entry| Some((named(entry)?.1, falco::read::rule_refused(entry)?)));
            refused.map_or(Ok(entries), |(name, reason)| Err(format!("the rule `{name}`: {reason}")))
        });
        later.extend(overlay.map_err(|reason| format!("{path}, which is loaded after it: {reason}"))?);
    }
    // Of what other files bring along, that concerns this one which changes what stands here, or which this uses then.
    let mut is_meant = vec![false; later.len()];
    loop {
        let mut grown = false;
        for (entry, is_meant) in later.iter().zip(&mut is_meant).filter(|(_, is_meant)| !**is_meant) {
            let Some((kind, name)) = named(entry) else { continue };
            if own.contains(&(kind, name.clone())) || (kind != "rule" && used.contains(name.as_str())) {
                used.push_str(&serde_yaml::to_string(entry).unwrap_or_default());
                (*is_meant, grown) = (true, true);
            }
        }
        if !grown {
            break;
        }
    }
    entries.extend(later.into_iter().zip(is_meant).filter(|(_, is_meant)| *is_meant).map(|(entry, _)| entry));
    let file = falco::read::read_entries(entries, fields).map_err(|error| error.to_string())?;
    // Macros of others ask what they like; a rule that names one of them that cannot be read cannot be read itself.
    if let Some((name, error)) = file.broken_macros.iter().find(|(name, _)| is_own(name)) {
        return Err(format!("the macro `{name}` cannot be read: {error}"));
    }
    let found = |rule: falco::read::Rule| Found {
        name: rule.name.clone(),
        id: None,
        is_off: !rule.enabled,
        muted: Vec::new(),
        text: Box::new(Rule { rule, doubts: doubts.clone() }),
    };
    Ok(file.rules.into_iter().map(found).collect())
}

/// That a file asks for an engine of which nothing is known: older ones load nothing of it, and do not start.
fn too_new(entries: &[serde_yaml::Value]) -> Result<Option<String>, String> {
    let shown = |[major, minor, patch]: [u64; 3]| format!("{major}.{minor}.{patch}");
    let mut newest = None;
    for asked in entries.iter().filter_map(falco::read::engine_asked) {
        let asked = asked.map_err(|text| format!("`required_engine_version` is `{text}`, which is no version"))?;
        newest = newest.max(Some(asked));
    }
    let newest = newest.filter(|asked| *asked > ENGINE);
    Ok(newest.map(|asked| {
        format!(
            "`required_engine_version` is {}, and the newest engine known here is {}: an older one than that does not \
             start",
            shown(asked),
            shown(ENGINE)
        )
    }))
}

/// Whether a file defines or changes something that another one defines, or has a list whose name stands there.
pub(super) fn changes(text: &str, other: &str) -> bool {
    let [mine, others] = [text, other].map(|text| falco::read::entries(text).unwrap_or_default());
    let others: HashSet<(&str, String)> = others.iter().filter_map(named).collect();
    mine.iter().filter_map(named).any(|one| others.contains(&one) || (one.0 == "list" && other.contains(&one.1)))
}

/// The rules that a file is about, by name alone.
pub(super) fn names(text: &str) -> Vec<Found> {
    let entries = falco::read::entries(text).unwrap_or_default();
    let rules = entries.iter().filter_map(named).filter(|(kind, _)| *kind == "rule");
    rules.map(|(_, name)| Found { name, id: None, text: Box::new(Name), is_off: false, muted: Vec::new() }).collect()
}

/// What an entry defines or changes.
fn named(entry: &serde_yaml::Value) -> Option<(&'static str, String)> {
    ["rule", "macro", "list"].into_iter().find_map(|kind| Some((kind, entry.get(kind)?.as_str()?.to_owned())))
}

impl RuleText for Rule {
    fn condition(&self, settings: &SourceSettings, _: &FieldTable) -> Result<Condition, Fault> {
        let wanted = settings.binding.get("source").and_then(Value::as_str).unwrap_or("syscall");
        if self.rule.source != wanted {
            return Err(Fault::Elsewhere(format!("`source` is `{}`, not `{wanted}`", self.rule.source)));
        }
        self.rule.condition.clone().map(Condition::from).map_err(|error| Fault::Unreadable(error.to_string()))
    }

    fn remarks(&self, grade: &Grade) -> Vec<String> {
        // For reasons of history, one of them has two names.
        let priority =
            if self.rule.priority.eq_ignore_ascii_case("info") { "informational" } else { &self.rule.priority };
        let scale: Vec<&str> = falco::read::PRIORITIES.into_iter().rev().collect();
        grade.lowered("priority", Some(priority), &scale).into_iter().chain(self.doubts.iter().cloned()).collect()
    }

    /// The engine counts events from 1, so that `evt.num = 0` is the customary way to say "never".
    fn given(&self) -> Option<Formula> {
        let predicate = Predicate::Number { op: Comparison::Equal, value: Number::new(0.0)? };
        Some(Formula::not(Formula::test(&Path::from_segments(["evt.num"]), predicate)))
    }
}
