//! Hunting: all detections over the events of raw logs.
//!
//! One thread reads, the others match; hits come out in the order of the logs, whatever thread found them. What is
//! under way at any time is bounded, so memory does not grow with the logs.

mod hit;
mod run;

pub use hit::Hit;
pub use run::{Outcome, Totals, run};

use std::collections::BTreeMap;

use crate::detection::{Detection, Observation};
use crate::logic::{Formula, Matcher, Reading, Scratch, evaluate};
use crate::source::reader::Record;
use crate::source::{Catalogue, Source};

/// Detections made ready for hunting, by the log source that they observe.
#[derive(Debug)]
pub struct Hunter<'d> {
    sources: BTreeMap<&'d str, Observed<'d>>,
}

/// What is looked for in one log source.
#[derive(Debug)]
struct Observed<'d> {
    matcher: Matcher,
    observations: Vec<(&'d Detection, &'d Observation)>,
    catalogued: Option<&'d Source>,
}

impl<'d> Hunter<'d> {
    /// Compiles the detections; `with_may` also finds events that a detection may match but need not.
    pub fn new(detections: &[&'d Detection], catalogue: &'d Catalogue, with_may: bool) -> Self {
        let mut by_source: BTreeMap<&'d str, Vec<(&'d Detection, &'d Observation)>> = BTreeMap::new();
        for detection in detections {
            for observation in &detection.observations {
                by_source.entry(&observation.source).or_default().push((detection, observation));
            }
        }
        let sources = by_source
            .into_iter()
            .map(|(source, observations)| {
                let formulas: Vec<(usize, &Formula)> =
                    observations.iter().map(|(_, observation)| &observation.formula).enumerate().collect();
                let matcher = if with_may { Matcher::with_may(&formulas) } else { Matcher::new(&formulas) };
                (source, Observed { matcher, observations, catalogued: catalogue.source(source) })
            })
            .collect();
        Self { sources }
    }

    /// True if some detection observes this log source.
    pub fn observes(&self, source: &str) -> bool {
        self.sources.contains_key(source)
    }

    /// The hits on one event, in the order of the detections.
    pub fn look(&self, record: &Record, scratch: &mut Scratch, hits: &mut Vec<Hit<'d>>) {
        let Some(observed) = self.sources.get(&*record.source) else { return };
        let matches = observed.matcher.readings(&record.event, scratch);
        let must = matches.must.iter().map(|id| (*id, Reading::Must));
        let may = matches.may.iter().map(|id| (*id, Reading::May));
        let mut found: Vec<(usize, Reading)> = must.chain(may).collect();
        found.sort_by_key(|(id, _)| *id);
        for (id, reading) in found {
            let Some((detection, observation)) = observed.observations.get(id) else { continue };
            let selections = observation
                .selections
                .iter()
                .filter(|(_, formula)| evaluate(formula, &record.event, reading))
                .map(|(name, _)| name.as_str())
                .collect();
            hits.push(Hit::new(detection, record, reading, selections, observed.catalogued));
        }
    }
}
