//! Falco rules in a pack: a rules file with its lists and macros.

use serde_json::Value;

use super::{Fault, Found, RuleText};
use crate::language::{FieldTable, falco};
use crate::logic::{Comparison, Formula, Number, Path, Predicate};
use crate::target::settings::SourceSettings;

struct Rule(falco::read::Rule);

/// The rules of a file. All of them ask the fields of one event source.
pub(super) fn read(text: &str, fields: &FieldTable) -> Result<Vec<Found>, String> {
    let file = falco::read::read_file(text, fields).map_err(|error| error.to_string())?;
    if let Some((name, error)) = file.broken_macros.first() {
        return Err(format!("the macro `{name}` cannot be read: {error}"));
    }
    let found = |rule: falco::read::Rule| Found { name: rule.name.clone(), id: None, text: Box::new(Rule(rule)) };
    Ok(file.rules.into_iter().map(found).collect())
}

impl RuleText for Rule {
    fn condition(&self, settings: &SourceSettings, _: &FieldTable) -> Result<Formula, Fault> {
        let wanted = settings.binding.get("source").and_then(Value::as_str).unwrap_or("syscall");
        if self.0.source != wanted {
            return Err(Fault::Elsewhere(format!("`source` is `{}`, not `{wanted}`", self.0.source)));
        }
        self.0.condition.clone().map_err(|error| Fault::Unreadable(error.to_string()))
    }

    /// The engine counts events from 1, so that `evt.num = 0` is the customary way to say "never".
    fn given(&self) -> Option<Formula> {
        let predicate = Predicate::Number { op: Comparison::Equal, value: Number::new(0.0)? };
        Some(Formula::not(Formula::test(&Path::from_segments(["evt.num"]), predicate)))
    }
}
