//! What the rules of targets say of single events, each as its target has it: read back from the files that a build
//! would write.

use serde_json::{Map, Value};

use super::verify::{ReadBack, read_back};
use crate::diagnostic::Diagnostic;
use crate::logic::decide::{Budget, Satisfiability, Schema, satisfiable};
use crate::logic::{Event, Formula, Reading, evaluate};
use crate::source::Catalogue;
use crate::target::{Compiled, PackInfo, Projection, Target, render_all};

/// A rule, and how its target sees events.
pub struct Side<'a> {
    /// What it was made from.
    pub compiled: &'a Compiled<'a>,
    /// The rule as it stands in its file.
    pub rule: ReadBack,
    projection: Projection<'a>,
    /// What stands in the rule for "an event of this source" is true of it.
    assumed: Map<String, Value>,
}

impl<'a> Side<'a> {
    /// The rules of `compiled` that can be looked for in their files.
    ///
    /// # Errors
    /// What is wrong with the templates.
    pub fn all(
        targets: &[Target],
        compiled: &'a [Compiled<'a>],
        catalogue: &'a Catalogue,
    ) -> Result<Vec<Self>, Vec<Diagnostic>> {
        let claims = render_all(targets, compiled, catalogue, &PackInfo::default(), &|_, rule| rule.claim())?;
        let read = read_back(targets, compiled, &claims.files, catalogue);
        let side = |(compiled, rule): (&'a Compiled<'a>, Option<ReadBack>)| {
            let (rule, source) = (rule?, catalogue.source(&compiled.observation.source)?);
            let assumed = match rule.assumed.as_ref().map(some_event) {
                Some(Value::Object(fields)) => fields,
                _ => Map::new(),
            };
            Some(Self { compiled, rule, projection: Projection::new(compiled.target, source)?, assumed })
        };
        Ok(compiled.iter().zip(read).filter_map(side).collect())
    }

    /// An event as the target has it.
    pub fn seen(&self, event: &Event) -> Event {
        let mut seen = self.projection.project(event);
        if let Value::Object(fields) = &mut seen {
            fields.extend(self.assumed.clone());
        }
        seen
    }

    /// Whether the rule matches an event as the target has it; none if the rule cannot be read.
    pub fn matches(&self, seen: &Event) -> Option<bool> {
        self.rule.condition.as_ref().ok().map(|condition| evaluate(condition, seen, Reading::Must))
    }
}

/// An event of which a condition holds; nothing if there is none.
fn some_event(condition: &Formula) -> Event {
    match satisfiable(condition, Reading::Must, &Schema::default(), &Budget::default()) {
        Satisfiability::Sat(event) => event,
        _ => Value::Null,
    }
}
