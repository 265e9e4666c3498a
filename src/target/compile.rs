//! One detection in one log source for one target: the mapping, the choice of a language, and the query.

use uuid::Uuid;

use super::fields::Fields;
use super::load::Target;
use super::map::{Mapper, approximate};
use super::node::{Loss, Node};
use super::prefilter::prefilter;
use super::problem::Problem;
use super::settings::{LanguageChoice, SourceSettings};
use crate::detection::{Accept, Detection, Deviation, Observation, Severity};
use crate::language::{self, FieldTable, FieldType, Language, Query};
use crate::logic::{Case, Formula, Glob, Path, Pattern, Predicate, TextSet};
use crate::source::Catalogue;

/// How often a condition is mended and printed again before it is given up.
const MAX_ROUNDS: usize = 8;
/// How many reasons a refusal names.
const MOST_REASONS: usize = 8;

/// A detection in a log source, in a target's language.
#[derive(Clone, Debug)]
pub struct Rule<'a> {
    /// The detection.
    pub detection: &'a Detection,
    /// What it looks for in the log source.
    pub observation: &'a Observation,
    /// The rule's identity, the same in every target.
    pub id: Uuid,
    /// The severity in this target.
    pub severity: Severity,
    /// The language of the query.
    pub language: Language,
    /// Why that one.
    pub why: String,
    /// The query.
    pub query: Query,
    /// What the query says, over the target's fields, with the tests that every rule of the source begins with.
    pub formula: Formula,
    /// A condition that follows from `formula` and may stand before the query, and its text.
    pub prefilter: Option<(Formula, String)>,
    /// What it should say: `formula` without deviations. `None` where the target has no fields for that.
    pub wanted: Option<Formula>,
    /// The types of the target's fields in it.
    pub table: FieldTable,
    /// In which direction it differs from the detection, and why that was accepted.
    pub accepted: Option<Accept>,
    /// What is not said.
    pub losses: Vec<Loss>,
}

/// What a target makes of a detection in a log source.
#[derive(Clone, Debug)]
pub enum Outcome<'a> {
    /// A rule.
    Rule(Box<Rule<'a>>),
    /// The target does not have the log source.
    NotApplicable,
    /// The detection is switched off for the target.
    Disabled,
    /// The target cannot say it, for this reason, and the detection accepts that.
    Unsupported(String),
}

/// The identity of a detection's rule in a log source.
pub fn rule_id(detection: &Detection, source: &str) -> Uuid {
    Uuid::new_v5(&detection.id, source.as_bytes())
}

/// What `target` makes of `detection` in the log source of `observation`.
pub fn compile<'a>(
    target: &Target,
    detection: &'a Detection,
    observation: &'a Observation,
    catalogue: &Catalogue,
) -> Result<Outcome<'a>, Problem> {
    let settings = detection.targets.get(target.name());
    if settings.and_then(|settings| settings.enabled) == Some(false) {
        return Ok(Outcome::Disabled);
    }
    let Some(source) = target.settings.sources.get(&observation.source) else { return Ok(Outcome::NotApplicable) };
    let accept = settings.and_then(|settings| settings.accept.get(&observation.source));
    let fields = Fields::new(source, catalogue.sources.get(&observation.source));
    let attempt = Attempt { target, source, fields: &fields, observation };

    let languages = || {
        let only = source.languages.as_ref();
        target.settings.languages.iter().filter(move |choice| only.is_none_or(|only| only.contains(&choice.name)))
    };
    let rule = |choice: &LanguageChoice, said: Said, why: String| {
        let rule = Rule {
            detection,
            observation,
            id: rule_id(detection, &observation.source),
            severity: settings.and_then(|settings| settings.severity).unwrap_or(detection.severity),
            language: choice.name,
            why,
            prefilter: choice.prefilter.and_then(|language| before(language, &said)),
            query: said.query,
            formula: said.formula,
            wanted: said.wanted,
            table: said.table,
            accepted: accept.filter(|_| !said.losses.is_empty()).cloned(),
            losses: said.losses,
        };
        Outcome::Rule(Box::new(rule))
    };

    // First whatever says all of it, then whatever says as much as was accepted.
    let mut refused: Vec<(Language, Vec<Loss>)> = Vec::new();
    for choice in languages() {
        match attempt.say(choice, None) {
            Ok(said) => return Ok(rule(choice, said, why(&refused))),
            Err(losses) => refused.push((choice.name, losses)),
        }
    }
    if let Some(accept) = accept.filter(|accept| accept.deviation == Deviation::Unsupported) {
        return Ok(Outcome::Unsupported(accept.reason.clone()));
    }
    if let Some(accept) = accept {
        let mut best: Option<(&LanguageChoice, Said)> = None;
        for choice in languages() {
            match attempt.say(choice, Some(accept.deviation)) {
                Ok(said) if best.as_ref().is_none_or(|(_, best)| said.losses.len() < best.losses.len()) => {
                    best = Some((choice, said));
                }
                Ok(_) => {}
                Err(losses) => refused.push((choice.name, losses)),
            }
        }
        if let Some((choice, said)) = best {
            let why = "no language of the target says all of it; this one leaves out least".to_owned();
            return Ok(rule(choice, said, why));
        }
    }
    Err(refusal(target, detection, observation, accept, &refused))
}

