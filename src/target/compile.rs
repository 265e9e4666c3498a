//! One detection in one log source for one target: the mapping, the choice of a language, and the query.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use uuid::Uuid;

use super::fields::Fields;
use super::filters::one_line;
use super::load::Target;
use super::map::{Mapper, approximate};
use super::node::{Loss, Node, field_names};
use super::prefilter::{Texts, looser, prefilter};
use super::refusal::Refusal;
use super::settings::{LanguageChoice, Says};
use super::verdict::Verdict;
use crate::detection::{Accept, Detection, Deviation, Excepted, Observation, Severity};
use crate::language::{Expressions, FieldTable, FieldType, Gap, Language, Printer, Query};
use crate::logic::{Formula, Origin, Path, Predicate, simplify};
use crate::source::{Catalogue, Source};

/// How often a condition is mended and printed again before it is given up.
const MAX_ROUNDS: usize = 8;
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
    /// The query: what `formula` says that `prefilter` does not.
    pub query: Query,
    /// What the rule says, over the target's fields, with the tests that every rule of the source begins with.
    pub formula: Formula,
    /// A condition that follows from `formula` and stands before the query, and its text.
    pub prefilter: Option<(Formula, String)>,
    /// What it should say: `formula` without deviations. `None` where the target has no fields for that.
    pub wanted: Option<Formula>,
    /// The types of the target's fields in it.
    pub table: FieldTable,
    /// In which direction it differs from the detection, and why that was accepted.
    pub accepted: Option<Accept>,
    /// What is not said.
    pub losses: Vec<Loss>,
    /// Exceptions that the query says.
    pub within: Vec<&'a Excepted>,
    /// Exceptions that stand beside the query, by the target's own mechanism.
    pub beside: Vec<Beside<'a>>,
}

/// An exception beside a query.
#[derive(Clone, Debug)]
pub struct Beside<'a> {
    /// The exception.
    pub exception: &'a Excepted,
    /// The language that it is said in.
    pub language: Language,
    /// What is said there: which events are excepted, or which are not.
    pub query: Query,
    /// Which events are not excepted, over the target's fields.
    pub rest: Formula,
}

impl Rule<'_> {
    /// What the rule says over the target's fields: the query, and the exceptions beside it.
    pub fn meaning(&self) -> Formula {
        let rest = self.beside.iter().map(|beside| beside.rest.clone());
        Formula::and([self.formula.clone()].into_iter().chain(rest))
    }

    /// What the rule is called: the detection's title, with the log source's where the detection observes several.
    pub fn label(&self, source: Option<&Source>) -> String {
        let title = one_line(&self.detection.title);
        if self.detection.observations.len() < 2 {
            return title;
        }
        let source = source.map_or(self.observation.source.as_str(), |source| source.title.as_str());
        format!("{title} ({source})")
    }

    /// What the compiler claims of its meaning. Only reading the rule back shows whether that is so.
    pub fn claim(&self) -> Verdict {
        match self.accepted.as_ref().map(|accept| accept.deviation) {
            _ if !Target::is_verified(self.language) => Verdict::Unverified,
            Some(Deviation::Wider) => Verdict::Wider,
            Some(Deviation::Narrower) => Verdict::Narrower,
            Some(Deviation::Unsupported) | None => Verdict::Proved,
        }
    }
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
) -> Result<Outcome<'a>, Refusal> {
    let fields = Fields::of(target, &observation.source, catalogue);
    compile_with(target, detection, observation, fields.as_ref(), &Shared::default())
}

/// What the rules of one detection have in common, so that it is made once.
#[derive(Debug, Default)]
pub(super) struct Shared {
    expressions: Expressions,
    texts: Texts,
}

