//! All artefacts of all targets, in memory.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use serde::Serialize;
use tera::{Context, Value};

use super::compile::{Outcome, Rule, Shared, compile_with};
use super::context::{Common, ExceptionContext, Here, of_rule};
use super::fields::AllFields;
use super::load::Target;
use super::node::Loss;
use super::problem::with_file;
use super::refusal::{self, Refusal};
use super::render::render;
use super::settings::{Artefact, Scope, SourceSettings};
use super::verdict::Verdict;
use crate::detection::{Detection, Observation};
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
        /// What is known of its meaning.
        verdict: Verdict,
        /// Why a `wider` or `narrower` rule was accepted.
        #[serde(skip_serializing_if = "Option::is_none")]
        accepted: Option<String>,
        /// What it does not say.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        losses: Vec<Loss>,
        /// The exceptions that it makes.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        exceptions: Vec<Made>,
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

/// An exception of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// The language that it is said in beside the query; absent if the query says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<&'static str>,
}

/// Artefacts and what there is to say about them.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The files, by their paths below the output folder, with `/` between segments.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What became of every detection, in the order of detections, their log sources and targets.
    pub entries: Vec<Entry>,
}

/// A detection in a log source of a target, compiled.
#[derive(Clone, Debug)]
pub struct Compiled<'a> {
    /// The target.
    pub target: &'a Target,
    /// The detection.
    pub detection: &'a Detection,
    /// What it looks for in the log source.
    pub observation: &'a Observation,
    /// What became of it.
    pub outcome: Outcome<'a>,
}

impl<'a> Compiled<'a> {
    /// The rule, if there is one.
    pub fn rule(&self) -> Option<&Rule<'a>> {
        match &self.outcome {
            Outcome::Rule(rule) => Some(rule),
            _ => None,
        }
    }
}

/// Everything that `targets` make of `detections`, or everything that is wrong. The verdicts of the rules are what the
/// compiler claims; nothing has been read back.
pub fn build(
    targets: &[Target],
    detections: &[Detection],
    catalogue: &Catalogue,
    pack: &PackInfo,
    progress: &(dyn Fn() + Sync),
) -> Result<Built, Vec<Diagnostic>> {
    let compiled = compile_all(targets, detections, catalogue, progress)?;
    render_all(targets, &compiled, catalogue, pack, &|_, rule| rule.claim())
}

/// All detections in all their log sources for all targets, in this order, or everything that is wrong. `progress` is
/// called for every detection that is done.
pub fn compile_all<'a>(
    targets: &'a [Target],
    detections: &'a [Detection],
    catalogue: &Catalogue,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<Compiled<'a>>, Vec<Diagnostic>> {
    let fields = AllFields::new(targets, catalogue);
    let results: Vec<(Vec<Compiled<'a>>, Vec<Refusal>)> = detections
        .par_iter()
        .map(|detection| {
            let (mut all, mut refused, shared) = (Vec::new(), Vec::new(), Shared::default());
            // In an order of their own: where a log source stands in a detection says nothing.
            let mut observations: Vec<_> = detection.observations.iter().collect();
            observations.sort_by_key(|observation| &observation.source);
            for observation in observations {
                for target in targets {
                    let here = fields.get(target, &observation.source);
                    match compile_with(target, detection, observation, here, &shared) {
                        Ok(outcome) => all.push(Compiled { target, detection, observation, outcome }),
                        Err(refusal) => refused.push(refusal),
                    }
                }
            }
            progress();
            (all, refused)
        })
        .collect();
    let (mut compiled, mut problems) = (Vec::new(), Vec::new());
    for (all, refused) in results {
        compiled.extend(all);
        problems.extend(refusal::problems(&refused));
    }
    if problems.is_empty() {
        return Ok(compiled);
    }
    diagnostic::sort(&mut problems);
    Err(problems)
}

