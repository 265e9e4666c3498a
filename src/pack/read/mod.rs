//! Packs read back: the rules that stand in the artefacts of a target, and what they say of its fields.
//!
//! This is the other direction of `target::build` and shares nothing with it but `target.yml`: a file is parsed with
//! the parser of its own format, a condition with the reader of its language.

mod elastic;
mod exception_list;
mod falco;
mod falco_config;
mod filter;
mod grade;
pub mod place;
mod query;
mod schedule;
mod sigma;
mod splunk;
mod throttle;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::language::FieldTable;
use crate::logic::Formula;
use crate::target::Target;
use crate::target::context::ThrottleContext;
use crate::target::settings::{Artefact, Format, SourceSettings};

pub use grade::Grade;
pub use splunk::Macros;

/// A rule as it stands in a file.
pub struct Found {
    /// What it is called there.
    pub name: String,
    /// The identity that it carries, in formats in which rules have one; nil if it has none or a broken one.
    pub id: Option<Uuid>,
    /// What it says.
    pub text: Box<dyn RuleText>,
    /// Whether it says that the platform shall not run it.
    pub is_off: bool,
    /// Settings by which it does less with what it finds than it is made for, while it still does something.
    pub muted: Vec<String>,
}

/// What a rule says, in the notation of its file.
pub trait RuleText: Send + Sync {
    /// The rule's condition over the target's fields.
    fn condition(&self, settings: &SourceSettings, fields: &FieldTable) -> Result<Condition, Fault>;

    /// Why some of the events that the condition is true of are told to nobody: when the rule runs, what it takes for
    /// an alert, what it holds back although `throttle` does not ask for it, and what it does with the rest.
    fn losses(&self, _throttle: Option<&ThrottleContext>) -> Vec<String> {
        Vec::new()
    }

    /// What is worth knowing of the rule and changes nothing about what it finds: that it says less of how grave that is
    /// than `grade`, or that tools may leave it out.
    fn remarks(&self, _grade: &Grade) -> Vec<String> {
        Vec::new()
    }

    /// What the file's format says of the log source inside the condition, beside the `base` of `target.yml`.
    fn assumed(&self, _settings: &SourceSettings, _fields: &FieldTable) -> Option<Formula> {
        None
    }

    /// What the platform makes true of every event.
    fn given(&self) -> Option<Formula> {
        None
    }
}

/// What a rule asks of the target's fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// The events that it finds; for sure, if not all is known of the language.
    pub least: Formula,
    /// The events that it may find, and what is not known; nothing where all is known.
    pub most: Option<(Formula, String)>,
}

impl Condition {
    /// A condition of which nothing is known, for this reason.
    fn unknown(doubt: &str) -> Self {
        Self { least: Formula::FALSE, most: Some((Formula::TRUE, doubt.to_owned())) }
    }

    /// All of several conditions.
    fn and(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, Formula::and)
    }

    /// One of several conditions.
    fn or(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, Formula::or)
    }

    fn joined(parts: impl IntoIterator<Item = Self>, join: impl Fn(Vec<Formula>) -> Formula) -> Self {
        let mut doubts = None;
        let bounds = parts.into_iter().map(|part| {
            let (most, doubt) = part.most.unzip();
            doubts = doubts.take().or(doubt);
            (part.least.clone(), most.unwrap_or(part.least))
        });
        let (least, most): (Vec<Formula>, Vec<Formula>) = bounds.unzip();
        Self { least: join(least), most: doubts.map(|doubt| (join(most), doubt)) }
    }

    fn negated(self) -> Self {
        let least = Formula::not(self.least);
        match self.most {
            None => least.into(),
            Some((most, doubt)) => Self { least: Formula::not(most), most: Some((least, doubt)) },
        }
    }

    /// The condition with both of its bounds changed alike.
    fn map(self, change: impl Fn(Formula) -> Formula) -> Self {
        Self { least: change(self.least), most: self.most.map(|(most, doubt)| (change(most), doubt)) }
    }

    /// The events that it finds, if all is known of the language; else what is not.
    pub fn known(self) -> Result<Formula, String> {
        self.most.map_or(Ok(self.least), |(_, doubt)| Err(doubt))
    }
}