/// The same with what several rules share: the target's fields in the log source, if it has that, and what the
/// detection's rules have in common.
pub(super) fn compile_with<'a>(
    target: &Target,
    detection: &'a Detection,
    observation: &'a Observation,
    fields: Option<&Fields<'_>>,
    shared: &Shared,
) -> Result<Outcome<'a>, Refusal> {
    let settings = detection.targets.get(target.name());
    if settings.and_then(|settings| settings.enabled) == Some(false) {
        return Ok(Outcome::Disabled);
    }
    let source = target.settings.sources.get(&observation.source);
    let Some((source, fields)) = source.zip(fields) else { return Ok(Outcome::NotApplicable) };
    let accept = settings.and_then(|settings| settings.accept.get(&observation.source));
    let expressions = &shared.expressions;
    let types = &fields.types_asked(&observation.meaning());
    let (within, beside) = exceptions(target, fields, observation, types, expressions);
    let attempt = Attempt {
        target,
        base: source.base_tests(),
        fields,
        condition: &observation.without(within.iter().copied()),
        written: &observation.condition,
        types,
        expressions,
    };
    let languages = target.settings.languages.iter();
    let languages: Vec<&LanguageChoice> =
        languages.filter(|choice| source.languages.as_ref().is_none_or(|only| only.contains(&choice.name))).collect();
    let rule = |choice: &LanguageChoice, mut said: Said, why: String| {
        let prefilter = choice.prefilter.and_then(|first| in_two(first, choice.name, &mut said, shared));
        let rule = Rule {
            detection,
            observation,
            id: rule_id(detection, &observation.source),
            severity: settings.and_then(|settings| settings.severity).unwrap_or(detection.severity),
            language: choice.name,
            why,
            prefilter,
            query: said.query,
            formula: said.formula,
            wanted: said.wanted,
            table: said.table,
            accepted: accept.filter(|_| !said.losses.is_empty()).cloned(),
            losses: said.losses,
            within: within.clone(),
            beside: beside.clone(),
        };
        Outcome::Rule(Box::new(rule))
    };

    // First whatever says all of it, then whatever says as much as was accepted.
    let mut refused: Vec<(Language, Vec<Loss>)> = Vec::new();
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for choice in &languages {
        let mut draft = attempt.draft(choice);
        match attempt.say(&mut draft, None) {
            Ok(said) => return Ok(rule(choice, said, why(&refused))),
            Err(losses) => refused.push((choice.name, losses)),
        }
        drafts.push(draft);
    }
    if let Some(accept) = accept.filter(|accept| accept.deviation == Deviation::Unsupported) {
        return Ok(Outcome::Unsupported(accept.reason.clone()));
    }
    if let Some(accept) = accept {
        let mut best: Option<(&LanguageChoice, Said)> = None;
        for draft in &mut drafts {
            match attempt.say(draft, Some(accept.deviation)) {
                Ok(said) if best.as_ref().is_none_or(|(_, best)| said.losses.len() < best.losses.len()) => {
                    best = Some((draft.choice, said));
                }
                Ok(_) => {}
                Err(losses) => refused.push((draft.choice.name, losses)),
            }
        }
        if let Some((choice, said)) = best {
            let why = "no language of the target says all of it; this one leaves out least".to_owned();
            return Ok(rule(choice, said, why));
        }
    }
    // Without its exceptions it might be said: then it is they that cannot.
    let says = |condition: &Formula| -> Result<(), Vec<(Language, Vec<Loss>)>> {
        let attempt = Attempt { condition, base: attempt.base.clone(), ..attempt };
        let mut refused = Vec::new();
        for choice in &languages {
            let mut draft = attempt.draft(choice);
            let said = attempt.say(&mut draft, None);
            let said = said.or_else(|losses| match accept {
                Some(accept) => attempt.say(&mut draft, Some(accept.deviation)),
                None => Err(losses),
            });
            match said {
                Ok(_) => return Ok(()),
                Err(losses) => refused.push((choice.name, losses)),
            }
        }
        Err(refused)
    };
    if !within.is_empty() && says(&observation.formula).is_ok() {
        for excepted in within.iter().copied() {
            if let (Some(place), Err(refused)) = (&excepted.place, says(&observation.without([excepted].into_iter()))) {
                return Err(Refusal::of_exception(target, detection, observation, excepted, place, &refused));
            }
        }
    }
    let mut can_deviate = |deviation| drafts.iter_mut().any(|draft| attempt.say(draft, Some(deviation)).is_ok());
    let directions: Vec<Deviation> = match accept {
        None => [Deviation::Wider, Deviation::Narrower].into_iter().filter(|d| can_deviate(*d)).collect(),
        Some(accept) => {
            let other = match accept.deviation {
                Deviation::Wider => Deviation::Narrower,
                _ => Deviation::Wider,
            };
            [other].into_iter().filter(|deviation| can_deviate(*deviation)).collect()
        }
    };
    Err(Refusal::of_detection(target, detection, observation, accept, &refused, directions))
}

