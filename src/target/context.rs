//! What templates get to see of a rule.

use serde::Serialize;
use serde_json::{Value, json};
use tera::Value as Shared;
use uuid::Uuid;

use super::compile::{Beside, Rule, word};
use super::fields::{Fields, TargetField};
use super::filters::one_line;
use super::load::Target;
use super::node::{Loss, field_names};
use super::settings::{Derivation, SourceSettings};
use super::verdict::Verdict;
use crate::detection::attack;
use crate::detection::{Confidence, Detection, Severity, Status};
use crate::language::{FieldType, Query};
use crate::logic::Formula;
use crate::source::Source;

/// A rule as templates see it.
#[derive(Clone, Debug, Serialize)]
pub struct RuleContext {
    /// The rule's own identity.
    pub id: String,
    /// The detection's.
    pub detection_id: String,
    /// The detection's short name.
    pub name: String,
    /// Unique among all rules of a target: `<name>_<source>`, letters, digits and underscores.
    pub key: String,
    /// The title, with the log source's where the detection observes several.
    pub label: String,
    /// The detection's title.
    pub title: String,
    /// The detection's version.
    pub version: u32,
    /// How far it is finished.
    pub status: Status,
    /// How bad it is, in Sigma's words.
    pub severity: Severity,
    /// What the target makes of that.
    pub severity_here: Value,
    /// How often it is right.
    pub confidence: Confidence,
    /// What it finds and why that matters.
    pub description: Shared,
    /// Who wrote it.
    pub author: Shared,
    /// Who answers for it.
    pub owner: Option<String>,
    /// When it was written.
    pub created: String,
    /// When it was last changed.
    pub modified: Option<String>,
    /// ATT&CK technique ids.
    pub attack: Shared,
    /// The same by tactics, with names and addresses.
    pub threat: Shared,
    /// Where to read more.
    pub references: Shared,
    /// What else makes it fire.
    pub false_positives: Shared,
    /// What an analyst does, in Markdown.
    pub triage: Shared,
    /// Free words.
    pub tags: Shared,
    /// Risk of one hit, 0 to 100.
    pub risk: u8,
    /// Whether somebody chose it: it does not only follow from the severity.
    pub own_risk: bool,
    /// When it runs.
    pub schedule: ScheduleContext,
    /// How repeated hits are held back.
    pub throttle: Option<ThrottleContext>,
    /// The log source's name.
    pub source: String,
    /// The log source's title.
    pub source_title: String,
    /// What `target.yml` says of the log source under `binding`.
    pub binding: Shared,
    /// The language's name.
    pub language: &'static str,
    /// Why that language.
    pub language_reason: String,
    /// The query: text, or a tree for languages that are trees.
    pub query: Shared,
    /// The query, in parentheses if it is a disjunction; so that text can be put behind it.
    pub grouped_query: Shared,
    /// What stands before the query, in the language that `target.yml` names for it: parts of the condition that the
    /// query leaves out, and what follows from the others. In parentheses if it is a disjunction of several tests.
    pub prefilter: Option<String>,
    /// The target's fields in the query, with their types.
    pub fields: Vec<FieldContext>,
    /// The target's fields that tell an analyst what happened.
    pub columns: Vec<String>,
    /// What is known of the rule's meaning: `proved`, `tested`, `wider`, `narrower` or `unverified`.
    pub verdict: Verdict,
    /// The same as a sentence, with the reason.
    pub standing: String,
    /// `wider` or `narrower`, where the rule is not exactly the detection.
    pub deviation: Option<&'static str>,
    /// Why that was accepted.
    pub deviation_reason: Option<String>,
    /// What the rule does not say.
    pub losses: Vec<Loss>,
    /// Exceptions that stand beside the query: `query` does not say them.
    pub exceptions: Vec<ExceptionContext>,
}

/// An exception as templates see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExceptionContext {
    /// Its identity in the log source.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name in letters, digits and underscores.
    pub key: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds.
    pub expires: String,
    /// Where it was decided.
    pub ticket: Option<String>,
    /// All of that in one line.
    pub remark: String,
    /// The language that it is said in.
    pub language: &'static str,
    /// What is said: what `target.yml` says under `exceptions`.
    pub query: Value,
}

