//! The proof: every rule of a pack is read back and decided to lie between what its detection must and may match, for
//! every event; or an event shows where it does not.
//!
//! What a target's binding adds (index, source type, event type) is taken for granted of the source's events, and its
//! presence in the rule is part of what is decided.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;
use rayon::prelude::*;
use uuid::Uuid;

use super::backward::{Backward, Names, relevant};
use super::claims::Claims;
use super::opaque::{opaque, suspects};
use super::read::{Condition, Content, Fault, Found, Grade, RuleText, is_read_anywhere, place, read_target};
use super::strayed::{Strayed, strayed};
use super::witness;
use crate::detection::Deviation;
use crate::language::{FieldTable, FieldType};
use crate::logic::decide::{Answer, Between, Budget, Reason, Satisfiability, Schema, between, satisfiable};
use crate::logic::{Event, Formula, Path, Predicate, Reading, evaluate};
use crate::source::{Catalogue, Source};
use crate::target::context;
use crate::target::fields::Fields;
use crate::target::node::field_names;
use crate::target::settings::{Artefact, Format, SourceSettings};
use crate::target::{Compiled, Rule, Target, Verdict};

/// What was found out about one rule in one file.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The detection's short name.
    pub detection: String,
    /// The log source.
    pub source: String,
    /// The target.
    pub target: String,
    /// The file below the pack.
    pub file: String,
    /// The line of the file that the rule begins in, counted from 1, of rules that must not be deployed.
    pub line: Option<usize>,
    /// The files that the platform lays over that one, of rules that must not be deployed: it may be what they say.
    pub overlays: Vec<String>,
    /// What is known of the rule's meaning.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// An event on which the rule and the detection differ.
    pub example: Option<Arc<Example>>,
    /// What is worth knowing of the rule and is no matter of what it finds.
    pub remarks: Vec<String>,
}

/// An event on which a rule and its detection differ, and the two conditions, both over the event's own fields.
#[derive(Clone, Debug)]
pub struct Example {
    /// The event.
    pub event: Event,
    /// Whether the rule matches it: if so it may not, else it must.
    pub matched: bool,
    /// What the detection asks, with the tests that every rule of the source begins with.
    pub condition: Formula,
    /// What the rule asks.
    pub rule: Formula,
}

/// What was found out about a pack.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One for every rule in every file that it stands in, in the order of detections, sources, targets and files.
    pub findings: Vec<Finding>,
    /// Rules of the pack that belong to no detection: the file and the rule's name.
    pub foreign: Vec<(String, String)>,
    /// Rules that are switched off where they stand: the file and the rule's name.
    pub off: Vec<(String, String)>,
    /// Rules that do less with what they find than they are made for: the file, the rule's name and the settings.
    pub muted: Vec<(String, String, Vec<String>)>,
    /// Targets of which every rule is switched off.
    pub all_off: Vec<String>,
    /// Files that nothing reads back and that are not what the pack's manifest says, where it has one.
    pub strayed: Vec<(String, Strayed)>,
}

impl Report {
    /// Whether something in the pack must not be deployed.
    pub fn is_wrong(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict.is_wrong())
    }

    /// The verdict on each rule, by detection, log source and target: the worst of all files that it stands in.
    pub fn verdicts(&self) -> BTreeMap<(&str, &str, &str), Verdict> {
        let mut verdicts = BTreeMap::new();
        for finding in &self.findings {
            let rule = (&*finding.detection, &*finding.source, &*finding.target);
            let verdict = verdicts.entry(rule).or_insert(finding.verdict);
            *verdict = finding.verdict.max(*verdict);
        }
        verdicts
    }
}

/// What one decision may cost. The clock is no part of it, so that every run comes to the same verdict.
pub fn budget() -> Budget {
    Budget { states: 2_000_000, nodes: 1_000_000, time: std::time::Duration::from_secs(600) }
}

/// A rule as it stands in a pack.
#[derive(Clone, Debug)]
pub struct ReadBack {
    /// The file below the pack.
    pub file: String,
    /// What it asks of the target's fields; else why it cannot be read.
    pub condition: Result<Formula, String>,
    /// What is taken for granted of the events of the log source, beside the `base` of `target.yml`.
    pub assumed: Option<Formula>,
}

