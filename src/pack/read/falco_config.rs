//! Falco's own configuration, where it lies beside the rules: which files it loads in which order, and which of their
//! rules are on.

use serde::Deserialize;
use serde_yaml::Value;

use crate::language::falco::read::{PRIORITIES, Rule};

/// What decides which rules are loaded.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// The files and folders with rules, if it names some.
    files: Option<Vec<String>>,
    /// What switches rules on and off, one after the other.
    selection: Vec<Selection>,
    /// The least grave priority that is loaded, as its place among all.
    least: Option<usize>,
    /// What keeps alerts of all rules from everybody.
    silence: Vec<String>,
    /// Whether system calls are not looked at.
    is_without_driver: bool,
}

#[derive(Debug)]
struct Selection {
    is_on: bool,
    rule: Option<String>,
    tag: Option<String>,
}

/// Whether a file is the configuration, by its path.
pub(super) fn is_config(path: &str) -> bool {
    path.rsplit('/').next() == Some("falco.yaml")
}

impl Config {
    /// Reads the configuration, or says why Falco does not start with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let document = serde_yaml::Deserializer::from_str(text).next().map(Value::deserialize);
        let document = document.transpose().map_err(|error| error.to_string())?.unwrap_or_default();
        let get = |path: &[&str]| path.iter().try_fold(&document, |value, key| value.get(*key));
        let word = |path: &[&str]| get(path).and_then(Value::as_str).filter(|word| !word.is_empty());
        if !(document.is_mapping() || document.is_null()) {
            return Err("a configuration is a mapping".to_owned());
        }
        let files = get(&["rules_files"]).or_else(|| get(&["rules_file"])).map(words);
        let least = word(&["priority"]).map(|word| rank(word).ok_or_else(|| format!("`{word}` is no `priority`")));
        if let Some(how) = word(&["rule_matching"]).filter(|how| !matches!(*how, "first" | "all")) {
            return Err(format!("`{how}` is no `rule_matching`"));
        }
        let outputs = document.as_mapping().into_iter().flatten();
        let outputs = outputs.filter(|(name, _)| name.as_str().is_some_and(|name| name.ends_with("_output")));
        let outputs: Vec<bool> = outputs
            .filter_map(|(_, output)| Some(output.as_mapping()?.get("enabled")?.as_bool() == Some(true)))
            .collect();
        let is_silent = !outputs.is_empty() && !outputs.contains(&true);
        let silence = is_silent.then(|| "no output is on in falco.yaml: what is found is told to nobody".to_owned());
        let selection = match get(&["rules"]) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Sequence(entries)) => entries.iter().map(selection).collect::<Result<_, _>>()?,
            Some(_) => return Err("`rules` is no list".to_owned()),
        };
        Ok(Self {
            files,
            selection,
            least: least.transpose()?,
            silence: silence.into_iter().collect(),
            is_without_driver: word(&["engine", "kind"]) == Some("nodriver"),
        })
    }

    /// The place of a file among those that are loaded; none if it is not, and the same for all if that is not said.
    pub fn place<'p>(&self, path: &'p str) -> Option<(usize, &'p str)> {
        let Some(files) = &self.files else { return Some((0, "")) };
        let is_folder = |entry: &str| !(entry.ends_with(".yaml") || entry.ends_with(".yml"));
        let named = files.iter().position(|entry| !is_folder(entry) && name_of(entry) == name_of(path));
        // What lies in a folder is loaded in the order of its name.
        let in_folder = || Some((files.iter().position(|entry| is_folder(entry))?, name_of(path)));
        named.map(|at| (at, "")).or_else(in_folder)
    }

    /// Whether a rule is on in the end.
    pub fn is_on(&self, rule: &Rule) -> bool {
        self.selection.iter().fold(rule.enabled, |is_on, selection| {
            let named = selection.rule.as_ref().is_some_and(|pattern| fits(pattern, &rule.name));
            let tagged = selection.tag.as_ref().is_some_and(|tag| rule.tags.contains(tag));
            if named || tagged { selection.is_on } else { is_on }
        })
    }

    /// Why nobody is told of what a rule finds.
    pub fn losses(&self, path: &str, rule: &Rule) -> Vec<String> {
        let mut losses = self.silence.clone();
        if self.place(path).is_none() {
            losses.push("`rules_files` in falco.yaml names neither its file nor a folder: it is not loaded".to_owned());
        }
        if self.is_without_driver && rule.source == "syscall" {
            losses.push("`engine.kind` in falco.yaml is `nodriver`: no system call is looked at".to_owned());
        }
        if let (Some(least), Some(of_rule)) = (self.least, rank(&rule.priority))
            && of_rule > least
        {
            let least = PRIORITIES.get(least).copied().unwrap_or_default();
            losses.push(format!("`priority` in falco.yaml is `{least}`: a rule of less is not loaded"));
        }
        losses
    }
}