/// The artefacts of compiled rules, or everything that is wrong. `verdict` is what artefacts say of a rule.
pub fn render_all(
    targets: &[Target],
    compiled: &[Compiled<'_>],
    catalogue: &Catalogue,
    pack: &PackInfo,
    verdict: &(dyn Fn(&Compiled<'_>, &Rule<'_>) -> Verdict + Sync),
) -> Result<Built, Vec<Diagnostic>> {
    let verdicts: Vec<Option<Verdict>> = compiled.par_iter().map(|one| Some(verdict(one, one.rule()?))).collect();
    let (mut built, mut problems) = (Built::default(), Vec::new());
    for (one, verdict) in compiled.iter().zip(&verdicts) {
        let state = match (&one.outcome, verdict) {
            (Outcome::Disabled, _) => State::Disabled,
            (Outcome::Unsupported(reason), _) => State::Unsupported { reason: reason.clone() },
            (Outcome::Rule(rule), Some(verdict)) => state_of(rule, *verdict),
            _ => State::NotApplicable,
        };
        built.entries.push(Entry {
            detection: one.detection.name.clone(),
            source: one.observation.source.clone(),
            target: one.target.name().to_owned(),
            state,
        });
    }
    // What the rules of a detection have in common, which stand together.
    let together = |a: &Compiled<'_>, b: &Compiled<'_>| std::ptr::eq(a.detection, b.detection);
    let detections: Vec<&[Compiled<'_>]> = compiled.chunk_by(together).collect();
    let common: Vec<Option<Common>> =
        detections.par_iter().map(|all| all.first().map(|one| Common::new(one.detection))).collect();
    let common: Vec<Option<&Common>> =
        detections.iter().zip(&common).flat_map(|(all, common)| all.iter().map(|_| common.as_ref())).collect();
    let rules: Vec<Ready<'_>> = compiled
        .iter()
        .zip(verdicts)
        .zip(common)
        .filter_map(|((one, verdict), common)| {
            Some(Ready { compiled: one, rule: one.rule()?, common: common?, verdict: verdict? })
        })
        .collect();
    let fields = AllFields::new(targets, catalogue);
    // One target after the other, because what templates see of a rule is large.
    for target in targets {
        match render_target(target, &rules, &fields, catalogue, pack) {
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

fn state_of(rule: &Rule<'_>, verdict: Verdict) -> State {
    let within = rule.within.iter().map(|excepted| Made { name: excepted.name.clone(), beside: None });
    let beside = rule
        .beside
        .iter()
        .map(|beside| Made { name: beside.exception.name.clone(), beside: Some(beside.language.name()) });
    State::Rule {
        id: rule.id.to_string(),
        language: rule.language.name(),
        why: rule.why.clone(),
        verdict,
        accepted: rule.accepted.as_ref().map(|accept| accept.reason.clone()),
        losses: rule.losses.clone(),
        exceptions: within.chain(beside).collect(),
    }
}

/// A rule that is to be rendered.
struct Ready<'a> {
    compiled: &'a Compiled<'a>,
    rule: &'a Rule<'a>,
    common: &'a Common,
    verdict: Verdict,
}

/// What templates see of a rule, which stands in several files.
struct Prepared {
    name: String,
    source: String,
    source_title: String,
    exceptions: Vec<ExceptionContext>,
    value: Value,
}

/// A file that is to be rendered.
struct Job<'a> {
    artefact: &'a Artefact,
    path: String,
    rules: Vec<&'a Prepared>,
    source: Option<&'a str>,
    exception: Option<&'a ExceptionContext>,
}

fn render_target(
    target: &Target,
    rules: &[Ready<'_>],
    fields: &AllFields<'_>,
    catalogue: &Catalogue,
    pack: &PackInfo,
) -> Result<Vec<(String, String)>, Vec<Diagnostic>> {
    let here = |(name, settings): (&'_ String, &'_ SourceSettings)| {
        let (source, fields) = (catalogue.sources.get(name), fields.get(target, name));
        (name.clone(), Here { target, source, fields, binding: Value::from_serializable(&settings.binding) })
    };
    let places: HashMap<String, Here<'_>> = target.settings.sources.iter().map(here).collect();
    let mut prepared: Vec<Prepared> = rules
        .par_iter()
        .filter(|one| one.compiled.target.name() == target.name())
        .filter_map(|one| {
            let here = places.get(&one.compiled.observation.source)?;
            let mut context = of_rule(here, one.rule, one.common, one.verdict);
            Some(Prepared {
                value: Value::from_serializable(&context),
                name: context.name,
                source: context.source,
                source_title: context.source_title,
                exceptions: std::mem::take(&mut context.exceptions),
            })
        })
        .collect();
    // A rule's place in a file is its name's, so that a new one moves no other.
    prepared.sort_by(|a, b| (&a.name, &a.source).cmp(&(&b.name, &b.source)));
    let mut jobs = Vec::new();
    for artefact in &target.settings.artefacts {
        let rules: Vec<&Prepared> = prepared.iter().filter(|one| artefact.has_source(&one.source)).collect();
        let path = |name: &str, source: &str| format!("{}/{}", target.name(), artefact.path_for(name, source));
        match artefact.scope {
            Scope::Rule => jobs.extend(rules.into_iter().map(|one| Job {
                artefact,
                path: path(&one.name, &one.source),
                rules: vec![one],
                source: Some(&one.source),
                exception: None,
            })),
            Scope::Exception => jobs.extend(of_exceptions(target, artefact, &rules)),
            Scope::Source => {
                for source in target.settings.sources.keys() {
                    let rules: Vec<&Prepared> = rules.iter().copied().filter(|one| one.source == *source).collect();
                    if !rules.is_empty() {
                        jobs.push(Job {
                            artefact,
                            path: path("", source),
                            rules,
                            source: Some(source),
                            exception: None,
                        });
                    }
                }
            }
            Scope::Pack if rules.is_empty() => {}
            Scope::Pack => jobs.push(Job { artefact, path: path("", ""), rules, source: None, exception: None }),
        }
    }
    let sources: Vec<serde_json::Value> = target
        .settings
        .sources
        .iter()
        .filter(|(name, _)| prepared.iter().any(|rule| rule.source == **name))
        .map(|(name, source)| {
            let title = prepared.iter().find(|rule| rule.source == *name).map(|rule| rule.source_title.as_str());
            serde_json::json!({ "name": name, "title": title, "binding": source.binding })
        })
        .collect();
    let has_namespace = |tag: &&String| target.settings.has_namespace(tag) == Ok(true);
    let (namespaced, plain): (Vec<&String>, Vec<&String>) = target.settings.tags.iter().partition(has_namespace);
    let about = serde_json::json!({
        "name": target.settings.name, "title": target.settings.title, "vars": target.settings.vars,
        "tags": target.settings.tags, "namespaced_tags": namespaced, "plain_tags": plain,
    });
    // Serialized once; a template's context then takes them as they are.
    let about = Value::from_serializable(&about);
    let pack = Value::from_serializable(pack);
    let sources = Value::from_serializable(&sources);
    let results: Vec<Result<(String, String), Vec<Diagnostic>>> = jobs
        .par_iter()
        .map(|job| {
            let mut context = Context::new();
            context.insert_value("target", about.clone());
            context.insert_value("pack", pack.clone());
            let mut rules = job.rules.iter().map(|one| one.value.clone());
            match job.artefact.scope {
                Scope::Rule => context.insert_value("rule", rules.next().into()),
                Scope::Source | Scope::Pack | Scope::Exception => {
                    context.insert_value("rules", rules.collect::<Vec<_>>().into());
                    context.insert_value("sources", sources.clone());
                }
            }
            context.insert("source", &job.source);
            if let Some(exception) = job.exception {
                context.insert("exception", exception);
            }
            let text = render(target, &job.artefact.template, &context)?;
            Ok((job.path.clone(), ending_in_one_newline(text)))
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

/// The files of exceptions: one for each exception in a log source, with all rules beside which it stands.
fn of_exceptions<'a>(target: &Target, artefact: &'a Artefact, rules: &[&'a Prepared]) -> Vec<Job<'a>> {
    let mut jobs: Vec<Job<'a>> = Vec::new();
    for prepared in rules.iter().copied() {
        for exception in &prepared.exceptions {
            let known =
                |job: &&mut Job<'a>| job.exception == Some(exception) && job.source == Some(prepared.source.as_str());
            match jobs.iter_mut().find(known) {
                Some(job) => job.rules.push(prepared),
                None => jobs.push(Job {
                    artefact,
                    path: format!("{}/{}", target.name(), artefact.path_of(&exception.key, &prepared.source)),
                    rules: vec![prepared],
                    source: Some(&prepared.source),
                    exception: Some(exception),
                }),
            }
        }
    }
    jobs
}

/// Templates need not care about blank lines at their ends.
fn ending_in_one_newline(mut text: String) -> String {
    text.truncate(text.trim_end_matches('\n').len());
    text.drain(..text.len() - text.trim_start_matches('\n').len());
    if !text.is_empty() {
        text.push('\n');
    }
    // There are thousands of them.
    text.shrink_to_fit();
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::load;
    use crate::project::Project;
    use crate::target::{compile, load_all};

    /// Expressions are remembered by what they say and how it is written: no rule gets those of another notation.
    #[test]
    fn a_rule_is_the_same_whatever_was_compiled_before_it() {
        let catalogue = Catalogue::builtin();
        let loaded = load::load_to_match(&Project::built_in(), catalogue);
        let targets = load_all(None).expect("targets");
        let together = compile_all(&targets, &loaded.detections, catalogue, &|| ()).expect("rules");
        assert!(together.iter().any(|one| one.rule().is_some()));
        for one in &together {
            let alone = compile(one.target, one.detection, one.observation, catalogue).expect("a rule or none");
            let alone = Compiled { outcome: alone, ..one.clone() };
            let said = |one: &Compiled<'_>| {
                one.rule()
                    .map(|rule| (rule.query.clone(), rule.prefilter.clone(), rule.losses.clone(), rule.why.clone()))
            };
            assert_eq!(said(&alone), said(one), "{} in {}", one.detection.name, one.target.name());
        }
    }
}