/// The rule of each of `compiled` as it stands in the first file of `files` that has it; none where nothing can be read
/// back.
pub fn read_back(
    targets: &[Target],
    compiled: &[Compiled<'_>],
    files: &BTreeMap<String, Vec<u8>>,
    catalogue: &Catalogue,
) -> Vec<Option<ReadBack>> {
    let grounds = Grounds::new(targets, catalogue);
    let contents = contents(targets, files, &grounds);
    let one = |one: &Compiled<'_>| {
        let (rule, source) = (one.rule()?, one.observation.source.as_str());
        let ground = grounds.get(one.target, source)?;
        let (settings, table) = (ground.settings, &*ground.table_of(rule));
        let artefact = readable(one.target, source).next()?;
        let file = file_of(one, artefact);
        let found = find(&contents, &file, rule, catalogue);
        let condition = match &found {
            Err(judgement) => Err(judgement.reason.clone().unwrap_or_default()),
            Ok(found) => match found.text.condition(settings, table) {
                Ok(condition) => condition.known(),
                Err(Fault::Unreadable(reason) | Fault::Elsewhere(reason)) => Err(reason),
            },
        };
        let assumed = found.ok().and_then(|found| found.text.assumed(settings, table));
        Some(ReadBack { file, condition, assumed })
    };
    compiled.iter().map(one).collect()
}

/// The artefacts of a target from which rules of a log source are read back.
fn readable<'t>(target: &'t Target, source: &str) -> impl Iterator<Item = &'t Artefact> {
    let has_rules = |artefact: &&Artefact| artefact.reads.is_some_and(Format::has_rules);
    target.settings.artefacts.iter().filter(move |artefact| artefact.has_source(source)).filter(has_rules)
}

/// The path below the pack of a rule's file.
fn file_of(one: &Compiled<'_>, artefact: &Artefact) -> String {
    format!("{}/{}", one.target.name(), artefact.path_for(&one.detection.name, &one.observation.source))
}

/// What the rules of one log source in one target have in common.
struct Ground<'a> {
    target: &'a Target,
    settings: &'a SourceSettings,
    /// The source as the catalogue has it.
    source: Option<&'a Source>,
    fields: Fields<'a>,
    /// The types of all fields that any rule of the source may ask.
    table: FieldTable,
    /// The names of the fields for all paths of the source.
    names: Names,
}

impl<'a> Ground<'a> {
    fn new(target: &'a Target, settings: &'a SourceSettings, source: Option<&'a Source>) -> Self {
        let fields = Fields::new(settings, source);
        let mut table = fields.table();
        for name in settings.base.keys() {
            if table.get(name).is_none() {
                table.insert(name.clone(), FieldType::Text);
            }
        }
        table.extend(settings.known.iter().map(|(name, kind)| (name.clone(), *kind)));
        table.publish(&settings.published_names);
        let names = source.map(|source| {
            let paths = source.fields.iter().flat_map(|field| field.paths.iter());
            Names::of(paths, &fields, source)
        });
        Self { target, settings, source, names: names.unwrap_or_default(), fields, table }
    }

    /// The types of all fields that a rule may ask, those that its detection gives them included.
    fn table_of(&self, rule: &Rule<'_>) -> Cow<'_, FieldTable> {
        let asked = self.fields.types_asked(&rule.observation.meaning());
        if asked.is_empty() {
            return Cow::Borrowed(&self.table);
        }
        let mut table = self.table.clone();
        table.extend(asked.into_iter().filter_map(|(path, kind)| Some((self.fields.get(&path)?.name?, kind))));
        Cow::Owned(table)
    }
}

/// The grounds of all log sources in all targets.
struct Grounds<'a>(HashMap<&'a str, BTreeMap<&'a str, Ground<'a>>>);