/// A field in a query.
#[derive(Clone, Debug, Serialize)]
pub struct FieldContext {
    /// Its name in the target.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// The platform's own word for the type.
    pub native: Option<String>,
}

/// When a rule runs, in minutes, and as cron says it.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleContext {
    every: u32,
    look_back: u32,
    cron: String,
    /// How far a run that cron starts looks back: further where cron is to start it less often.
    cron_look_back: u32,
}

/// How repeated hits are held back.
#[derive(Clone, Debug, Serialize)]
pub struct ThrottleContext {
    /// For how many minutes.
    pub minutes: u32,
    /// The target's fields that make two hits the same.
    pub by: Vec<String>,
}

/// An ATT&CK tactic with the rule's techniques that serve it.
#[derive(Clone, Debug, Serialize)]
pub struct Tactic {
    id: String,
    name: String,
    shortname: String,
    reference: String,
    techniques: Vec<Technique>,
}

/// An ATT&CK technique.
#[derive(Clone, Debug, Serialize)]
pub struct Technique {
    id: String,
    name: String,
    reference: String,
    subtechniques: Vec<Technique>,
}

/// What the rules of one detection have in common for templates: made once, because a copy of it costs nothing.
#[derive(Clone, Debug)]
pub struct Common {
    author: Shared,
    description: Shared,
    attack: Shared,
    threat: Shared,
    references: Shared,
    false_positives: Shared,
    triage: Shared,
    tags: Shared,
}

impl Common {
    /// What the rules of `detection` have in common.
    pub fn new(detection: &Detection) -> Self {
        Self {
            author: Shared::from_serializable(&detection.author),
            description: Shared::from(detection.description.trim()),
            attack: Shared::from_serializable(&detection.attack),
            threat: Shared::from_serializable(&threat(&detection.attack)),
            references: Shared::from_serializable(&detection.references),
            false_positives: Shared::from_serializable(&detection.false_positives),
            triage: Shared::from(detection.triage.trim()),
            tags: Shared::from_serializable(&detection.tags),
        }
    }
}

/// What is known of the place that a rule is for.
#[derive(Debug)]
pub struct Here<'a> {
    /// The target.
    pub target: &'a Target,
    /// The log source, if the catalogue knows it.
    pub source: Option<&'a Source>,
    /// The fields that the target has in it.
    pub fields: Option<&'a Fields<'a>>,
    /// What `target.yml` says of it under `binding`.
    pub binding: Shared,
}

