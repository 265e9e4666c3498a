//! Rules of the pack, corrupted as people and tools do it: whoever changes what a rule means is found out, with an event
//! that shows it; who does not is left alone.
//!
//! A few mutants of every kind are tried for every target. `CRESSET_MUTANTS=200` tries so many of each kind, spread over
//! the rules, `all` tries all; the numbers, and what means the same, are printed (with `--nocapture`).

#![expect(clippy::indexing_slicing, reason = "a test that looks in the wrong place may panic")]

#[path = "common/pack.rs"]
mod pack;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cresset::logic::{Event, Reading, evaluate};
use cresset::pack::Recorded;
use cresset::pack::verify::{self, Finding};
use cresset::source::Catalogue;
use cresset::target::{Compiled, Verdict, project};
use pack::{Files, Pack, container};
use rayon::prelude::*;

/// How many mutants of one kind are tried for one target, unless all are.
const FEW: usize = 3;

/// About how many rules of a target share the mutants of one kind.
const RULES: usize = 20;

/// A rule's query within its file.
struct Place {
    file: String,
    query: String,
    /// The whole file with another query.
    put: Box<dyn Fn(&str) -> String + Send + Sync>,
}

fn place(pack: &Pack, one: &Compiled<'_>) -> Option<Place> {
    let rule = one.rule()?;
    let (name, source) = (&one.detection.name, &one.observation.source);
    let text = |file: &str| String::from_utf8(pack.files.get(file).expect("the file is built").clone()).expect("text");
    let label = rule.label(Catalogue::builtin().source(source));
    match one.target.name() {
        "sigma" => {
            let file = format!("sigma/{name}.{source}.yml");
            let text = text(&file);
            let from = text.find("\ndetection:").expect("a detection") + "\ndetection:".len();
            let to = from + text[from..].find("\nfields:").unwrap_or(text[from..].len());
            let (query, whole) = (text[from..to].to_owned(), text);
            Some(Place { file, query, put: Box::new(move |new| format!("{}{new}{}", &whole[..from], &whole[to..])) })
        }
        "elastic" => {
            let file = format!("elastic/rules/{name}.{source}.json");
            let document: serde_json::Value = serde_json::from_str(&text(&file)).expect("JSON");
            let query = document["query"].as_str().expect("a query").to_owned();
            let put = move |new: &str| {
                let mut document = document.clone();
                document["query"] = new.into();
                document.to_string()
            };
            Some(Place { file, query, put: Box::new(put) })
        }
        "splunk" => {
            let file = "splunk/cresset_container/default/savedsearches.conf".to_owned();
            let text = text(&file);
            let stanza = text.find(&format!("[{label}]\n"))?;
            let from = stanza + text[stanza..].find("\nsearch = ").expect("a search") + "\nsearch = ".len();
            let to = from + text[from..].find("\nenableSched").expect("the next key");
            let (query, whole) = (text[from..to].to_owned(), text);
            Some(Place { file, query, put: Box::new(move |new| format!("{}{new}{}", &whole[..from], &whole[to..])) })
        }
        "falco" => {
            let kubernetes = source == "kubernetes_audit";
            let file =
                if kubernetes { "cresset_container_k8s_audit_rules.yaml" } else { "cresset_container_rules.yaml" };
            let file = format!("falco/{file}");
            let entries: Vec<serde_json::Value> = serde_yaml::from_str(&text(&file)).expect("YAML");
            let at = entries.iter().position(|entry| entry["rule"] == label.as_str())?;
            // The other rules have no say, and cost time.
            let keep = |entry: &serde_json::Value| entry.get("rule").is_none() || entry["rule"] == label.as_str();
            let query = entries[at]["condition"].as_str().expect("a condition").to_owned();
            let entries: Vec<serde_json::Value> = entries.into_iter().filter(keep).collect();
            let put = move |new: &str| {
                let mut entries = entries.clone();
                entries
                    .iter_mut()
                    .filter(|entry| entry.get("rule").is_some())
                    .for_each(|e| e["condition"] = new.into());
                serde_yaml::to_string(&entries).expect("YAML")
            };
            Some(Place { file, query, put: Box::new(put) })
        }
        _ => None,
    }
}

/// `text` with `new` in place of what stands from `at` for `length` bytes.
fn replaced(text: &str, at: usize, length: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..at], &text[at + length..])
}