/// Why a language was taken when those in `refused` came before it.
fn why(refused: &[(Language, Vec<Loss>)]) -> String {
    if refused.is_empty() {
        return "the target's first choice".to_owned();
    }
    let reasons = refused.iter().map(|(language, losses)| {
        let reason = losses.first().map(|loss| loss.reason.as_str()).unwrap_or("it cannot be said");
        format!("not {}: {reason}", language.name())
    });
    reasons.collect::<Vec<_>>().join("; ")
}

fn refusal(
    target: &Target,
    detection: &Detection,
    observation: &Observation,
    accept: Option<&Accept>,
    refused: &[(Language, Vec<Loss>)],
) -> Problem {
    let (title, source) = (&target.settings.title, &observation.source);
    let message = match accept {
        None => format!("{title} cannot say what `{}` looks for in `{source}`", detection.name),
        Some(accept) => {
            let direction = word(accept.deviation);
            format!("{title} cannot say what `{}` looks for in `{source}`, not even {direction}", detection.name)
        }
    };
    let mut problem = Problem::new(detection.file.to_string_lossy(), message);
    // Parts of a condition that fail for one reason are told together.
    let mut by_reason: Vec<(String, Vec<&str>)> = Vec::new();
    // What stopped the weaker form comes first.
    for (language, losses) in refused.iter().rev() {
        for loss in losses.iter().rev() {
            let reason = format!("in {}: {}", language.name(), loss.reason);
            match by_reason.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, parts)) => parts.push(&loss.part),
                None => by_reason.push((reason, vec![&loss.part])),
            }
        }
    }
    for (reason, parts) in by_reason.iter().take(MOST_REASONS) {
        let more = if parts.len() > 1 { format!(" (and {} more)", parts.len() - 1) } else { String::new() };
        problem = problem.note(format!("{reason}: {}{more}", parts.first().copied().unwrap_or_default()));
    }
    if by_reason.len() > MOST_REASONS {
        problem = problem.note(format!("and {} more reasons", by_reason.len() - MOST_REASONS));
    }
    if refused.is_empty() {
        problem = problem.note("the target has no language for this log source");
    }
    let name = target.name();
    problem.help(match accept {
        None => format!(
            "if the rule may match less (`narrower`) or more (`wider`) there, say so and why in the detection:\n\
             targets:\n  {name}:\n    accept:\n      {source}: {{ narrower: \"why that is all right\" }}\n\
             or leave the target out: targets: {{ {name}: {{ enabled: false }} }}"
        ),
        Some(_) => {
            format!("accept the other direction, or leave the target out: targets: {{ {name}: {{ enabled: false }} }}")
        }
    })
}

/// `wider` or `narrower`.
pub fn word(deviation: Deviation) -> &'static str {
    match deviation {
        Deviation::Wider => "wider",
        Deviation::Narrower => "narrower",
        Deviation::Unsupported => "unsupported",
    }
}