/// What templates see of `rule`, which says with what `common` has in common with the detection's others.
pub fn of_rule(here: &Here<'_>, rule: &Rule<'_>, common: &Common, verdict: Verdict) -> RuleContext {
    let Here { target, source, fields, binding } = here;
    let (source, fields) = (*source, *fields);
    let common = common.clone();
    let detection = rule.detection;
    let settings = target.settings.sources.get(&rule.observation.source);
    let source_title = source.map_or_else(|| rule.observation.source.clone(), |source| source.title.clone());
    let title = one_line(&detection.title);
    let (query, grouped_query) = match &rule.query {
        Query::Text(text) => {
            let query = Shared::from(text.as_str());
            let grouped = matches!(rule.formula, Formula::Or(_)).then(|| Shared::from(format!("({text})")));
            (query.clone(), grouped.unwrap_or(query))
        }
        Query::Document(tree) => {
            let query = Shared::from_serializable(tree);
            (query.clone(), query)
        }
    };
    let false_positives = if rule.within.is_empty() {
        common.false_positives
    } else {
        let within = rule.within.iter().map(|excepted| excepted.remark());
        Shared::from_serializable(&detection.false_positives.iter().cloned().chain(within).collect::<Vec<_>>())
    };
    RuleContext {
        id: rule.id.to_string(),
        detection_id: detection.id.to_string(),
        name: detection.name.clone(),
        key: format!("{}_{}", super::filters::slug(&detection.name), super::filters::slug(&rule.observation.source)),
        label: rule.label(source),
        title,
        version: detection.version,
        status: detection.status,
        severity: rule.severity,
        severity_here: target.settings.severity.get(&rule.severity).cloned().unwrap_or(Value::Null),
        confidence: detection.confidence,
        description: common.description,
        author: common.author,
        owner: detection.owner.clone(),
        created: detection.created.to_string(),
        modified: detection.modified.map(|date| date.to_string()),
        attack: common.attack,
        threat: common.threat,
        references: common.references,
        false_positives,
        triage: common.triage,
        tags: common.tags,
        risk: detection.risk,
        own_risk: detection.risk != detection.severity.risk(),
        schedule: ScheduleContext {
            every: detection.schedule.every,
            look_back: detection.schedule.look_back,
            cron: cron(detection.schedule.every),
            cron_look_back: (detection.schedule.look_back)
                .saturating_add(SHORTEST_CRON.saturating_sub(detection.schedule.every)),
        },
        throttle: throttle(detection, settings, fields.zip(source)),
        source: rule.observation.source.clone(),
        source_title,
        binding: binding.clone(),
        language: rule.language.name(),
        language_reason: rule.why.clone(),
        query,
        grouped_query,
        prefilter: rule
            .prefilter
            .as_ref()
            .map(|(formula, text)| if matches!(formula, Formula::Or(_)) { format!("({text})") } else { text.clone() }),
        fields: query_fields(rule, fields),
        columns: source.map(|source| target_names(fields.zip(Some(source)), &source.columns)).unwrap_or_default(),
        verdict,
        standing: standing(verdict, rule),
        deviation: rule.accepted.as_ref().map(|accept| word(accept.deviation)),
        deviation_reason: rule.accepted.as_ref().map(|accept| accept.reason.clone()),
        losses: rule.losses.clone(),
        exceptions: rule.beside.iter().map(|beside| of_exception(beside, &rule.observation.source)).collect(),
    }
}

fn of_exception(beside: &Beside<'_>, source: &str) -> ExceptionContext {
    let excepted = beside.exception;
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("cresset exception {} {source}", excepted.name).as_bytes());
    let key = super::filters::slug(&excepted.name);
    let mark = || id.simple().to_string().chars().take(8).collect();
    ExceptionContext {
        key: if key.is_empty() { mark() } else { key },
        id: id.to_string(),
        name: excepted.name.clone(),
        reason: excepted.reason.trim().to_owned(),
        owner: excepted.owner.clone(),
        expires: excepted.expires.to_string(),
        ticket: excepted.ticket.clone(),
        remark: excepted.remark(),
        language: beside.language.name(),
        query: match &beside.query {
            Query::Text(text) => json!(text),
            Query::Document(tree) => tree.clone(),
        },
    }
}

/// What is known of a rule's meaning, as a sentence for its readers.
fn standing(verdict: Verdict, rule: &Rule<'_>) -> String {
    let reason = rule.accepted.as_ref().map(|accept| format!(", which accepts that: {}", one_line(&accept.reason)));
    let reason = reason.unwrap_or_default();
    match verdict {
        Verdict::Proved => {
            "Proved: for every event, it matches what its detection must match and nothing but what it may.".to_owned()
        }
        Verdict::Tested => {
            "Tested: its meaning could not be decided; no event was found on which it differs from its detection."
                .to_owned()
        }
        Verdict::Wider => format!("Wider than its detection{reason}"),
        Verdict::Narrower => format!("Narrower than its detection{reason}"),
        Verdict::Unverified => "Unverified: nothing reads it back.".to_owned(),
        Verdict::Differs | Verdict::Unreadable | Verdict::Missing => format!("It is {verdict}: do not deploy it."),
    }
}

fn query_fields(rule: &Rule<'_>, fields: Option<&Fields<'_>>) -> Vec<FieldContext> {
    let names = field_names(&rule.formula).into_iter();
    let described = names.map(|name| FieldContext {
        kind: rule.table.get(&name).unwrap_or(FieldType::Text),
        native: fields.and_then(|fields| fields.native(&name)).map(str::to_owned),
        name,
    });
    let mut described: Vec<FieldContext> = described.collect();
    described.sort_by(|a, b| a.name.cmp(&b.name));
    described
}