impl<'a> Grounds<'a> {
    fn new(targets: &'a [Target], catalogue: &'a Catalogue) -> Self {
        let of_target = |target: &'a Target| {
            let sources = target.settings.sources.iter();
            let grounds =
                sources.map(|(name, settings)| (name.as_str(), Ground::new(target, settings, catalogue.source(name))));
            (target.name(), grounds.collect())
        };
        Self(targets.iter().map(of_target).collect())
    }

    fn get(&self, target: &Target, source: &str) -> Option<&Ground<'a>> {
        self.0.get(target.name())?.get(source)
    }

    /// The types of all fields that rules of an artefact may ask.
    fn table(&self, target: &Target, artefact: &Artefact) -> FieldTable {
        let sources = self.0.get(target.name()).into_iter().flatten().filter(|(source, _)| artefact.has_source(source));
        sources.map(|(_, ground)| ground.table.clone()).reduce(FieldTable::joined).unwrap_or_default()
    }
}

/// All files with rules, read.
fn contents(targets: &[Target], files: &BTreeMap<String, Vec<u8>>, grounds: &Grounds<'_>) -> BTreeMap<String, Content> {
    let of_target = |target| read_target(target, files, &|artefact| grounds.table(target, artefact));
    targets.par_iter().flat_map_iter(of_target).collect()
}

/// The rule in a file.
fn find<'c>(
    contents: &'c BTreeMap<String, Content>,
    file: &str,
    rule: &Rule<'_>,
    catalogue: &Catalogue,
) -> Result<&'c Found, Judgement> {
    let missing = |reason: &str| Judgement::because(Verdict::Missing, reason);
    let content = contents.get(file).ok_or_else(|| missing("the file is not in the pack"))?;
    if let Some(fault) = &content.fault {
        return Err(Judgement::because(Verdict::Unreadable, fault.clone()));
    }
    let label = rule.label(catalogue.source(&rule.observation.source));
    content.rule(rule.id, &label).ok_or_else(|| missing("the rule is not in the file"))
}

/// A condition by which it is known again. Conditions are large, and the rules of a pack many.
type Fingerprint = [u64; 2];

/// What was found out of the conditions that were read in the place of one rule.
type Judged = Vec<(Fingerprint, Judgement)>;

/// What was found out of each compiled rule, in their order: for another look at a pack of which most rules are the same.
#[derive(Default)]
pub(super) struct Memory {
    judged: Vec<Judged>,
    /// What fingerprints are made with, another in every process: nobody can write a condition that is taken for another.
    seeds: [RandomState; 2],
}

/// Reads the rules in `files` (by their paths below the pack) back, and decides what each of `compiled` means there.
/// `recorded` gives recorded events of a log source, for rules whose meaning cannot be decided.
pub fn verify(
    targets: &[Target],
    compiled: &[Compiled<'_>],
    files: &BTreeMap<String, Vec<u8>>,
    catalogue: &Catalogue,
    budget: &Budget,
    recorded: &(dyn Fn(&str) -> Vec<Event> + Sync),
) -> Report {
    Verifier { targets, compiled, catalogue, budget, recorded, memory: Memory::default() }.verify(files)
}

/// What packs of the same rules are verified with, one after another.
pub(super) struct Verifier<'a> {
    pub(super) targets: &'a [Target],
    pub(super) compiled: &'a [Compiled<'a>],
    pub(super) catalogue: &'a Catalogue,
    pub(super) budget: &'a Budget,
    pub(super) recorded: &'a (dyn Fn(&str) -> Vec<Event> + Sync),
    pub(super) memory: Memory,
}

