//! Packs read back: the rules that stand in the artefacts of a target, and what they say of its fields.
//!
//! This is the other direction of `target::build` and shares nothing with it but `target.yml`: a file is parsed with
//! the parser of its own format, a condition with the reader of its language.

mod elastic;
mod falco;
mod sigma;
mod splunk;

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::language::FieldTable;
use crate::logic::Formula;
use crate::target::Target;
use crate::target::settings::{Artefact, Format, SourceSettings};

pub use splunk::Macros;

/// A rule as it stands in a file.
pub struct Found {
    /// What it is called there.
    pub name: String,
    /// The identity that it carries, in formats in which rules have one; nil if it has none or a broken one.
    pub id: Option<Uuid>,
    /// What it says.
    pub text: Box<dyn RuleText>,
}

/// What a rule says, in the notation of its file.
pub trait RuleText: Send + Sync {
    /// The rule's condition over the target's fields.
    fn condition(&self, settings: &SourceSettings, fields: &FieldTable) -> Result<Formula, Fault>;

    /// What the file's format says of the log source inside the condition, beside the `base` of `target.yml`.
    fn assumed(&self, _settings: &SourceSettings) -> Option<Formula> {
        None
    }

    /// What the platform makes true of every event.
    fn given(&self) -> Option<Formula> {
        None
    }
}

/// The identity that a text says; nil if it says none.
fn identity(text: Option<&str>) -> Uuid {
    text.and_then(|text| text.parse().ok()).unwrap_or(Uuid::nil())
}

/// Why a rule has no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be read, for this reason.
    Unreadable(String),
    /// It asks another log source, in these words.
    Elsewhere(String),
}

/// What stands in one file.
#[derive(Default)]
pub struct Content {
    /// Its rules, in order.
    pub rules: Vec<Found>,
    /// Why the file as a whole cannot be read.
    pub fault: Option<String>,
}

impl Content {
    /// The rule with this identity; in formats without identities, the one of this name.
    pub fn rule(&self, id: Uuid, name: &str) -> Option<&Found> {
        let by_id = self.rules.iter().find(|rule| rule.id == Some(id));
        by_id.or_else(|| self.rules.iter().find(|rule| rule.id.is_none() && rule.name == name))
    }
}

/// The files of a target that hold rules, read. `files` are those of the whole pack, by their paths below it; `fields`
/// gives the types of the fields that the rules of an artefact ask.
pub fn read_target(
    target: &Target,
    files: &BTreeMap<String, Vec<u8>>,
    fields: &dyn Fn(&Artefact) -> FieldTable,
) -> BTreeMap<String, Content> {
    let head = format!("{}/", target.name());
    let inside = |artefact: &Artefact| {
        let (head, artefact) = (head.clone(), artefact.clone());
        files.iter().filter(move |(path, _)| path.strip_prefix(&head).is_some_and(|path| artefact.is_at(path)))
    };
    let (mut macros, mut filters) = (Macros::default(), sigma::Filters::default());
    for artefact in &target.settings.artefacts {
        match artefact.reads {
            Some(Format::Macros) => inside(artefact).for_each(|(_, bytes)| macros.add(bytes)),
            // Tools read the whole folder: a filter holds wherever it stands.
            Some(Format::SigmaFilter) => {
                let all = files.iter().filter(|(path, _)| path.starts_with(&head));
                let is_at = |path: &str| path.strip_prefix(&head).is_some_and(|path| artefact.is_at(path));
                let all = all.filter(|(path, bytes)| is_at(path) || sigma::is_filter(path, bytes));
                all.for_each(|(path, bytes)| filters.add(path, bytes));
            }
            _ => {}
        }
    }
    let mut contents = BTreeMap::new();
    for artefact in &target.settings.artefacts {
        let Some(format) = artefact.reads.filter(|format| format.has_rules()) else { continue };
        for (path, bytes) in inside(artefact) {
            let content = match std::str::from_utf8(bytes) {
                Err(_) => Content { rules: Vec::new(), fault: Some("the file is no UTF-8 text".to_owned()) },
                Ok(text) => read_file(format, text, &macros, &filters, || fields(artefact)),
            };
            contents.insert(path.clone(), content);
        }
    }
    contents
}

fn read_file(
    format: Format,
    text: &str,
    macros: &Macros,
    filters: &sigma::Filters,
    fields: impl FnOnce() -> FieldTable,
) -> Content {
    let read = match format {
        Format::Sigma => sigma::read(text, filters),
        Format::SavedSearches => splunk::read(text, macros),
        Format::Elastic => elastic::read(text),
        Format::Falco => falco::read(text, &fields()),
        Format::Macros | Format::SigmaFilter => Ok(Vec::new()),
    };
    let rules = match read {
        Ok(rules) => rules,
        Err(fault) => return Content { rules: Vec::new(), fault: Some(fault) },
    };
    let mut ids: Vec<Uuid> = rules.iter().filter_map(|rule| rule.id).filter(|id| !id.is_nil()).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first());
    let fault = twice.map(|id| format!("the rule {id} stands in it twice"));
    Content { rules, fault }
}
