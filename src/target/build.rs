//! All artefacts of all targets, in memory.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;
use tera::Context;

use super::compile::{Outcome, compile};
use super::context::{RuleContext, of_rule};
use super::load::Target;
use super::node::Loss;
use super::problem::with_file;
use super::render::render;
use super::settings::{Artefact, Scope};
use crate::detection::Detection;
use crate::diagnostic::{self, Code, Diagnostic};
use crate::source::Catalogue;

/// What a pack is called and who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackInfo {
    /// Its version, `1.2.3`.
    pub version: String,
    /// Who made it.
    pub author: String,
}

impl Default for PackInfo {
    fn default() -> Self {
        Self { version: "1.0.0".to_owned(), author: "Cresset".to_owned() }
    }
}

/// What became of a detection in a log source of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The detection's short name.
    pub detection: String,
    /// The log source.
    pub source: String,
    /// The target.
    pub target: String,
    /// What became of it.
    #[serde(flatten)]
    pub state: State,
}

/// What became of a detection in a log source of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// There is a rule.
    Rule {
        /// Its identity.
        id: String,
        /// The language of its query.
        language: &'static str,
        /// Why that language.
        why: String,
        /// Whether what was printed can be read back and proved.
        verified: bool,
        /// `wider` or `narrower`, if it is not exactly the detection.
        #[serde(skip_serializing_if = "Option::is_none")]
        deviation: Option<&'static str>,
        /// Why that was accepted.
        #[serde(skip_serializing_if = "Option::is_none")]
        accepted: Option<String>,
        /// What it does not say.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        losses: Vec<Loss>,
    },
    /// The target does not have the log source.
    NotApplicable,
    /// The detection is switched off for the target.
    Disabled,
    /// The target cannot say it, and the detection accepts that.
    Unsupported {
        /// Why.
        reason: String,
    },
}

/// Artefacts and what there is to say about them.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The files, by their paths below the output folder, with `/` between segments.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What became of every detection, in the order of detections, their log sources and targets.
    pub entries: Vec<Entry>,
}

/// Everything that `targets` make of `detections`, or everything that is wrong. `progress` is called for every
/// detection that is done.
pub fn build(
    targets: &[Target],
    detections: &[Detection],
    catalogue: &Catalogue,
    pack: &PackInfo,
    progress: &(dyn Fn() + Sync),
) -> Result<Built, Vec<Diagnostic>> {
    type Compiled = (Entry, Option<RuleContext>);
    let compiled: Vec<Vec<Result<Compiled, Diagnostic>>> = detections
        .par_iter()
        .map(|detection| {
            let mut all = Vec::new();
            // In an order of their own: where a log source stands in a detection says nothing.
            let mut observations: Vec<_> = detection.observations.iter().collect();
            observations.sort_by_key(|observation| &observation.source);
            for observation in observations {
                for target in targets {
                    let entry = |state| Entry {
                        detection: detection.name.clone(),
                        source: observation.source.clone(),
                        target: target.name().to_owned(),
                        state,
                    };
                    all.push(compile(target, detection, observation, catalogue).map(|outcome| match outcome {
                        Outcome::NotApplicable => (entry(State::NotApplicable), None),
                        Outcome::Disabled => (entry(State::Disabled), None),
                        Outcome::Unsupported(reason) => (entry(State::Unsupported { reason }), None),
                        Outcome::Rule(rule) => {
                            let context = of_rule(target, &rule, catalogue.sources.get(&observation.source));
                            (entry(state_of(&context)), Some(context))
                        }
                    }));
                }
            }
            progress();
            all
        })
        .collect();

    let (mut built, mut problems) = (Built::default(), Vec::new());
    let mut rules: BTreeMap<String, Vec<RuleContext>> = BTreeMap::new();
    for result in compiled.into_iter().flatten() {
        match result {
            Ok((entry, context)) => {
                if let Some(context) = context {
                    rules.entry(entry.target.clone()).or_default().push(context);
                }
                built.entries.push(entry);
            }
            Err(problem) => problems.push(problem),
        }
    }
    for target in targets {
        // A rule's place in a file is its name's, so that a new one moves no other.
        let mut rules = rules.remove(target.name()).unwrap_or_default();
        rules.sort_by(|a, b| (&a.name, &a.source).cmp(&(&b.name, &b.source)));
        match render_target(target, &rules, pack) {
            Ok(files) => {
                for (path, text) in files {
                    if built.files.insert(path.clone(), text.into_bytes()).is_some() {
                        problems.push(with_file(Code::SameFile, &path, "two artefacts are the same file"));
                    }
                }
            }
            Err(faults) => problems.extend(faults),
        }
    }
    if problems.is_empty() {
        return Ok(built);
    }
    // A template's fault shows in every rule.
    diagnostic::sort(&mut problems);
    Err(problems)
}