/// What people and tools do to a query: the kind of corruption, and the query after it.
fn mutants(target: &str, query: &str) -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = vec![("empty the query", String::new())];
    let mut swap = |kind, from: &str, to: &str| {
        all.extend(query.match_indices(from).map(|(at, _)| (kind, replaced(query, at, from.len(), to))));
    };
    let upper = target == "splunk";
    let word = |text: &str| if upper { text.to_uppercase() } else { text.to_owned() };
    let (and, or, not) = (word("and"), word("or"), word("not"));
    swap("and becomes or", &format!("{and} "), &format!("{or} "));
    swap("or becomes and", &format!("{or} "), &format!("{and} "));
    swap("drop a not", &format!("{not} "), "");
    swap("lose a backslash", "\\", "");
    swap("startswith becomes contains", "startswith", "contains");
    swap("endswith becomes contains", "endswith", "contains");
    swap("contains becomes equals", "|contains", "");
    swap("a comparison changes", " < ", " > ");
    swap("a comparison changes", "<300", "<30");
    swap("a list loses its meaning", " intersects ", " in ");
    if target == "splunk" {
        for (at, _) in query.match_indices("NOT ") {
            let rest = &query[at + 4..];
            if let Some(equals) = rest.find('=').filter(|equals| !rest[..*equals].contains([' ', '(', ','])) {
                let new = format!("{}!{}", &rest[..equals], &rest[equals..]);
                all.push(("NOT f=x becomes f!=x", format!("{}{new}", &query[..at])));
            }
        }
    }
    // A pair of parentheses, or one of a pair.
    let mut open = Vec::new();
    for (at, c) in query.char_indices() {
        match c {
            '(' => open.push(at),
            ')' => {
                if let Some(from) = open.pop() {
                    let inner = replaced(query, at, 1, "");
                    all.push(("drop a pair of parentheses", replaced(&inner, from, 1, "")));
                    all.push(("drop a parenthesis", replaced(query, at, 1, "")));
                }
            }
            _ => {}
        }
    }
    // An entry of a list, with its line.
    let lines: Vec<&str> = query.split('\n').collect();
    for at in 0..lines.len() {
        let is_entry = lines[at].trim_end_matches('\\').trim_end().ends_with(',') || lines[at].trim().starts_with("- ");
        if is_entry {
            let kept: Vec<&str> =
                lines.iter().enumerate().filter(|(line, _)| *line != at).map(|(_, line)| *line).collect();
            all.push(("cut a list", kept.join("\n")));
        }
    }
    // One letter of every word in another case, or another letter; a word that is a keyword breaks the query.
    for (at, text) in query
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .fold((Vec::new(), 0), |(mut words, at), word: &str| {
            if word.len() > 2 {
                words.push((at, word));
            }
            (words, at + word.len() + 1)
        })
        .0
    {
        let first = &text[..1];
        let other =
            if first.chars().all(|c| c.is_ascii_lowercase()) { first.to_uppercase() } else { first.to_lowercase() };
        if other != first {
            all.push(("change case", replaced(query, at, 1, &other)));
        }
        all.push(("misspell a word", replaced(query, at + 1, 1, "")));
    }
    if target == "elastic" {
        for (at, _) in query.match_indices(": *") {
            let rest = &query[at + 2..];
            let end = rest.find([' ', '\n', ')']).unwrap_or(rest.len());
            all.push(("quote a wildcard", format!("{}\"{}\"{}", &query[..at + 2], &rest[..end], &rest[end..])));
        }
    }
    all
}

/// What differs between two queries, with some of what stands around it.
fn change(before: &str, after: &str) -> String {
    let around = 60;
    let same = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    let head = same(&mut before.chars(), &mut after.chars());
    let tail = same(&mut before.chars().rev(), &mut after.chars().rev());
    let part = |text: &str| -> String {
        let count = text.chars().count();
        let tail = tail.min(count - head);
        let from = head.saturating_sub(around);
        text.chars().skip(from).take((count - tail + around).min(count) - from).collect()
    };
    format!("{:?} becomes {:?}", part(before), part(after))
}

/// Whether the event of a finding shows what it is said to show.
fn is_shown(finding: &Finding) -> bool {
    finding.example.as_ref().is_some_and(|example| {
        let says = |formula, reading| evaluate(formula, &example.event, reading);
        match example.matched {
            true => says(&example.rule, Reading::May) && !says(&example.condition, Reading::May),
            false => !says(&example.rule, Reading::Must) && says(&example.condition, Reading::Must),
        }
    })
}