impl From<Formula> for Condition {
    fn from(formula: Formula) -> Self {
        Self { least: formula, most: None }
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
    /// It asks another log source, or tells of events in another way, in these words.
    Elsewhere(String),
}

/// A file that the platform lays over another one: its path below the pack, and what stands in it.
type Overlay<'f> = (&'f str, Result<&'f str, String>);

/// What stands in one file.
#[derive(Default)]
pub struct Content {
    /// Its rules, in order.
    pub rules: Vec<Found>,
    /// Why the file as a whole cannot be read.
    pub fault: Option<String>,
    /// The format that it was read in.
    pub format: Option<Format>,
    /// The files that the platform lays over it or loads after it: what they say is what holds.
    pub overlays: Vec<String>,
}

impl Content {
    /// The rule with this identity; in formats without identities, the one of this name.
    pub fn rule(&self, id: Uuid, name: &str) -> Option<&Found> {
        let by_id = self.rules.iter().find(|rule| rule.id == Some(id));
        by_id.or_else(|| self.rules.iter().find(|rule| rule.id.is_none() && rule.name == name))
    }

    fn faulty(format: Format, fault: String) -> Self {
        Content { fault: Some(fault), format: Some(format), ..Content::default() }
    }
}

/// What stands beside the rules of a target and changes what they find.
#[derive(Default)]
struct Beside {
    macros: Macros,
    /// The files that are laid over those of the macros.
    macros_over: Vec<String>,
    filters: sigma::Filters,
    exceptions: Arc<exception_list::Exceptions>,
}

impl Beside {
    /// Of `files`, with their paths in the pack and below the target's folder; `over` gives what lies over an artefact.
    fn new<'f, F: Iterator<Item = (&'f String, &'f str, &'f Vec<u8>)>>(
        artefacts: &[Artefact],
        files: &dyn Fn() -> F,
        over: &dyn Fn(&Artefact) -> Vec<Overlay<'f>>,
    ) -> Self {
        let mut beside = Self::default();
        for artefact in artefacts {
            let own = || files().filter(|(_, below, _)| artefact.is_at(below));
            match artefact.reads {
                Some(Format::Macros) => {
                    own().for_each(|(path, _, bytes)| beside.macros.add(path, &utf8(bytes)));
                    for (path, text) in over(artefact) {
                        beside.macros.add(path, &text);
                        beside.macros_over.push(path.to_owned());
                    }
                }
                // Tools read the whole folder: filters and correlations hold wherever they stand.
                Some(Format::SigmaFilter) => {
                    let changing = files()
                        .filter(|(path, below, bytes)| artefact.is_at(below) || sigma::changes_others(path, bytes));
                    changing.for_each(|(path, _, bytes)| beside.filters.add(path, bytes));
                }
                _ => {}
            }
        }
        if artefacts.iter().any(|artefact| artefact.reads == Some(Format::Elastic)) {
            let mut exceptions = exception_list::Exceptions::default();
            let now = Timestamp::now();
            let with = files().filter(|(path, _, bytes)| exception_list::has_exceptions(path, bytes));
            with.filter_map(|(_, _, bytes)| utf8(bytes).ok()).for_each(|text| exceptions.add(text, now));
            beside.exceptions = Arc::new(exceptions);
        }
        beside
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
    let artefacts = &target.settings.artefacts;
    let all = || files.iter().filter_map(|(path, bytes)| Some((path, path.strip_prefix(&head)?, bytes)));
    let inside = |artefact: &Artefact| {
        let artefact = artefact.clone();
        all().filter(move |(_, below, _)| artefact.is_at(below)).map(|(path, _, bytes)| (path, bytes))
    };
    let over = |artefact: &Artefact| -> Vec<Overlay<'_>> {
        let is_own = |below: &str| artefacts.iter().any(|artefact| artefact.is_at(below));
        let laid = all().filter(|(_, below, _)| artefact.is_laid_over(below) && !is_own(below));
        laid.map(|(path, _, bytes)| (path.as_str(), utf8(bytes))).collect()
    };
    let beside = Beside::new(artefacts, &all, &over);
    let mut contents = BTreeMap::new();
    for artefact in artefacts {
        let Some(format) = artefact.reads.filter(|format| format.has_rules()) else { continue };
        let overlays = over(artefact);
        let read = |path: &str, text: &str, overlays: &[Overlay<'_>]| {
            read_file(format, path, text, overlays, &beside, || fields(artefact))
        };
        // Falco's rules files are loaded into one engine: each may define anew what stands in another.
        let others = artefacts.iter().filter(|other| format == Format::Falco && other.reads == Some(Format::Falco));
        let others: Vec<(&String, &Vec<u8>)> = others.flat_map(inside).collect();
        for (path, bytes) in inside(artefact) {
            let changing = |text: &str| -> Vec<Overlay<'_>> {
                let others = others.iter().filter(|(other, _)| *other != path);
                let changing = others.filter_map(|(path, other)| Some((path.as_str(), utf8(other).ok()?)));
                changing
                    .filter(|(_, other)| falco::changes(other, text))
                    .map(|(path, other)| (path, Ok(other)))
                    .collect()
            };
            let overlays: Vec<Overlay<'_>> =
                utf8(bytes).map(changing).unwrap_or_default().into_iter().chain(overlays.iter().cloned()).collect();
            let mut content = match utf8(bytes) {
                Err(fault) => Content::faulty(format, fault),
                Ok(text) => read(path, text, &overlays),
            };
            content.overlays.extend(overlays.iter().map(|(path, _)| (*path).to_owned()));
            if format == Format::SavedSearches {
                content.overlays.extend(beside.macros_over.iter().cloned());
            }
            contents.insert(path.clone(), content);
        }
        match format {
            // What is added to a rule is read with the rule; what is left are rules of others.
            Format::Falco => {
                for (path, text) in overlays {
                    let rules = text.map(falco::names).unwrap_or_default();
                    contents.entry(path.to_owned()).or_insert(Content {
                        rules,
                        format: Some(format),
                        ..Content::default()
                    });
                }
            }
            // A rule holds wherever it stands, too.
            Format::Sigma | Format::Elastic => {
                let is_one = |path: &str, bytes: &[u8]| match format {
                    Format::Sigma => sigma::has_rule(path, bytes),
                    _ => elastic::has_rule(path, bytes),
                };
                let is_own = |below: &str| artefacts.iter().any(|artefact| artefact.is_at(below));
                for (path, _, bytes) in all().filter(|(path, below, bytes)| !is_own(below) && is_one(path, bytes)) {
                    if let (false, Ok(text)) = (contents.contains_key(path), utf8(bytes)) {
                        contents.insert(path.clone(), read(path, text, &[]));
                    }
                }
            }
            _ => {}
        }
    }
    contents
}

