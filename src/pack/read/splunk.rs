//! Splunk saved searches in a pack, with the macros of the app.

use std::sync::Arc;

use serde_json::Value;

use super::{Fault, Found, RuleText, identity};
use crate::language::{FieldTable, spl};
use crate::logic::{Case, Formula, Glob, Path, Pattern, Predicate, TextSet};
use crate::target::settings::SourceSettings;

/// The field that stands for "comes from this macro's data" while a search is read.
const MARK: &str = "cresset_source";

/// The macros of an app, from all of its files.
#[derive(Clone, Debug, Default)]
pub struct Macros {
    known: Arc<spl::read::Macros>,
    names: Vec<String>,
    fault: Option<String>,
}

impl Macros {
    /// Adds those of a `macros.conf`.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let conf = spl::read::Conf::read(&text);
        let read = conf.and_then(|conf| Ok((spl::read::Macros::from_conf(&conf)?, conf)));
        match read {
            Ok((known, conf)) => {
                self.known = Arc::new(known);
                self.names.extend(conf.stanzas.into_iter().map(|(name, _)| name));
            }
            Err(error) => self.fault = Some(error.to_string()),
        }
    }
}

struct Search {
    text: String,
    macros: Macros,
}

/// The searches of a file.
pub(super) fn read(text: &str, macros: &Macros) -> Result<Vec<Found>, String> {
    let conf = spl::read::Conf::read(text).map_err(|error| error.to_string())?;
    let searches = conf.stanzas.into_iter().filter(|(name, _)| name != "default");
    let found = searches.map(|(name, entries)| {
        let value = |key: &str| entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        Found {
            id: Some(identity(value("action.correlationsearch.annotations").and_then(id).as_deref())),
            text: Box::new(Search { text: value("search").unwrap_or_default().to_owned(), macros: macros.clone() }),
            name,
        }
    });
    Ok(found.collect())
}

/// The identity that the annotations of a correlation search carry.
fn id(annotations: &str) -> Option<String> {
    let annotations: Value = serde_json::from_str(annotations).ok()?;
    annotations.get("cresset")?.get(0)?.as_str().map(str::to_owned)
}

fn source_macro(settings: &SourceSettings) -> Option<&str> {
    settings.binding.get("macro").and_then(Value::as_str)
}

impl RuleText for Search {
    fn condition(&self, settings: &SourceSettings, fields: &FieldTable) -> Result<Formula, Fault> {
        if let Some(fault) = &self.macros.fault {
            return Err(Fault::Unreadable(format!("the macros cannot be read: {fault}")));
        }
        let mut macros = self.macros.known.as_ref().clone();
        // Where the data is may be changed on the spot; that the search asks there may not.
        if let Some(name) = source_macro(settings).filter(|name| self.macros.names.iter().any(|known| known == name)) {
            macros.insert(name, Vec::new(), &format!("{MARK}={name}"));
        }
        spl::read::read_search(&self.text, &macros, fields).map_err(|error| Fault::Unreadable(error.to_string()))
    }

    fn assumed(&self, settings: &SourceSettings) -> Option<Formula> {
        let name = source_macro(settings)?;
        let mark = TextSet::new(vec![Pattern::Glob(Glob::equals(name))], Case::Either);
        Some(Formula::test(&Path::from_segments([MARK]), Predicate::Text(mark)))
    }
}
