//! `|option`: a map that describes an option on a command line, to an [`OptionTest`].

use std::sync::Arc;

use crate::diagnostic::Code;
use crate::diagnostic::suggest::{all_of, nearest};
use crate::logic::{Case, Command, Glob, OptionTest, OptionValue, Pattern, Shape, TextSet, ValueForm, ValueTest};

use super::lower::Lowering;
use super::modifier::{self, Operation};
use super::yaml::{Entry, Kind, Node};

const KEYS: [&str; 7] = ["command", "names", "as", "value", "source", "target", "readonly"];
const FORMS: [(&str, ValueForm); 3] =
    [("plain", ValueForm::Plain), ("volume", ValueForm::Volume), ("mount", ValueForm::Keys)];

/// Reads one option; problems are reported.
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, case: Case) -> Option<Arc<OptionTest>> {
    let Kind::Mapping(entries) = &node.kind else {
        let help =
            "write `{ command: docker run, names: [-v, --volume], value: … }`; `command` and `value` may be left out";
        lowering.reader.wrong_type_with(node, "an option", "a map", Some(help.to_owned()));
        return None;
    };
    let mut commands = Vec::new();
    let mut names = Vec::new();
    let mut form = ValueForm::Plain;
    let mut parts: Vec<&Entry> = Vec::new();
    for entry in entries {
        match entry.key.as_str() {
            "command" => commands = read_commands(lowering, &entry.value),
            "names" => names = read_names(lowering, &entry.value),
            "as" => form = lowering.reader.word(&entry.value, "form of an option's value", &FORMS)?,
            _ => parts.push(entry),
        }
    }
    let given = |key: &str| entries.iter().any(|entry| entry.key == key);
    let misspelled = parts.iter().find(|entry| nearest(&entry.key, KEYS) == Some("names"));
    if let Some(entry) = misspelled.filter(|_| !given("names")) {
        part(lowering, entry, form, case);
        return None;
    }
    if !given("names") && (!given("command") || !parts.is_empty()) {
        let problem = lowering
            .reader
            .problem(Code::MissingKey, node.span.clone(), "an option has no `names`")
            .help("`names` lists the option's spellings with their dashes: `names: [-v, --volume]`");
        lowering.reader.report(problem);
        return None;
    }
    let mut tests = Vec::new();
    for entry in &parts {
        tests.extend(part(lowering, entry, form, case)?);
    }
    let value = match parts.is_empty() {
        true => OptionValue::Switch,
        false => OptionValue::Given { form, tests },
    };
    Some(Arc::new(OptionTest { commands, names, value, launchers: lowering.catalogue.launchers() }))
}

/// `docker run`, `* run`: a program and the words after it.
fn read_commands(lowering: &mut Lowering<'_>, node: &Node) -> Vec<Command> {
    let mut commands = Vec::new();
    for value in lowering.values(node, "command") {
        let mut words = value.text.split_whitespace();
        let program = words.next().unwrap_or_default();
        let words: Vec<String> = words.map(str::to_owned).collect();
        let has_path = program.contains('/');
        let has_wildcard =
            (program != "*" && program.contains(['*', '?'])) || words.iter().any(|w| w.contains(['*', '?']));
        if program.is_empty() || has_path || has_wildcard {
            let message = format!("`{}` is no command", value.text);
            let problem =
                lowering.reader.problem(Code::BadOption, value.node.span.clone(), message).help(if has_path {
                    "write the program's file name: `docker run`"
                } else {
                    "write the program and its subcommand: `docker run`; `*` alone stands for any program: `* run`"
                });
            lowering.reader.report(problem);
            continue;
        }
        let program = (program != "*").then(|| program.to_owned());
        let grammar = lowering.catalogue.grammar(program.as_deref(), &words);
        commands.push(Command { program, words, grammar });
    }
    commands
}

fn read_names(lowering: &mut Lowering<'_>, node: &Node) -> Vec<String> {
    let mut names = Vec::new();
    for value in lowering.values(node, "names") {
        let dashes = value.text.len() - value.text.trim_start_matches('-').len();
        let bare = value.text.get(dashes..).unwrap_or_default();
        if dashes == 0 || bare.is_empty() || bare.contains(|c: char| c.is_whitespace() || "=*?\"'".contains(c)) {
            let message = format!("`{}` is no name of an option", value.text);
            let problem =
                lowering.reader.problem(Code::BadOption, value.node.span.clone(), message).help(if dashes == 0 {
                    "write it with its dashes: `-v`, `--volume`"
                } else {
                    "write the name alone; its value is tested with `value`"
                });
            lowering.reader.report(problem);
            continue;
        }
        if !names.contains(&value.text) {
            names.push(value.text);
        }
    }
    names
}

