//! Falco rules in a pack: a rules file with its lists and macros, and what a SOC loads after it.

use std::collections::HashSet;

use serde_json::Value;

use super::falco_config::{Config, is_config};
use super::{Condition, Fault, Found, Grade, Overlay, RuleText};
use crate::language::{FieldTable, falco};
use crate::logic::{Comparison, Formula, Number, Path, Predicate};
use crate::target::context::ThrottleContext;
use crate::target::settings::SourceSettings;

struct Rule {
    rule: falco::read::Rule,
    /// What engines may not do with the file.
    doubts: Vec<String>,
    /// Why nobody is told of what it finds.
    losses: Vec<String>,
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

/// The rules of a file, with what files that are loaded before or after it make of them. All of them ask the fields of
/// one event source.
pub(super) fn read(
    path: &str,
    text: &str,
    overlays: &[Overlay<'_>],
    fields: &FieldTable,
) -> Result<Vec<Found>, String> {
    let own = falco::read::entries(text).map_err(|error| error.to_string())?;
    let names: HashSet<(&str, String)> = own.iter().filter_map(named).collect();
    let mut doubts: Vec<String> = too_new(&own)?.into_iter().collect();
    let (configs, others): (Vec<_>, Vec<_>) = overlays.iter().partition(|(path, _)| is_config(path));
    let config = configs.first().map(|(path, text)| {
        text.clone().and_then(Config::read).map_err(|reason| format!("Falco does not start with {path}: {reason}"))
    });
    let config = config.transpose()?.unwrap_or_default();
    let place = config.place(path);
    let mut sides: [Vec<serde_yaml::Value>; 2] = Default::default();
    for (other, overlay) in others {
        let Some(at) = config.place(other) else { continue };
        let entries = overlay.clone().and_then(|text| loadable(other, text, &mut doubts));
        let entries = entries.map_err(|reason| format!("{other}, which is loaded with it: {reason}"))?;
        let [before, after] = &mut sides;
        if Some(at) < place { before } else { after }.extend(entries);
    }
    let used = Used { names: &names, text };
    let entries = |others: [Vec<serde_yaml::Value>; 2]| {
        let [before, after] = others;
        before.into_iter().chain(own.iter().cloned()).chain(after).collect::<Vec<_>>()
    };
    if sides.iter().any(|side| !side.is_empty()) {
        doubts.extend(strangers(&entries(sides.clone()), &names, fields));
    }
    let file = falco::read::read_entries(entries(used.of(sides)), fields).map_err(|error| error.to_string())?;
    // Macros of others ask what they like; a rule that names one of them that cannot be read cannot be read itself.
    let is_own = |name: &str| names.contains(&("macro", name.to_owned()));
    if let Some((name, error)) = file.broken_macros.iter().find(|(name, _)| is_own(name)) {
        return Err(format!("the macro `{name}` cannot be read: {error}"));
    }
    let found = |rule: falco::read::Rule| Found {
        name: rule.name.clone(),
        id: None,
        is_off: !config.is_on(&rule),
        muted: Vec::new(),
        text: Box::new(Rule { losses: config.losses(path, &rule), rule, doubts: doubts.clone() }),
    };
    Ok(file.rules.into_iter().map(found).collect())
}

/// The entries of another file, unless the engine does not start with it.
fn loadable(path: &str, text: &str, doubts: &mut Vec<String>) -> Result<Vec<serde_yaml::Value>, String> {
    let entries = falco::read::entries(text).map_err(|error| error.to_string())?;
    doubts.extend(too_new(&entries)?.map(|doubt| format!("{path}: {doubt}")));
    let refused = entries.iter().find_map(|entry| Some((named(entry)?.1, falco::read::rule_refused(entry)?)));
    refused.map_or(Ok(entries), |(name, reason)| Err(format!("the rule `{name}`: {reason}")))
}

/// What a file defines, and its text.
struct Used<'t> {
    names: &'t HashSet<(&'static str, String)>,
    text: &'t str,
}

impl Used<'_> {
    /// Of what other files bring along, that which changes what stands in this one, or which this one uses then.
    fn of(&self, sides: [Vec<serde_yaml::Value>; 2]) -> [Vec<serde_yaml::Value>; 2] {
        let mut text = self.text.to_owned();
        let mut is_meant = sides.each_ref().map(|side| vec![false; side.len()]);
        let mut has_grown = true;
        while std::mem::take(&mut has_grown) {
            let others = sides.iter().zip(&mut is_meant).flat_map(|(side, is_meant)| side.iter().zip(is_meant));
            for (entry, is_meant) in others.filter(|(_, is_meant)| !**is_meant) {
                let Some((kind, name)) = named(entry) else { continue };
                if self.names.contains(&(kind, name.clone())) || (kind != "rule" && text.contains(name.as_str())) {
                    text.push_str(&serde_yaml::to_string(entry).unwrap_or_default());
                    (*is_meant, has_grown) = (true, true);
                }
            }
        }
        let mut is_meant = is_meant.into_iter();
        sides.map(|side| {
            let meant = side.into_iter().zip(is_meant.next().unwrap_or_default());
            meant.filter(|(_, is_meant)| *is_meant).map(|(entry, _)| entry).collect()
        })
    }
}

/// What the engine may not load of the rules of others, of all `entries` in their order: then it does not start.
fn strangers(entries: &[serde_yaml::Value], own: &HashSet<(&'static str, String)>, fields: &FieldTable) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut defined = HashSet::new();
    let mut kept = Vec::new();
    for entry in entries {
        match named(entry) {
            Some((kind, name)) if falco::read::is_change(entry) && !defined.contains(&(kind, name.clone())) => {
                doubts.push(format!(
                    "the {kind} `{name}` is changed, and no file here defines it before: the engine does not start unless \
                     another one does"
                ));
            }
            name => {
                defined.extend(name);
                kept.push(entry.clone());
            }
        }
    }
    let doubt =
        |what: &str, reason: &str| format!("{what} is not read: {reason}; the engine does not start with an error");
    match falco::read::read_entries(kept, fields) {
        Err(error) => doubts.push(doubt("what lies beside it", &error.to_string())),
        Ok(file) => {
            let is_own = |name: &str| own.contains(&("rule", name.to_owned()));
            let sources: HashSet<String> =
                file.rules.iter().filter(|rule| is_own(&rule.name)).map(|rule| rule.source.clone()).collect();
            let others = file.rules.iter().filter(|rule| !is_own(&rule.name) && sources.contains(&rule.source));
            let broken = others.filter_map(|rule| Some((rule, rule.condition.as_ref().err()?)));
            doubts.extend(broken.map(|(rule, error)| doubt(&format!("the rule `{}`", rule.name), &error.to_string())));
        }
    }
    doubts
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

    fn losses(&self, _throttle: Option<&ThrottleContext>) -> Vec<String> {
        self.losses.clone()
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