/// The exceptions of an observation: those that a query has to say, and those that stand beside it because the target
/// has a mechanism that says all of them.
fn exceptions<'a>(
    target: &Target,
    fields: &Fields<'_>,
    observation: &'a Observation,
    types: &HashMap<Path, FieldType, RandomState>,
    expressions: &Expressions,
) -> (Vec<&'a Excepted>, Vec<Beside<'a>>) {
    let (mut within, mut beside) = (Vec::new(), Vec::new());
    for exception in &observation.exceptions {
        let said = target.settings.exceptions.as_ref().and_then(|settings| {
            let denied = Formula::not(exception.formula.clone());
            let condition = match settings.says {
                Says::Excepted => &exception.formula,
                Says::Rest => &denied,
            };
            let written = exception.name.as_str();
            let attempt = Attempt { target, base: Vec::new(), fields, condition, written, types, expressions };
            settings.languages.iter().find_map(|choice| {
                let said = attempt.say(&mut attempt.draft(choice), None).ok()?;
                let rest = match settings.says {
                    Says::Excepted => Formula::not(said.formula),
                    Says::Rest => said.formula,
                };
                Some(Beside { exception, language: choice.name, query: said.query, rest })
            })
        });
        match said {
            Some(said) => beside.push(said),
            None => within.push(exception),
        }
    }
    (within, beside)
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
    /// The tests that every rule of the source begins with.
    base: Vec<Formula>,
    fields: &'a Fields<'a>,
    /// What is to be said, over the event's paths.
    condition: &'a Formula,
    /// The same as the author wrote it.
    written: &'a str,
    /// The types that the detection gives fields of which nobody else knows one.
    types: &'a HashMap<Path, FieldType, RandomState>,
    expressions: &'a Expressions,
}