impl Verifier<'_> {
    /// What is found out of the pack of `files`. Conditions that an earlier pack had in the same place are known.
    pub(super) fn verify(&mut self, files: &BTreeMap<String, Vec<u8>>) -> Report {
        let Self { targets, compiled, catalogue, budget, recorded, memory } = self;
        let grounds = Grounds::new(targets, catalogue);
        let contents = contents(targets, files, &grounds);
        let mut standing: HashMap<Uuid, Vec<&str>> = HashMap::new();
        for (file, content) in &contents {
            for id in content.rules.iter().filter_map(|rule| rule.id) {
                standing.entry(id).or_default().push(file);
            }
        }
        let Memory { judged: known, seeds } = memory;
        let prover =
            Prover { catalogue, files, grounds: &grounds, contents: &contents, standing, budget, recorded, seeds };
        let mut known = std::mem::take(known);
        known.resize_with(compiled.len(), Vec::new);
        let each = compiled.par_iter().zip(known).with_max_len(1);
        let judged: Vec<(Vec<Finding>, Judged)> = each.map(|(one, known)| prover.findings(one, known)).collect();
        let findings: Vec<Vec<Finding>>;
        (findings, memory.judged) = judged.into_iter().unzip();
        let rules = || compiled.iter().filter_map(|one| Some((one.rule()?, one.observation.source.as_str())));
        let ids: HashSet<_> = rules().map(|(rule, _)| rule.id).collect();
        let labels: HashSet<_> = rules().map(|(rule, source)| rule.label(catalogue.source(source))).collect();
        let is_foreign = |rule: &&Found| match rule.id {
            Some(id) => !ids.contains(&id),
            None => !labels.contains(&rule.name),
        };
        let named = |is_meant: &dyn Fn(&&Found) -> bool| -> Vec<(String, String)> {
            let rules = contents.iter().flat_map(|(file, content)| content.rules.iter().map(move |rule| (file, rule)));
            let meant = rules.filter(|(_, rule)| is_meant(rule));
            meant.map(|(file, rule)| (file.clone(), rule.name.clone())).collect()
        };
        let (foreign, off) = (named(&is_foreign), named(&|rule| rule.is_off && !is_foreign(rule)));
        let on = named(&|rule| !rule.is_off && !is_foreign(rule));
        let is_of = |target: &str, (file, _): &(String, String)| file.split('/').next() == Some(target);
        let is_off = |name: &&str| off.iter().any(|rule| is_of(name, rule)) && !on.iter().any(|rule| is_of(name, rule));
        let all_off = targets.iter().map(Target::name).filter(is_off).map(str::to_owned).collect();
        let rules = contents.iter().flat_map(|(file, content)| content.rules.iter().map(move |rule| (file, rule)));
        let muted = rules.filter(|(_, rule)| !rule.muted.is_empty() && !is_foreign(rule));
        let muted = muted.map(|(file, rule)| (file.clone(), rule.name.clone(), rule.muted.clone())).collect();
        let is_read = |path: &str| {
            contents.contains_key(path)
                || targets.iter().any(|target| {
                    let below = path.strip_prefix(target.name()).and_then(|rest| rest.strip_prefix('/'));
                    let artefacts = target.settings.artefacts.iter().filter(|artefact| artefact.reads.is_some());
                    below.is_some_and(|below| {
                        artefacts.into_iter().any(|one| one.is_at(below) || one.is_laid_over(below))
                    })
                })
                || files.get(path).is_some_and(|bytes| is_read_anywhere(targets, path, bytes))
        };
        let strayed = strayed(files, &targets.iter().map(Target::name).collect(), &is_read);
        let mut findings: Vec<Finding> = findings.into_iter().flatten().collect();
        let claims = Claims::of(files);
        findings.iter_mut().for_each(|finding| finding.remarks.extend(claims.other_than(finding)));
        Report { findings, foreign, off, muted, all_off, strayed }
    }
}

/// How grave the finds of a rule are.
fn grade(one: &Compiled<'_>, rule: &Rule<'_>) -> Grade {
    let severity = one.target.settings.severity.get(&rule.severity).cloned().unwrap_or_default();
    let of_severity = severity.get("risk_score").and_then(serde_json::Value::as_u64).and_then(|r| u8::try_from(r).ok());
    let is_own = one.detection.risk != one.detection.severity.risk();
    let risk = of_severity.filter(|_| !is_own).unwrap_or(one.detection.risk);
    Grade { severity, risk }
}

struct Prover<'a> {
    catalogue: &'a Catalogue,
    files: &'a BTreeMap<String, Vec<u8>>,
    grounds: &'a Grounds<'a>,
    contents: &'a BTreeMap<String, Content>,
    /// The files that each rule stands in, in order.
    standing: HashMap<Uuid, Vec<&'a str>>,
    budget: &'a Budget,
    recorded: &'a (dyn Fn(&str) -> Vec<Event> + Sync),
    seeds: &'a [RandomState; 2],
}