fn state_of(context: &RuleContext) -> State {
    State::Rule {
        id: context.id.clone(),
        language: context.language,
        why: context.language_reason.clone(),
        verified: context.verified,
        deviation: context.deviation,
        accepted: context.deviation_reason.clone(),
        losses: context.losses.clone(),
    }
}

/// A file that is to be rendered.
struct Job<'a> {
    artefact: &'a Artefact,
    path: String,
    rules: Vec<&'a RuleContext>,
    source: Option<&'a str>,
}

fn render_target(
    target: &Target,
    rules: &[RuleContext],
    pack: &PackInfo,
) -> Result<Vec<(String, String)>, Vec<Diagnostic>> {
    let mut jobs = Vec::new();
    for artefact in &target.settings.artefacts {
        let wanted = |source: &str| artefact.sources.as_ref().is_none_or(|all| all.iter().any(|s| s == source));
        let rules: Vec<&RuleContext> = rules.iter().filter(|rule| wanted(&rule.source)).collect();
        let path = |name: &str, source: &str| {
            let path = artefact.path.replace("{name}", name).replace("{source}", source);
            format!("{}/{path}", target.name())
        };
        match artefact.scope {
            Scope::Rule => jobs.extend(rules.iter().map(|rule| Job {
                artefact,
                path: path(&rule.name, &rule.source),
                rules: vec![rule],
                source: Some(&rule.source),
            })),
            Scope::Source => {
                for source in target.settings.sources.keys() {
                    let rules: Vec<&RuleContext> = rules.iter().copied().filter(|r| r.source == *source).collect();
                    if !rules.is_empty() {
                        jobs.push(Job { artefact, path: path("", source), rules, source: Some(source) });
                    }
                }
            }
            Scope::Pack if rules.is_empty() => {}
            Scope::Pack => jobs.push(Job { artefact, path: path("", ""), rules, source: None }),
        }
    }
    let sources: Vec<serde_json::Value> = target
        .settings
        .sources
        .iter()
        .filter(|(name, _)| rules.iter().any(|rule| rule.source == **name))
        .map(|(name, source)| {
            let title = rules.iter().find(|rule| rule.source == *name).map(|rule| rule.source_title.as_str());
            serde_json::json!({ "name": name, "title": title, "binding": source.binding })
        })
        .collect();
    let about = serde_json::json!({
        "name": target.settings.name, "title": target.settings.title, "vars": target.settings.vars,
    });
    let results: Vec<Result<(String, String), Vec<Diagnostic>>> = jobs
        .par_iter()
        .map(|job| {
            let mut context = Context::new();
            context.insert("target", &about);
            context.insert("pack", pack);
            match job.artefact.scope {
                Scope::Rule => context.insert("rule", &job.rules.first()),
                Scope::Source | Scope::Pack => {
                    context.insert("rules", &job.rules);
                    context.insert("sources", &sources);
                }
            }
            context.insert("source", &job.source);
            let text = render(target, &job.artefact.template, &context)?;
            Ok((job.path.clone(), ending_in_one_newline(&text)))
        })
        .collect();
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(file) => files.push(file),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

/// Templates need not care about blank lines at their ends.
fn ending_in_one_newline(text: &str) -> String {
    let text = text.trim_matches('\n');
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}