/// Whether a file changes rules of a target wherever it stands.
pub fn is_read_anywhere(targets: &[Target], path: &str, bytes: &[u8]) -> bool {
    let of = |target: &&Target| path.split('/').next() == Some(target.name());
    let artefacts = targets.iter().filter(of).flat_map(|target| &target.settings.artefacts);
    artefacts.into_iter().any(|artefact| match artefact.reads {
        Some(Format::SigmaFilter) => sigma::changes_others(path, bytes),
        Some(Format::Elastic) => exception_list::has_exceptions(path, bytes),
        _ => false,
    })
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "the file is no UTF-8 text".to_owned())
}

fn read_file(
    format: Format,
    path: &str,
    text: &str,
    overlays: &[Overlay<'_>],
    beside: &Beside,
    fields: impl FnOnce() -> FieldTable,
) -> Content {
    let read = match format {
        Format::Sigma => sigma::read(text, &beside.filters),
        Format::SavedSearches => splunk::read(text, overlays, &beside.macros),
        Format::Elastic => elastic::read(path, text, &beside.exceptions),
        Format::Falco => falco::read(path, text, overlays, &fields()),
        Format::Macros | Format::SigmaFilter => Ok(Vec::new()),
    };
    let rules = match read {
        Ok(rules) => rules,
        Err(fault) => return Content::faulty(format, fault),
    };
    let mut ids: Vec<Uuid> = rules.iter().filter_map(|rule| rule.id).filter(|id| !id.is_nil()).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first());
    let fault = twice.map(|id| format!("the rule {id} stands in it twice"));
    Content { rules, fault, format: Some(format), overlays: Vec::new() }
}