/// Recorded events on which a rule that is said to mean the same does not say the same.
fn contradictions(pack: &Pack, one: &Compiled<'static>, files: &Files, events: &[Event]) -> Vec<Event> {
    let catalogue = Catalogue::builtin();
    let rules = [one.clone()];
    let read = verify::read_back(pack.targets, &rules, files, catalogue).remove(0).expect("a rule");
    let Ok(rule) = read.condition else { return Vec::new() };
    let source = catalogue.source(&one.observation.source).expect("a source");
    let condition = &one.observation.formula;
    let differs = |event: &&Event| {
        let mut seen = project(one.target, source, event).expect("an event there");
        if let Some(mark) = one.target.settings.sources[&source.name].binding.get("macro") {
            seen["cresset_source"] = mark.clone();
        }
        let matches = evaluate(&rule, &seen, Reading::Must);
        let (must, may) = (evaluate(condition, event, Reading::Must), evaluate(condition, event, Reading::May));
        (must && !matches) || (matches && !may)
    };
    events.iter().filter(differs).cloned().collect()
}

#[test]
fn corrupted_rules_are_found_out() {
    let pack = container();
    let catalogue = Catalogue::builtin();
    let wanted = std::env::var("CRESSET_MUTANTS").ok();
    let most = match wanted.as_deref() {
        Some("all") => usize::MAX,
        Some(count) => count.parse().expect("CRESSET_MUTANTS is `all` or how many of a kind are tried"),
        None => FEW,
    };
    let mut jobs: Vec<(&Compiled<'static>, Arc<Place>, &'static str, String)> = Vec::new();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in &pack.compiled {
        let Some(known) = place(&pack, one).map(Arc::new) else { continue };
        let mut of_rule: BTreeMap<&str, usize> = BTreeMap::new();
        let mut mutants = mutants(one.target.name(), &known.query);
        // Not always the first of a rule.
        let shift = one.detection.name.len() % mutants.len();
        mutants.rotate_left(shift);
        for (kind, query) in mutants {
            let count = counts.entry((one.target.name(), kind)).or_default();
            let here = of_rule.entry(kind).or_default();
            if query != known.query && *count < most && *here <= most / RULES {
                *count += 1;
                *here += 1;
                jobs.push((one, Arc::clone(&known), kind, query));
            }
        }
    }
    let recorded = Recorded::new(Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")));
    let results: Vec<(&str, &'static str, Verdict, bool, String)> = jobs
        .par_iter()
        .map(|(one, place, kind, query)| {
            let mut files: Files = pack
                .files
                .iter()
                .filter(|(path, _)| path.ends_with("macros.conf"))
                .map(|(p, b)| (p.clone(), b.clone()))
                .collect();
            files.insert(place.file.clone(), (place.put)(query).into_bytes());
            let rules = vec![(*one).clone()];
            let report = verify::verify(pack.targets, &rules, &files, catalogue, &verify::budget(), &|_| Vec::new());
            let finding = report.findings.iter().find(|finding| finding.file == place.file).expect("a finding");
            let shown = finding.verdict != Verdict::Differs || is_shown(finding) || finding.example.is_none();
            let what = format!("{}: {}: {kind}: {}", place.file, one.detection.name, change(&place.query, query));
            if let Some(reason) = finding.reason.as_ref().filter(|_| wanted.is_some() && !finding.verdict.is_wrong()) {
                println!("{what}: {reason}");
            }
            if finding.verdict == Verdict::Proved {
                let events = recorded.events(&one.observation.source);
                let found = contradictions(&pack, one, &files, &events);
                assert!(found.is_empty(), "{what} is proved, but differs on {}", found[0]);
            }
            (one.target.name(), *kind, finding.verdict, shown, what)
        })
        .collect();
    let mut table: BTreeMap<(&str, &str), BTreeMap<Verdict, usize>> = BTreeMap::new();
    for (target, kind, verdict, shown, what) in &results {
        assert!(shown, "the event does not show that the rule differs: {what}");
        *table.entry((target, kind)).or_default().entry(*verdict).or_default() += 1;
        // A rule that says nothing, or the opposite, is never what was meant.
        let severe = ["empty the query", "misspell a field"].contains(kind);
        assert!(!severe || verdict.is_wrong(), "{verdict}: {what}");
        if wanted.is_some() && !verdict.is_wrong() {
            println!("{verdict} {what}\n");
        }
    }
    for ((target, kind), verdicts) in &table {
        println!("{target:8} {kind:30} {verdicts:?}");
    }
    let wrong = results.iter().filter(|(_, _, verdict, ..)| verdict.is_wrong()).count();
    println!("{} mutants, {wrong} found out, {} mean the same", results.len(), results.len() - wrong);
    assert!(results.len() > 100 && wrong * 10 > results.len() * 7, "{wrong} of {}", results.len());
}