/// A condition on its way into a language. What was mended in one attempt need not be in the next.
struct Draft<'a> {
    choice: &'a LanguageChoice,
    node: Node,
    table: FieldTable,
    /// All of the condition, if the target has fields for it and it was tried to say it.
    wanted: Option<Formula>,
    /// What the language cannot say of all of it, if that was tried.
    gaps: Vec<Gap>,
    /// How often it may still be mended.
    rounds: usize,
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
    /// The condition over the target's fields, for one language.
    fn draft<'c>(&self, choice: &'c LanguageChoice) -> Draft<'c> {
        let mut mapper = Mapper::new(&self.target.settings.title, self.fields, choice, self.types, self.expressions);
        let node = mapper.map(self.condition);
        let mut table = mapper.table;
        for name in self.base.iter().flat_map(field_names) {
            if table.get(&name).is_none() {
                table.insert(name, FieldType::Text);
            }
        }
        Draft { choice, node, table, wanted: None, gaps: Vec::new(), rounds: MAX_ROUNDS }
    }

    /// The condition in the draft's language; else what it cannot say. All of it is tried first, and only then, with
    /// `accept`, what comes closest.
    fn say(&self, draft: &mut Draft<'_>, accept: Option<Deviation>) -> Result<Said, Vec<Loss>> {
        match accept {
            None => self.say_all(draft),
            Some(deviation) => self.say_closest(draft, deviation),
        }
    }

    fn say_all(&self, draft: &mut Draft<'_>) -> Result<Said, Vec<Loss>> {
        let Draft { choice, node, table, wanted, gaps, rounds } = draft;
        let printer = Printer { language: choice.name, fields: table, expressions: self.expressions };
        let mut losses = Vec::new();
        let formula = node.resolve(None, &mut losses);
        if !losses.is_empty() {
            return Err(losses);
        }
        *rounds -= 1;
        let whole = with_base(&self.base, formula);
        let formula = simplify(&whole);
        match printer.print(&formula) {
            Ok(query) => Ok(Said { query, formula, wanted: Some(whole), table: std::mem::take(table), losses }),
            Err(found) => {
                let alone = alone(node, &printer);
                node.each_leaf(&mut |id, _, written, origin| {
                    let Some(gap) = gap_of(id, &alone, &found) else { return };
                    let loss = Loss { part: written.to_string(), reason: gap.reason, origin };
                    if !losses.contains(&loss) {
                        losses.push(loss);
                    }
                });
                if losses.is_empty() {
                    losses.push(self.lost(found.first().map_or(UNSAID, |gap| &gap.reason)));
                }
                (*wanted, *gaps) = (Some(whole), found);
                Err(losses)
            }
        }
    }

    fn say_closest(&self, draft: &mut Draft<'_>, accept: Deviation) -> Result<Said, Vec<Loss>> {
        let Draft { choice, node, table, wanted, gaps, rounds } = draft;
        let printer = Printer { language: choice.name, fields: table, expressions: self.expressions };
        loop {
            if !gaps.is_empty() && !mend(node, &printer, gaps) {
                return Err(vec![self.lost(gaps.first().map_or(UNSAID, |gap| &gap.reason))]);
            }
            if *rounds == 0 {
                return Err(vec![self.lost(gaps.first().map_or(UNSAID, |gap| &gap.reason))]);
            }
            *rounds -= 1;
            let mut losses = Vec::new();
            let formula = node.resolve(Some(accept), &mut losses);
            if !losses.is_empty() && (formula == Formula::TRUE || formula == Formula::FALSE) {
                return Err(losses);
            }
            if let Some(reason) = self.says_nothing(&formula, accept) {
                losses.push(self.lost(&reason));
                return Err(losses);
            }
            let formula = simplify(&with_base(&self.base, formula));
            match printer.print(&formula) {
                Ok(query) => {
                    return Ok(Said { query, formula, wanted: wanted.take(), table: table.clone(), losses });
                }
                Err(found) => *gaps = found,
            }
        }
    }

    /// Why a rule that comes closest is none that anybody wants: nothing is left of it but whether a field is there,
    /// which the detection does not ask.
    fn says_nothing(&self, formula: &Formula, accept: Deviation) -> Option<String> {
        let mut asks = false;
        self.condition.each_test(&mut |_, test| asks |= test.predicate == Predicate::Exists);
        let is_presence = |part: &Formula| match (part, accept) {
            (Formula::Not(part), Deviation::Narrower) => is_exists(part),
            (part, Deviation::Wider) => is_exists(part),
            _ => false,
        };
        let formula = simplify(formula);
        let alone = match (&formula, accept) {
            (Formula::Or(parts), Deviation::Wider) | (Formula::And(parts), Deviation::Narrower) => {
                parts.iter().find(|part| is_presence(part))
            }
            (formula, _) => Some(formula).filter(|formula| is_presence(formula)),
        };
        let names = alone.filter(|_| !asks).map(field_names)?;
        let which = if accept == Deviation::Wider { "every" } else { "no" };
        Some(format!("what comes closest would match {which} event that has `{}`", names.join("`, `")))
    }

    /// The whole condition as something that is not said.
    fn lost(&self, reason: &str) -> Loss {
        Loss { part: self.written.to_owned(), reason: reason.to_owned(), origin: Origin::default() }
    }
}

fn is_exists(formula: &Formula) -> bool {
    match formula {
        Formula::Test(test) => test.predicate == Predicate::Exists,
        Formula::Or(parts) => !parts.is_empty() && parts.iter().all(is_exists),
        _ => false,
    }
}

/// Why a condition is not said if nobody knows better.
const UNSAID: &str = "it cannot be printed";

/// What the language cannot say of leaves that are asked alone, by their numbers. A printer may join tests of one field,
/// and then names one of them for what another asks.
fn alone(node: &Node, printer: &Printer<'_>) -> HashMap<u32, Gap> {
    let mut gaps = HashMap::new();
    node.each_leaf_of_all(&mut |id, formula| {
        gaps.extend(printer.gaps(formula).into_iter().next().map(|gap| (id, gap)));
    });
    gaps
}

/// What the language cannot say of a leaf: alone, or joined with others in `gaps` if it is none of theirs.
fn gap_of(id: u32, alone: &HashMap<u32, Gap>, gaps: &[Gap]) -> Option<Gap> {
    let is_of_another = |gap: &Gap| alone.values().any(|other| other.reason == gap.reason);
    let joined = || gaps.iter().find(|gap| gap.origin.0 == Some(id) && !is_of_another(gap));
    alone.get(&id).or_else(joined).cloned()
}