/// What is needed to try a language.
struct Attempt<'a> {
    target: &'a Target,
    source: &'a SourceSettings,
    fields: &'a Fields<'a>,
    observation: &'a Observation,
}

/// A condition that a language could say.
struct Said {
    query: Query,
    formula: Formula,
    wanted: Option<Formula>,
    table: FieldTable,
    losses: Vec<Loss>,
}

impl Attempt<'_> {
    /// The condition in one language; else what it cannot say.
    fn say(&self, choice: &LanguageChoice, accept: Option<Deviation>) -> Result<Said, Vec<Loss>> {
        let mut mapper = Mapper::new(&self.target.settings.title, self.fields, choice);
        let mut node = mapper.map(&self.observation.formula);
        let mut table = mapper.table;
        let base = self.base(&mut table);
        let wanted = exact(&node).map(|formula| with_base(&base, formula));
        let all = |reason: &str| vec![Loss { part: self.observation.condition.clone(), reason: reason.to_owned() }];
        let mut last = "it cannot be printed".to_owned();
        for _ in 0..MAX_ROUNDS {
            let mut losses = Vec::new();
            let formula = node.resolve(accept, &mut losses);
            if accept.is_none() && !losses.is_empty() {
                return Err(losses);
            }
            if !losses.is_empty() && (formula == Formula::TRUE || formula == Formula::FALSE) {
                return Err(losses);
            }
            let formula = with_base(&base, formula);
            let gaps = match language::print(choice.name, &formula, &table) {
                Ok(query) => return Ok(Said { query, formula, wanted, table, losses }),
                Err(gaps) => gaps,
            };
            last = gaps.first().map_or(last, |gap| gap.reason.clone());
            let can_say = |formula: &Formula| language::print(choice.name, formula, &table).is_ok();
            let mut mended = false;
            node.replace_leaves(&mut |id, formula, written| {
                // A printer may join tests of one field, and then names one of them: so every leaf is asked alone.
                let alone = language::print(choice.name, formula, &table).err().and_then(|gaps| gaps.first().cloned());
                let gap = alone.or_else(|| gaps.iter().find(|gap| gap.origin.0 == Some(id)).cloned())?;
                mended = true;
                let (lower, upper) = approximate(formula, &can_say);
                let leaf = |formula| Node::Leaf { id, formula, written: written.to_owned() };
                Some(Node::hole(written, gap.reason.clone(), leaf(lower), leaf(upper)))
            });
            if !mended {
                return Err(gaps.first().map_or_else(|| all("it cannot be printed"), |gap| all(&gap.reason)));
            }
        }
        Err(all(&last))
    }

    /// The tests that every rule of the source begins with.
    fn base(&self, table: &mut FieldTable) -> Vec<Formula> {
        let tests = self.source.base.iter().map(|(name, values)| {
            let field = Path::from_segments([name.as_str()]);
            if table.get(name).is_none() {
                table.insert(name.clone(), FieldType::Text);
            }
            let values = values.0.iter().map(|value| Pattern::Glob(Glob::equals(value))).collect();
            Formula::test(&field, Predicate::Text(TextSet::new(values, Case::Either)))
        });
        tests.collect()
    }
}

/// A condition that follows from what is said, and its text in a language.
fn before(language: Language, said: &Said) -> Option<(Formula, String)> {
    let can_say = |formula: &Formula| language::print(language, formula, &said.table).is_ok();
    let formula = prefilter(&said.formula, &can_say)?;
    match language::print(language, &formula, &said.table) {
        Ok(Query::Text(text)) => Some((formula, text)),
        Ok(Query::Document(_)) | Err(_) => None,
    }
}

fn with_base(base: &[Formula], formula: Formula) -> Formula {
    Formula::and(base.iter().cloned().chain([formula]))
}

/// The condition if all of it can be said.
fn exact(node: &Node) -> Option<Formula> {
    let mut losses = Vec::new();
    let formula = node.resolve(None, &mut losses);
    losses.is_empty().then_some(formula)
}