/// The target's name for a field of the catalogue: of the first of its paths that the target has.
/// How repeated hits of a detection are held back where its log source is as `settings` and `fields` say.
pub fn throttle(
    detection: &Detection,
    settings: Option<&SourceSettings>,
    fields: Option<(&Fields<'_>, &Source)>,
) -> Option<ThrottleContext> {
    let throttle = detection.throttle.as_ref()?;
    let mut by = target_names(fields, &throttle.by);
    // A source that has none of the detection's fields is held back by what its events are about.
    if by.is_empty() {
        let identity = settings.and_then(|settings| settings.binding.get("identity")).and_then(Value::as_array);
        by = identity.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    Some(ThrottleContext { minutes: throttle.minutes, by })
}

/// What the target calls fields of a log source, each once; those that it has not are left out.
fn target_names(fields: Option<(&Fields<'_>, &Source)>, names: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        let here = fields.and_then(|(fields, source)| target_name(fields, source, name));
        found.extend(here.filter(|name| !found.contains(name)));
    }
    found
}

fn target_name(fields: &Fields<'_>, source: &Source, name: &str) -> Option<String> {
    let field = source.field(name)?;
    field.paths.iter().filter_map(|path| fields.get(path)).find_map(|field| match field {
        TargetField { name: Some(name), .. } => Some(name),
        TargetField { from: Some(Derivation::Basename(name)), .. } | TargetField { joined: Some(name), .. } => {
            Some(name)
        }
        TargetField { .. } => None,
    })
}

/// The shortest time in minutes between two runs that cron starts.
const SHORTEST_CRON: u32 = 5;

/// How cron says "every so many minutes": never more often than every five, and evenly over the hour or the day.
fn cron(every: u32) -> String {
    let divisor = |of: u32, most: u32| (1..=most.min(of)).rev().find(|n| of.is_multiple_of(*n)).unwrap_or(1);
    match every {
        0..60 => match divisor(60, every.max(SHORTEST_CRON)) {
            60 => "0 * * * *".to_owned(),
            minutes => format!("*/{minutes} * * * *"),
        },
        60..1440 => match divisor(24, every / 60) {
            1 => "0 * * * *".to_owned(),
            24 => "0 0 * * *".to_owned(),
            hours => format!("0 */{hours} * * *"),
        },
        _ => "0 0 * * *".to_owned(),
    }
}

/// Techniques by the tactics that they serve, in ATT&CK's order of tactics.
fn threat(ids: &[String]) -> Vec<Tactic> {
    let mut tactics: Vec<Tactic> = Vec::new();
    for tactic in attack::tactics() {
        let mut techniques: Vec<Technique> = Vec::new();
        for id in ids {
            let Some(technique) = attack::technique(id) else { continue };
            if !technique.tactics.contains(&tactic.shortname) {
                continue;
            }
            let root = id.split('.').next().unwrap_or(id);
            if !techniques.iter().any(|known| known.id == root) {
                let Some(root) = attack::technique(root) else { continue };
                techniques.push(described(root));
            }
            if id != root
                && let Some(known) = techniques.iter_mut().find(|known| known.id == root)
            {
                known.subtechniques.push(described(technique));
            }
        }
        if !techniques.is_empty() {
            tactics.push(Tactic {
                id: tactic.id.to_string(),
                name: tactic.name.to_string(),
                shortname: tactic.shortname.to_string(),
                reference: format!("https://attack.mitre.org/tactics/{}/", tactic.id),
                techniques,
            });
        }
    }
    tactics
}

fn described(technique: &attack::Technique) -> Technique {
    Technique {
        id: technique.id.to_string(),
        name: technique.name.to_string(),
        reference: format!("https://attack.mitre.org/techniques/{}/", technique.id.replace('.', "/")),
        subtechniques: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cron_is_even_and_never_more_often_than_every_five_minutes() {
        for (every, expected) in [
            (1, "*/5 * * * *"),
            (5, "*/5 * * * *"),
            (7, "*/6 * * * *"),
            (59, "*/30 * * * *"),
            (60, "0 * * * *"),
            (300, "0 */4 * * *"),
            (1440, "0 0 * * *"),
            (9999, "0 0 * * *"),
        ] {
            assert_eq!(cron(every), expected, "{every}");
        }
    }
}
