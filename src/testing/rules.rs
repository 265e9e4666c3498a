//! What the rules made from a detection say of the events of its tests: a target may see an event otherwise than its
//! `target.yml` tells, and then the proof, which takes that for granted, says nothing of it.

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use serde_json::Value;

use super::Fault;
use crate::detection::Observation;
use crate::logic::matcher::{Matcher, Scratch};
use crate::logic::{Event, Reading, evaluate, event};
use crate::pack::side::Side;
use crate::source::{Catalogue, FieldKind};
use crate::target::Verdict;

/// The rules of the targets, by detection and log source.
#[derive(Default)]
pub struct Rules<'a>(HashMap<(&'a str, &'a str), Vec<Rule<'a>>>);

/// A rule that can be read, and what finds the events that it matches.
struct Rule<'a> {
    side: Side<'a>,
    claim: Verdict,
    matcher: Matcher,
}

impl<'a> Rule<'a> {
    fn new(side: Side<'a>) -> Option<Self> {
        let claim = side.compiled.rule()?.claim();
        let matcher = Matcher::new(&[(0, side.rule.condition.as_ref().ok()?)]);
        Some(Self { side, claim, matcher })
    }

    fn matches(&self, event: &Event) -> bool {
        !self.matcher.matches(&self.side.seen(event), &mut Scratch::default()).is_empty()
    }
}

impl<'a> Rules<'a> {
    /// The rules by what they were made from.
    pub fn new(sides: Vec<Side<'a>>) -> Self {
        let mut rules = Self::default();
        for rule in sides.into_par_iter().filter_map(Rule::new).collect::<Vec<_>>() {
            let made_from = rule.side.compiled;
            let key = (made_from.detection.name.as_str(), made_from.observation.source.as_str());
            rules.0.entry(key).or_default().push(rule);
        }
        rules
    }

    /// The targets whose rules miss an event that the detection `must` match, and those whose rules match one that they may
    /// not. A rule that is accepted to be wider or narrower may.
    pub(super) fn unlike(
        &self,
        detection: &str,
        observation: &Observation,
        event: &Event,
        must: bool,
    ) -> BTreeMap<Fault, Vec<String>> {
        let mut unlike: BTreeMap<Fault, Vec<String>> = BTreeMap::new();
        let may = LazyCell::new(|| must || evaluate(&observation.formula, event, Reading::May));
        for rule in self.0.get(&(detection, observation.source.as_str())).into_iter().flatten() {
            let fault = match rule.matches(event) {
                false if must && rule.claim != Verdict::Narrower => Fault::NotMatched,
                true if rule.claim != Verdict::Wider && !*may => Fault::Matched,
                _ => continue,
            };
            unlike.entry(fault).or_default().push(rule.side.compiled.target.name().to_owned());
        }
        unlike
    }
}

/// Whether an event has what rules over the arguments as one line cannot be held to: an argument that is empty, or of
/// which the line makes several.
pub(super) fn is_beyond(source: &str, event: &Event) -> bool {
    let fields = Catalogue::builtin().source(source).into_iter().flat_map(|source| &source.fields);
    let mut arguments = fields.filter(|field| field.kind == FieldKind::Arguments);
    let is_beyond = |value: &Value| {
        let text = event::text(value);
        text.is_empty() || text.contains(char::is_whitespace)
    };
    arguments.any(|field| field.paths.iter().any(|path| event::any_value(event, path, is_beyond)))
}