/// Puts what comes closest in the place of every leaf that the language cannot say; `false` if there is none.
fn mend(node: &mut Node, printer: &Printer<'_>, gaps: &[Gap]) -> bool {
    let can_say = |formula: &Formula| printer.gaps(formula).is_empty();
    let alone = alone(node, printer);
    let mut mended = false;
    node.replace_leaves(&mut |id, formula, written| {
        let gap = gap_of(id, &alone, gaps)?;
        mended = true;
        let (lower, upper) = approximate(formula, &can_say, &|pattern| looser(pattern, printer.expressions));
        let leaf = |formula| Node::Leaf { id, formula, written: written.clone(), origin: Origin::default() };
        Some(Node::hole(written.clone(), gap.reason, leaf(lower), leaf(upper)))
    });
    mended
}

/// What `first` says before the query in `language`, and its text: the parts of the condition that it can say, which the
/// query then leaves to it, and what follows from the others.
fn in_two(first: Language, language: Language, said: &mut Said, shared: &Shared) -> Option<(Formula, String)> {
    let expressions = &shared.expressions;
    let printer = |language| Printer { language, fields: &said.table, expressions };
    let can_say = |formula: &Formula| printer(first).gaps(formula).is_empty();
    let text = |formula: &Formula| match printer(first).print(formula) {
        Ok(Query::Text(text)) => Some(text),
        Ok(Query::Document(_)) | Err(_) => None,
    };
    let parts = match &said.formula {
        Formula::And(parts) => parts.clone(),
        other => vec![other.clone()],
    };
    let (before, rest): (Vec<_>, Vec<_>) = parts.into_iter().partition(can_say);
    let rest = Formula::and(rest);
    let follows = prefilter(&rest, &shared.texts, expressions, &can_say);
    if !before.is_empty()
        && rest != Formula::TRUE
        && let Ok(query) = printer(language).print(&rest)
        && let both = Formula::and(follows.iter().cloned().chain(before))
        && let Some(text) = text(&both)
    {
        said.query = query;
        return Some((both, text));
    }
    let follows = follows?;
    let text = text(&follows)?;
    Some((follows, text))
}