/// One condition on the value: `value|contains: x`, `source|under: x`, `readonly: false`, `key.NAME: x`.
fn part(lowering: &mut Lowering<'_>, entry: &Entry, form: ValueForm, case: Case) -> Option<Vec<ValueTest>> {
    let key = modifier::parse(lowering.reader, &entry.key, &entry.key_span)?;
    let make: Box<dyn Fn(TextSet) -> ValueTest> = match (key.field.as_str(), form) {
        ("readonly" | "source" | "target", ValueForm::Plain) => {
            needs_form(
                lowering,
                entry,
                "`as: volume` (`SOURCE:TARGET:OPTIONS`) or `as: mount` (`key=value,key=value`)",
            );
            return None;
        }
        ("readonly", _) => {
            return Some(vec![ValueTest::ReadOnly(lowering.reader.boolean(&entry.value, "`readonly`")?)]);
        }
        ("value", _) => Box::new(ValueTest::Whole),
        ("source", ValueForm::Volume) => Box::new(|set| ValueTest::Key(words(&["source"]), set)),
        ("target", ValueForm::Volume) => Box::new(|set| ValueTest::Key(words(&["target"]), set)),
        ("source", ValueForm::Keys) => Box::new(|set| ValueTest::Key(words(&["source", "src"]), set)),
        ("target", ValueForm::Keys) => Box::new(|set| ValueTest::Key(words(&["target", "dst", "destination"]), set)),
        (name, ValueForm::Keys) if name.len() > 4 && name.starts_with("key.") => {
            let name = name.get(4..).unwrap_or_default().to_owned();
            Box::new(move |set| ValueTest::Key(vec![name.clone()], set))
        }
        (name, _) if name.starts_with("key.") => {
            needs_form(lowering, entry, "`as: mount` (`key=value,key=value`)");
            return None;
        }
        (name, _) => {
            let message = format!("an option has no part `{name}`");
            let mut problem = lowering
                .reader
                .problem(Code::UnknownKey, key.field_span.clone(), message)
                .suggestion(nearest(name, KEYS));
            if problem.patch.is_none() {
                problem = problem.help(format!("its keys are {}", all_of(KEYS.into_iter().chain(["key.NAME"]))));
            }
            lowering.reader.report(problem);
            return None;
        }
    };
    let is_text = matches!(
        key.operation,
        Operation::Plain
            | Operation::Contains
            | Operation::StartsWith
            | Operation::EndsWith
            | Operation::Regex { .. }
            | Operation::Path { .. }
    );
    if !is_text || key.other_field {
        let message = "the value of an option is text; this modifier does not fit it";
        let problem = lowering.reader.problem(Code::ModifierMisfit, key.modifier_span.clone(), message);
        lowering.reader.report(problem.help("contains, startswith, endswith, re, path and under fit"));
        return None;
    }
    let values = lowering.values(&entry.value, &key.field);
    let mut patterns = Vec::new();
    for value in &values {
        if value.null {
            let problem = lowering
                .reader
                .problem(Code::ValueMisfit, value.node.span.clone(), "an option that is given has a value")
                .help("to ask for an option that is not given, give it a selection of its own and write `not` in the condition");
            lowering.reader.report(problem);
            return None;
        }
        patterns.push(lowering.pattern(key.operation, value)?);
    }
    // Any value at all is no condition.
    let anything = |pattern: &Pattern| matches!(pattern, Pattern::Glob(glob) if is_anything(glob));
    if key.field == "value" && !key.all && patterns.iter().any(anything) {
        return Some(Vec::new());
    }
    let case = key.case.unwrap_or(case);
    Some(if key.all {
        patterns.into_iter().map(|pattern| make(TextSet::new(vec![pattern], case))).collect()
    } else if patterns.is_empty() {
        Vec::new()
    } else {
        vec![make(TextSet::new(patterns, case))]
    })
}

fn is_anything(glob: &Glob) -> bool {
    glob.shape() == Shape::Anything
}

fn words(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn needs_form(lowering: &mut Lowering<'_>, entry: &Entry, forms: &str) {
    let message = format!("`{}` is a part of a value that is built of parts", entry.key);
    let problem = lowering
        .reader
        .problem(Code::BadOption, entry.key_span.clone(), message)
        .help(format!("say how the value is built with {forms}; the whole value is `value`"));
    lowering.reader.report(problem);
}