/// What a decision came to.
#[derive(Clone)]
struct Judgement {
    verdict: Verdict,
    reason: Option<String>,
    example: Option<Arc<Example>>,
}

impl Judgement {
    fn of(verdict: Verdict) -> Self {
        Self { verdict, reason: None, example: None }
    }

    fn because(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::of(verdict) }
    }

    /// The judgement on a rule by which more is lost than its condition says.
    fn with_losses(mut self, losses: Vec<String>) -> Self {
        if losses.is_empty() {
            return self;
        }
        // Why a difference is accepted is no matter here.
        let own = self.reason.take().filter(|_| self.verdict.is_wrong());
        self.verdict = self.verdict.max(Verdict::Differs);
        self.reason = Some(losses.into_iter().chain(own).collect::<Vec<_>>().join("; "));
        self
    }
}

impl Prover<'_> {
    /// What was found out about a compiled rule, file by file, with what is `known` of conditions that were read in its
    /// place; and those that are known then.
    fn findings(&self, one: &Compiled<'_>, mut known: Judged) -> (Vec<Finding>, Judged) {
        let Some(rule) = one.rule() else { return (Vec::new(), known) };
        let (target, source) = (one.target, one.observation.source.as_str());
        let finding = |file: String, (line, overlays): (Option<usize>, Vec<String>), judgement: Judgement| Finding {
            detection: one.detection.name.clone(),
            source: source.to_owned(),
            target: target.name().to_owned(),
            file,
            line,
            overlays,
            verdict: judgement.verdict,
            reason: judgement.reason,
            example: judgement.example,
            remarks: Vec::new(),
        };
        let Some((ground, described)) =
            self.grounds.get(target, source).and_then(|ground| Some((ground, ground.source?)))
        else {
            return (Vec::new(), known);
        };
        let table = ground.table_of(rule);
        let subject = Subject { rule, ground, table: &table, source: described, budget: self.budget };
        let throttle = context::throttle(one.detection, Some(ground.settings), Some((&ground.fields, described)));
        let grade = grade(one, rule);
        let mut judge = |found: &Found| {
            let judgement = match found.text.condition(ground.settings, subject.table) {
                Err(Fault::Unreadable(reason)) => Judgement::because(Verdict::Unreadable, reason),
                Err(Fault::Elsewhere(reason)) => Judgement::because(Verdict::Differs, reason),
                Ok(read) => {
                    let fingerprint = self.seeds.each_ref().map(|seed| seed.hash_one(&read));
                    match known.iter().find(|(known, _)| *known == fingerprint) {
                        Some((_, judgement)) => judgement.clone(),
                        None => {
                            let judgement = subject.judge_all(&read, found.text.as_ref(), &|| (self.recorded)(source));
                            known.push((fingerprint, judgement.clone()));
                            judgement
                        }
                    }
                }
            };
            judgement.with_losses(found.text.losses(throttle.as_ref()))
        };
        let mut findings = Vec::new();
        for file in self.files_with(one, rule) {
            let found = find(self.contents, &file, rule, self.catalogue);
            let remarks = found.as_ref().map(|found| found.text.remarks(&grade)).unwrap_or_default();
            let judgement = found.clone().map_or_else(|judgement| judgement, &mut judge);
            let mut place = (None, Vec::new());
            if judgement.verdict.is_wrong() {
                place.0 = found.ok().and_then(|found| self.line(&file, found));
                place.1 = self.contents.get(&file).map(|content| content.overlays.clone()).unwrap_or_default();
            }
            findings.push(Finding { remarks, ..finding(file, place, judgement) });
        }
        if findings.is_empty() {
            let reason = format!("no artefact of {} is one that can be read back", target.settings.title);
            findings.push(finding(String::new(), (None, Vec::new()), Judgement::because(Verdict::Unverified, reason)));
        }
        (findings, known)
    }

    /// The line of a file in which a rule begins.
    fn line(&self, file: &str, found: &Found) -> Option<usize> {
        let text = std::str::from_utf8(self.files.get(file)?).ok()?;
        place::line(self.contents.get(file)?.format?, text, found.id.unwrap_or_default(), &found.name)
    }

    /// The files in which a rule must stand, and those in which it stands, too.
    fn files_with(&self, one: &Compiled<'_>, rule: &Rule<'_>) -> Vec<String> {
        let own: Vec<(String, Option<Format>)> = readable(one.target, &one.observation.source)
            .map(|artefact| (file_of(one, artefact), artefact.reads))
            .collect();
        let head = format!("{}/", one.target.name());
        let is_copy = |file: &&str| file.starts_with(&head) && own.iter().all(|(known, _)| known != file);
        let mut copies: Vec<&str> =
            self.standing.get(&rule.id).into_iter().flatten().copied().filter(is_copy).collect();
        copies.dedup();
        // Sigma's tools read whole folders: a rule that stands elsewhere in this one is not missing.
        let is_sigma =
            |file: &&str| self.contents.get(*file).is_some_and(|content| content.format == Some(Format::Sigma));
        let has_sigma = copies.iter().any(is_sigma);
        let is_due = |(file, format): &(String, Option<Format>)| {
            let stands_elsewhere = has_sigma && *format == Some(Format::Sigma);
            !stands_elsewhere || find(self.contents, file, rule, self.catalogue).is_ok()
        };
        let copies = copies.into_iter().map(str::to_owned);
        own.into_iter().filter(is_due).map(|(file, _)| file).chain(copies).collect()
    }
}