/// The texts of a list, or of what stands in its place.
fn words(value: &Value) -> Vec<String> {
    let items = match value {
        Value::Sequence(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn selection(entry: &Value) -> Result<Selection, String> {
    let (is_on, what) = match (entry.get("enable"), entry.get("disable")) {
        (Some(what), _) => (true, what),
        (None, Some(what)) => (false, what),
        (None, None) => return Err("an entry of `rules` says `enable` or `disable`".to_owned()),
    };
    let text = |key: &str| what.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let (rule, tag) = (text("rule"), text("tag"));
    match (&rule, &tag) {
        (None, None) => Err("an entry of `rules` names a `rule` or a `tag`".to_owned()),
        _ => Ok(Selection { is_on, rule, tag }),
    }
}

/// The place of a priority, from the gravest on.
fn rank(word: &str) -> Option<usize> {
    let word = if word.eq_ignore_ascii_case("info") { "informational" } else { word };
    PRIORITIES.iter().position(|known| known.eq_ignore_ascii_case(word))
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a name fits a pattern in which `*` stands for any text. The engine takes the first place for what stands
/// between two of them, and does not look for others.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    let mut rest = rest;
    loop {
        rest = rest.trim_start_matches('*');
        if rest.is_empty() {
            return true;
        }
        let end = rest.find('*').unwrap_or(rest.len());
        let (literal, tail) = rest.split_at(end);
        let Some((_, after)) = name.split_once(literal) else { return false };
        if tail.is_empty() {
            return after.is_empty();
        }
        (name, rest) = (after, tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, tags: &[&str]) -> Rule {
        Rule {
            name: name.to_owned(),
            source: "syscall".to_owned(),
            priority: "NOTICE".to_owned(),
            output: String::new(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            enabled: true,
            condition: Ok(crate::logic::Formula::TRUE),
        }
    }

    #[test]
    fn entries_switch_rules_one_after_the_other() {
        let read = |text: &str| Config::read(text).expect("a configuration");
        let only =
            read("rules: [{ disable: { rule: '*' } }, { enable: { tag: net } }, { disable: { rule: 'Net*x' } }]");
        assert!(only.is_on(&rule("A", &["net"])) && !only.is_on(&rule("A", &["file"])));
        assert!(!only.is_on(&rule("Network x", &["net"])) && only.is_on(&rule("Network y", &["net"])));
        for (pattern, name, is_fit) in [
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("**", "", true),
            ("*a*", "bab", true),
            ("*a", "aba", false),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), is_fit, "{pattern} {name}");
        }
        for text in [
            "priority: high",
            "rule_matching: last",
            "rules: x",
            "rules: [{ x: 1 }]",
            "rules: [{ enable: {} }]",
            "- a",
            "a: [",
        ] {
            assert!(Config::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_order_of_files_is_that_of_their_names() {
        let files =
            Config::read("rules_files: [/etc/falco/b.yaml, /etc/falco/rules.d, /etc/falco/a.yaml]").expect("read");
        let mut names = ["x/a.yaml", "x/b.yaml", "x/c.yaml", "x/0.yaml"];
        names.sort_by_key(|name| files.place(name));
        assert_eq!(names, ["x/b.yaml", "x/0.yaml", "x/c.yaml", "x/a.yaml"]);
        let one = Config::read("rules_files: [/etc/falco/b.yaml]").expect("read");
        assert_eq!(one.place("x/a.yaml"), None);
        assert!(Config::default().place("x/a.yaml").is_some());
    }
}