fn with_base(base: &[Formula], formula: Formula) -> Formula {
    Formula::and(base.iter().cloned().chain([formula]))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::logic::decide::{Answer, Budget, Reason, Schema, implies};
    use crate::logic::{Case, Glob, Pattern, Predicate, TextSet};
    use crate::logic::{Reading, Subject};
    use crate::target::generated::formula_with_elements;
    use crate::target::load::load_all;
    use crate::target::settings::{OptionForm, SourceSettings};

    /// The rule over the event's own paths: names of the target's fields taken apart again.
    fn over_paths(formula: &Formula) -> Formula {
        let each = |parts: &[Formula]| parts.iter().map(over_paths).collect::<Vec<_>>();
        match formula {
            Formula::And(parts) => Formula::And(each(parts)),
            Formula::Or(parts) => Formula::Or(each(parts)),
            Formula::AtLeast { count, of } => Formula::AtLeast { count: *count, of: each(of) },
            Formula::Not(part) => Formula::Not(Box::new(over_paths(part))),
            Formula::Element { .. } => panic!("a target has no elements: {formula:?}"),
            Formula::Test(test) => {
                let mut test = test.clone();
                if let Subject::Field(path) = &test.subject {
                    let name = path.dotted();
                    test.subject = Subject::Field(name.parse().expect("a path"));
                }
                Formula::Test(test)
            }
        }
    }

    /// What a target that flattens arrays and lacks the field `d` says in one language.
    fn said(language: Language, formula: &Formula, accept: Option<Deviation>) -> Result<Said, Vec<Loss>> {
        static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| load_all(None).expect("targets"));
        let target = TARGETS.first().expect("a target");
        let source: SourceSettings = serde_yaml::from_str(
            "fields: { a: a, c.x: { name: c.x, type: exact }, c.y: { name: c.y, type: text_list } }",
        )
        .expect("settings");
        let fields = Fields::new(&source, None);
        let choice =
            LanguageChoice { name: language, options: vec![OptionForm::Regex], max_pattern: None, prefilter: None };
        let expressions = Expressions::default();
        let (condition, base) = (formula, source.base_tests());
        let types = fields.types_asked(condition);
        let attempt =
            Attempt { target, base, fields: &fields, condition, written: "", types: &types, expressions: &expressions };
        attempt.say(&mut attempt.draft(&choice), accept)
    }

    fn follows(a: &Formula, b: &Formula) -> Result<(), TestCaseError> {
        for reading in [Reading::Must, Reading::May] {
            match implies(a, reading, b, reading, &Schema::default(), &Budget::default()) {
                Answer::Holds => {}
                Answer::Fails(event) => {
                    return Err(TestCaseError::fail(format!("{reading:?} of {event}:\n{a:?}\nbut not\n{b:?}")));
                }
                Answer::Undecided(reason) => prop_assert!(!matches!(reason, Reason::Unconfirmed(_)), "{reason}"),
            }
        }
        Ok(())
    }

    /// In a negation under an element, an alternative that needs two fields of that element must not get lost.
    #[test]
    fn what_an_element_must_not_have_stays_as_wide_as_it_is() {
        let is = |field: &str, value: &str| {
            let set = TextSet::equals(value, Case::Sensitive);
            Formula::test(&field.parse().expect("a path"), Predicate::Text(set))
        };
        let either = Formula::or([is("y", "b"), Formula::and([is("x", "c"), is("y", "d")])]);
        let body = Formula::and([is("x", "a"), Formula::not(either)]);
        let formula = Formula::element("c".parse().expect("a path"), body);
        let narrower = said(Language::Sigma, &formula, Some(Deviation::Narrower)).map_err(|_| ()).expect("a rule");
        follows(&over_paths(&narrower.formula), &formula).expect("it is narrower");
        let wider = said(Language::Sigma, &formula, Some(Deviation::Wider)).map_err(|_| ()).expect("a rule");
        follows(&formula, &over_paths(&wider.formula)).expect("it is wider");
    }

    /// What both languages can say stands in one place only.
    #[test]
    fn the_query_leaves_out_what_is_said_before_it() {
        let text = |field: &str, pattern: Pattern, case: Case| {
            Formula::test(&field.parse().expect("a path"), Predicate::Text(TextSet::new(vec![pattern], case)))
        };
        let regex = |source: &str| text("a", Pattern::Regex(source.to_owned()), Case::Sensitive);
        let word = text("a", Pattern::Glob(Glob::contains("wget")), Case::Either);
        let other = Formula::not(text("c.x", Pattern::Glob(Glob::equals("root")), Case::Either));
        let cased = text("a", Pattern::Glob(Glob::ends_with("Abc")), Case::Sensitive);
        let both = |formula: Formula| {
            let mut said = said(Language::SplWhere, &formula, None).map_err(|_| ()).expect("a rule");
            let before = in_two(Language::Spl, Language::SplWhere, &mut said, &Shared::default());
            let Query::Text(query) = said.query else { panic!("text") };
            (before.map(|(_, text)| text).unwrap_or_default(), query)
        };
        let pair = |before: &str, query: &str| (before.to_owned(), query.to_owned());
        assert_eq!(
            both(Formula::and([word.clone(), regex("-O[0-9]"), other.clone()])),
            pair(r#"a="*wget*" AND NOT c.x="root""#, r#"match(a, "-O[0-9]")"#)
        );
        // Of what it cannot say it says what follows.
        assert_eq!(
            both(Formula::and([cased.clone(), other])),
            pair(r#"a="*Abc" AND NOT c.x="root""#, r#"match(a, "Abc\z")"#)
        );
        assert_eq!(
            both(Formula::or([word, cased])),
            pair(r#"a IN ("*wget*", "*Abc")"#, r#"match(a, "wget") OR match(a, "Abc\z")"#)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever a language cannot say, and under however many negations: a narrower rule matches nothing that the
        /// condition does not, a wider one all that it does, and one without losses is the condition.
        #[test]
        fn a_rule_deviates_in_the_direction_that_was_accepted(formula in formula_with_elements()) {
            for language in Language::ALL {
                if let Ok(said) = said(language, &formula, None) {
                    prop_assert!(said.losses.is_empty());
                    let rule = over_paths(&said.formula);
                    follows(&rule, &formula)?;
                    follows(&formula, &rule)?;
                }
                if let Ok(said) = said(language, &formula, Some(Deviation::Narrower)) {
                    follows(&over_paths(&said.formula), &formula)?;
                }
                if let Ok(said) = said(language, &formula, Some(Deviation::Wider)) {
                    follows(&formula, &over_paths(&said.formula))?;
                }
            }
        }
    }
}