/// A compiled rule and what is needed to judge what stands in its place.
struct Subject<'a> {
    rule: &'a Rule<'a>,
    ground: &'a Ground<'a>,
    table: &'a FieldTable,
    source: &'a Source,
    budget: &'a Budget,
}

impl Subject<'_> {
    /// What a condition over the target's fields means, measured by the detection. `text` is where it was read. Where
    /// it is not known whether it matches, it must do either way.
    fn judge_all(&self, read: &Condition, text: &dyn RuleText, recorded: &dyn Fn() -> Vec<Event>) -> Judgement {
        let judge = |formula: &Formula| self.with_strangers(self.judge(formula, text, recorded), formula);
        let least = judge(&read.least);
        let Some((most, doubt)) = &read.most else { return least };
        let most = judge(most);
        let example = |judgement: &Judgement| judgement.example.as_ref().map(|example| example.matched);
        let with_doubt = |judgement: Judgement, taken: &str| {
            let reason = judgement.reason.unwrap_or_default();
            Judgement { reason: Some(format!("{reason}, if that counts as {taken}: {doubt}")), ..judgement }
        };
        match (least.verdict, most.verdict) {
            // What the events in doubt do not change.
            (_, Verdict::Differs) if example(&most) == Some(false) => most,
            (Verdict::Differs, _) if example(&least) == Some(true) => least,
            (Verdict::Differs, _) => with_doubt(least, "no match"),
            (_, Verdict::Differs) => with_doubt(most, "a match"),
            (first, second) => {
                if first > second {
                    least
                } else {
                    most
                }
            }
        }
    }

    /// What a condition over the target's fields means, measured by the detection. `text` is where it was read.
    fn judge(&self, read: &Formula, text: &dyn RuleText, recorded: &dyn Fn() -> Vec<Event>) -> Judgement {
        let condition = self.rule.observation.meaning();
        let mut asked: Vec<Path> = Vec::new();
        condition.each_field(&mut |path| asked.push(path.clone()));
        let Ground { target, settings, fields, names, .. } = self.ground;
        let asked = Names::of(&asked, fields, self.source);
        let backward = Backward::new(target, fields, &asked, names);
        let assumed = text.assumed(settings, self.table);
        let read = backward.formula(read);
        let mut given: Vec<Formula> = text.given().iter().map(|given| backward.formula(given)).collect();
        given.extend(backward.no_words(&[&condition, &read]));
        let base = settings.base_tests().into_iter().chain(assumed.clone()).map(|test| backward.formula(&test));
        let base = Formula::and(base.chain(given.clone()));
        let wanted = Formula::and([base.clone(), condition]);
        let rule = Formula::and([read].into_iter().chain(given.clone()));
        if let Some((wanted, rule)) = opaque(&wanted, &rule) {
            let schema = relevant(&self.source.schema(), &[&wanted, &rule]);
            if between(&wanted, &rule, &schema, self.budget).holds() {
                return Judgement::of(Verdict::Proved);
            }
        }
        if let Some(judgement) = self.suspected(&wanted, &rule) {
            return judgement;
        }
        let schema = relevant(&self.source.schema(), &[&wanted, &rule]);
        let Between { must, may } = between(&wanted, &rule, &schema, self.budget);
        let accepted = self.rule.accepted.as_ref();
        let is_accepted = |deviation| accepted.is_some_and(|accepted| accepted.deviation == deviation);
        let deviates = |matched: bool, event: &Event, verdict: Verdict| {
            let same = self.is_as_compiled(&rule, assumed.clone(), &given, &backward, &schema);
            same.unwrap_or_else(|| {
                let reason = accepted.map(|accepted| accepted.reason.clone());
                Judgement { verdict, reason, ..self.differs(matched, event, &wanted, &rule) }
            })
        };
        match (&must, &may) {
            (Answer::Holds, Answer::Holds) => Judgement::of(Verdict::Proved),
            (Answer::Fails(event), Answer::Holds) if is_accepted(Deviation::Narrower) => {
                deviates(false, event, Verdict::Narrower)
            }
            (Answer::Holds, Answer::Fails(event)) if is_accepted(Deviation::Wider) => {
                deviates(true, event, Verdict::Wider)
            }
            (Answer::Fails(event), _) if !is_accepted(Deviation::Narrower) => {
                self.differs(false, event, &wanted, &rule)
            }
            (_, Answer::Fails(event)) if !is_accepted(Deviation::Wider) => self.differs(true, event, &wanted, &rule),
            (Answer::Undecided(reason), _) | (_, Answer::Undecided(reason)) => {
                // What the compiler made is simpler than what the detection asks, and so is telling it from the rule.
                let same = self.is_as_compiled(&rule, assumed.clone(), &given, &backward, &schema);
                let differs = same.filter(|judgement| judgement.verdict == Verdict::Differs);
                if let (Some(judgement), true) = (&differs, accepted.is_some()) {
                    return judgement.clone();
                }
                let event = differs.and_then(|judgement| judgement.example).map(|example| example.event.clone());
                self.tested(&wanted, &rule, &base, &schema, reason, event, recorded)
            }
            // It misses some events and matches others that it may not; one of the two was accepted.
            (Answer::Fails(event), _) => self.differs(false, event, &wanted, &rule),
            (_, Answer::Fails(event)) => self.differs(true, event, &wanted, &rule),
        }
    }

    /// The judgement, with the fields that a rule asks and the log source does not have: why it differs is most likely
    /// there.
    fn with_strangers(&self, judgement: Judgement, read: &Formula) -> Judgement {
        let names: Vec<String> = field_names(read).into_iter().filter(|n| self.table.is_only_published(n)).collect();
        if judgement.verdict != Verdict::Differs || names.is_empty() {
            return judgement;
        }
        let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let reason = judgement.reason.unwrap_or_default();
        let note = format!("it asks {names}, of which the log source knows nothing: any value may be there");
        Judgement { reason: Some(format!("{reason}; {note}")), ..judgement }
    }

    /// A rule that is accepted to differ must still be the one that the compiler made: else it differs in some other
    /// way, which is the answer.
    fn is_as_compiled(
        &self,
        rule: &Formula,
        assumed: Option<Formula>,
        given: &[Formula],
        backward: &Backward<'_>,
        schema: &Schema,
    ) -> Option<Judgement> {
        let compiled = backward.formula(&Formula::and(assumed.into_iter().chain([self.rule.meaning()])));
        let compiled = Formula::and([compiled].into_iter().chain(given.iter().cloned()));
        let Between { must, may } = between(&compiled, rule, schema, self.budget);
        let (matched, event) = match (must, may) {
            (Answer::Fails(event), _) => (false, event),
            (_, Answer::Fails(event)) => (true, event),
            (Answer::Holds, Answer::Holds) => return None,
            _ => return Some(Judgement::because(Verdict::Tested, "what it leaves out could not be decided")),
        };
        let reason = Some("it is not the rule that was accepted to differ".to_owned());
        Some(Judgement { reason, ..self.differs(matched, &event, &compiled, rule) })
    }

    /// That a rule differs, if events that parts of long lists point at show it.
    fn suspected(&self, wanted: &Formula, rule: &Formula) -> Option<Judgement> {
        // Lines that options are read from are not made up here: the decision knows what it may take for granted of them.
        let mut has_options = false;
        wanted.each_test(&mut |_, test| has_options |= matches!(test.predicate, Predicate::Option(_)));
        if has_options {
            return None;
        }
        let suspects = suspects(wanted, rule);
        if suspects.is_empty() {
            return None;
        }
        let schema = relevant(&self.source.schema(), &[wanted, rule]);
        let event = |suspect: &Formula| match satisfiable(suspect, Reading::Must, &schema, self.budget) {
            Satisfiability::Sat(mut event) => {
                witness::complete(&mut event, &schema);
                Some(event)
            }
            _ => None,
        };
        let events: Vec<Event> = suspects.iter().filter_map(event).collect();
        self.shown(&events, wanted, rule)
    }

    /// That a rule differs, and not in the way that was accepted, if one of some events shows it.
    fn shown(&self, events: &[Event], wanted: &Formula, rule: &Formula) -> Option<Judgement> {
        let deviation = self.rule.accepted.as_ref().map(|accept| accept.deviation);
        events.iter().find_map(|event| {
            let says = |formula: &Formula, reading: Reading| evaluate(formula, event, reading);
            let misses = says(wanted, Reading::Must) && !says(rule, Reading::Must);
            let exceeds = says(rule, Reading::May) && !says(wanted, Reading::May);
            let is_told =
                (misses && deviation != Some(Deviation::Narrower)) || (exceeds && deviation != Some(Deviation::Wider));
            is_told.then(|| self.differs(exceeds, event, wanted, rule))
        })
    }

    /// The verdict where a decision was beyond its budget: whether any event of those that are tried shows a difference.
    /// `base` is what every event of the source has, `event` one more that may tell.
    #[expect(clippy::too_many_arguments, reason = "all that a decision knows, where it comes to none")]
    fn tested(
        &self,
        wanted: &Formula,
        rule: &Formula,
        base: &Formula,
        schema: &Schema,
        reason: &Reason,
        event: Option<Event>,
        recorded: &dyn Fn() -> Vec<Event>,
    ) -> Judgement {
        let budget = Budget { states: self.budget.states / 20, nodes: self.budget.nodes / 20, ..*self.budget };
        let shell = match satisfiable(base, Reading::Must, schema, &budget) {
            Satisfiability::Sat(event) => event,
            _ => Event::Object(serde_json::Map::new()),
        };
        let mut events: Vec<Event> = event.into_iter().collect();
        events.extend(witness::deciding(wanted, schema, &budget));
        events.extend(witness::deciding(rule, schema, &budget));
        events.extend(recorded().into_iter().map(|event| witness::with(event, &shell)));
        if let Some(judgement) = self.shown(&events, wanted, rule) {
            return judgement;
        }
        let count = events.len();
        Judgement::because(Verdict::Tested, format!("{reason}; {count} events were tried and none shows a difference"))
    }

    /// A rule that differs on an event.
    fn differs(&self, matched: bool, event: &Event, wanted: &Formula, rule: &Formula) -> Judgement {
        let example = Example { event: event.clone(), matched, condition: wanted.clone(), rule: rule.clone() };
        let reason = if matched {
            "it matches an event that it may not match"
        } else {
            "it does not match an event that it must match"
        };
        Judgement { verdict: Verdict::Differs, reason: Some(reason.to_owned()), example: Some(Arc::new(example)) }
    }
}
