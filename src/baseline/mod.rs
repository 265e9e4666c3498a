//! Baselines: exceptions proposed from an organisation's own logs.
//!
//! The pack is hunted over the logs; the hits of each detection in each log source are counted by the fields that tell
//! them apart (`column`, `table`), what is frequent is explained by as few conditions as can be found (`cover`), written
//! as exceptions with `status: proposed` (`write`) and judged before anybody sees them (`vet`): the text is read back and
//! has to except just the hits that it was made for, no event that `tests:` says must match, and to leave something of
//! every detection, decided over all events. Equal hits give equal bytes, in whatever order they were found.
//!
//! Logs are written by attackers, too. That a thing is frequent does not make it harmless: a proposal is for a person to
//! approve.

pub mod column;
pub mod condition;
pub mod cover;
mod least;
pub mod table;
mod vet;
mod wanted;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::detection::lists::Lists;
use crate::detection::{Detection, Observation};
use crate::exception::Exception;
use crate::hunt::Hit;
use crate::logic::decide::{Answer, Budget, implies};
use crate::logic::{Event, Path, Reading};
use crate::source::{Catalogue, Field, Source};
use crate::target::Target;

use column::{Column, Role, cells, columns};
use condition::{Condition, Form};
use cover::{Cause, Search};
use table::{Seen, Sheet, Table};

pub use wanted::{Wanted, wanted};

/// What counts as frequent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// So many hits at least.
    pub min_count: u64,
    /// So many percent of the hits of the detection in the log source.
    pub min_share: u64,
    /// On so many days, where hits say when they happened.
    pub min_days: usize,
    /// On so many hosts.
    pub min_hosts: usize,
}

/// What is written into every proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who answers for it.
    pub owner: String,
    /// Where it is decided.
    pub ticket: Option<String>,
    /// The last day on which it would hold.
    pub expires: Date,
    /// In which profile, if there is one.
    pub profile: Option<String>,
}

/// What proposals are judged by.
pub struct Judges<'a> {
    /// The log sources.
    pub catalogue: &'a Catalogue,
    /// The detections, with the exceptions that hold.
    pub detections: &'a [Detection],
    /// Events that detections must match.
    pub wanted: &'a [Wanted],
    /// The targets whose rules have to be able to say an exception.
    pub targets: &'a [Target],
    /// The named lists of the detections.
    pub lists: Option<&'a Arc<Lists>>,
}

/// The hits of all detections, counted as they come.
#[derive(Debug)]
pub struct Gathering {
    today: Date,
    newest: Option<Date>,
    tables: BTreeMap<Uuid, Vec<(String, Vec<Column>, Table)>>,
}

/// What a baseline comes to.
#[derive(Debug, Default, Serialize)]
pub struct Baseline {
    /// The exceptions to look at, those of most hits first.
    pub proposals: Vec<Proposal>,
    /// Each detection with hits in each log source.
    pub detections: Vec<Summary>,
    /// Exceptions that were made and found wanting.
    pub refused: Vec<Judged>,
}

/// The hits of a detection in a log source.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The detection's name.
    pub detection: String,
    /// The log source.
    pub source: String,
    /// How many hits there were.
    pub hits: u64,
    /// How many of them fall under proposals.
    pub explained: u64,
    /// Frequent hits for which nothing is proposed.
    pub refused: Vec<Refused>,
    /// Fields that had too many values to be looked at.
    pub dropped: Vec<String>,
    /// Fields about which the rules of some target could not say an exception.
    pub unsayable: Vec<Unsayable>,
}

/// A field about which a target's rules cannot say an exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unsayable {
    /// The field.
    pub field: String,
    /// The targets.
    pub targets: Vec<String>,
}

/// Frequent hits for which there is no proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// What they have in common; nothing where they are several groups.
    pub conditions: Vec<String>,
    /// How many they are.
    pub hits: u64,
    /// Why there is no proposal.
    pub reason: String,
}

/// A proposal that its judges refuse.
#[derive(Debug, Serialize)]
pub struct Judged {
    /// Of which detections it would have taken something away.
    pub detections: Vec<String>,
    /// The log source.
    pub source: String,
    /// What it would have asked.
    pub conditions: Vec<String>,
    /// How many hits it would have covered.
    pub hits: u64,
    /// Why not.
    pub reason: String,
}

/// An exception to look at.
#[derive(Debug, Serialize)]
pub struct Proposal {
    /// The name of its file without the extension.
    pub name: String,
    /// From which detections it takes something away, and what.
    pub detections: Vec<Part>,
    /// In which log source.
    pub source: String,
    /// What it asks.
    pub conditions: Vec<Asked>,
    /// What was seen of all of its hits.
    pub seen: Seen,
    /// Fields in which its hits differ, and how much.
    pub differ: Vec<Differ>,
    /// Fields that had too many values to be looked at: in these, hits may differ as well.
    pub unseen: Vec<String>,
    /// The text of its file.
    pub yaml: String,
}

/// What a proposal takes away from a detection.
#[derive(Debug, Serialize)]
pub struct Part {
    /// The detection's name.
    pub detection: String,
    /// How many hits fall under the proposal.
    pub hits: u64,
    /// How many there were.
    pub of: u64,
}

/// What a proposal asks of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Asked {
    /// The field.
    pub field: String,
    /// What is asked.
    pub is: Form,
}

/// A field in which the hits of a proposal differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differ {
    /// The field.
    pub field: String,
    /// How many values it has.
    pub values: usize,
}

/// The hits of a detection in a log source, and their causes.
struct Explained<'a> {
    detection: &'a Detection,
    observation: &'a Observation,
    sheet: Sheet,
    causes: Vec<Cause>,
    refused: Vec<Refused>,
    unsayable: Vec<Unsayable>,
}

/// What a proposal is made of: the same conditions, for several detections.
struct Draft<'a> {
    source: &'a Source,
    asked: Vec<(Field, Form)>,
    parts: Vec<(usize, Vec<usize>)>,
}

impl Gathering {
    /// Makes room for the hits of these detections. Of hits that say they are of a day after `today`, none is the newest.
    pub fn new<'d>(detections: impl IntoIterator<Item = &'d Detection>, catalogue: &Catalogue, today: Date) -> Self {
        let mut tables: BTreeMap<Uuid, Vec<(String, Vec<Column>, Table)>> = BTreeMap::new();
        for detection in detections {
            for observation in &detection.observations {
                let Some(source) = catalogue.source(&observation.source) else { continue };
                let columns = columns(source, observation);
                let table = Table::new(columns.len());
                tables.entry(detection.id).or_default().push((observation.source.clone(), columns, table));
            }
        }
        Self { today, newest: None, tables }
    }

    /// The fields that a hunt has to tell of the hits of a detection in a log source.
    pub fn asked(&self, detection: &Detection, observation: &Observation) -> Vec<Field> {
        let tables = self.tables.get(&detection.id).into_iter().flatten();
        let mut of_source = tables.filter(|(source, ..)| *source == observation.source);
        let columns = of_source.next().map(|(_, columns, _)| columns.as_slice()).unwrap_or_default();
        columns.iter().map(|column| column.field.clone()).collect()
    }

    /// Counts a hit.
    pub fn add(&mut self, hit: Hit<'_>) {
        let day = hit.time.map(|time| TimeZone::UTC.to_datetime(time).date()).filter(|day| *day <= self.today);
        self.newest = self.newest.max(day);
        let tables = self.tables.get_mut(&hit.detection).into_iter().flatten();
        let mut of_source = tables.filter(|(source, ..)| **source == *hit.source);
        if let Some((_, columns, table)) = of_source.next() {
            table.add(hit, columns);
        }
    }

    /// Whether there are hits of a detection.
    pub fn has_hits(&self, detection: &Detection) -> bool {
        self.tables.get(&detection.id).is_some_and(|tables| tables.iter().any(|(_, _, table)| table.hits() > 0))
    }

    /// The day of the newest hit, not after today.
    pub fn newest(&self) -> Option<Date> {
        self.newest
    }
}

/// What to except, by the hits that were gathered.
pub fn propose(gathering: Gathering, thresholds: &Thresholds, header: &Header, judges: &Judges<'_>) -> Baseline {
    let mut work = Vec::new();
    for (id, tables) in gathering.tables {
        let Some(detection) = judges.detections.iter().find(|detection| detection.id == id) else { continue };
        for (source, columns, table) in tables.into_iter().filter(|(_, _, table)| table.hits() > 0) {
            if let Some(observation) = detection.observation(&source) {
                work.push((detection, observation, table.finish(columns)));
            }
        }
    }
    work.sort_by(|(a, x, _), (b, y, _)| (&a.name, &x.source).cmp(&(&b.name, &y.source)));
    let explained: Vec<Explained<'_>> = work
        .into_par_iter()
        .filter_map(|(detection, observation, sheet)| explain(detection, observation, sheet, thresholds, judges))
        .collect();
    let mut baseline = Baseline::default();
    let mut excepted: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); explained.len()];
    let mut accepted: Vec<Exception> = Vec::new();
    let mut names = BTreeSet::new();
    for draft in drafts(&explained, judges.catalogue) {
        let proposal = write::proposal(&draft, &explained, header, &mut names);
        match vet::vet(&proposal, &draft, &explained, &accepted, judges) {
            Ok(exception) => {
                accepted.push(exception);
                for (at, rows) in &draft.parts {
                    excepted.get_mut(*at).into_iter().for_each(|known| known.extend(rows));
                }
                baseline.proposals.push(proposal);
            }
            Err(reason) => {
                names.remove(&proposal.name);
                baseline.refused.push(Judged {
                    detections: proposal.detections.into_iter().map(|part| part.detection).collect(),
                    source: proposal.source,
                    conditions: proposal.conditions.iter().map(|asked| asked.is.words(&asked.field)).collect(),
                    hits: proposal.seen.hits,
                    reason,
                });
            }
        }
    }
    baseline.detections = explained
        .into_iter()
        .zip(&excepted)
        .map(|(explained, rows)| Summary {
            detection: explained.detection.name.clone(),
            source: explained.observation.source.clone(),
            hits: explained.sheet.hits(&explained.sheet.all()),
            explained: explained.sheet.hits(&rows.iter().copied().collect::<Vec<_>>()),
            refused: explained.refused,
            dropped: explained.sheet.dropped.iter().map(|column| column.field.name.clone()).collect(),
            unsayable: explained.unsayable,
        })
        .collect();
    baseline
}

/// The causes of the hits of a detection in a log source.
fn explain<'a>(
    detection: &'a Detection,
    observation: &'a Observation,
    mut sheet: Sheet,
    thresholds: &Thresholds,
    judges: &Judges<'_>,
) -> Option<Explained<'a>> {
    let source = judges.catalogue.source(&observation.source)?;
    let frequent = sheet.hits(&sheet.all()) >= thresholds.min_count;
    let unsayable = if frequent { vet::unsayable(&sheet, detection, observation, judges) } else { Vec::new() };
    // What a target cannot say is looked at as if no hit had it.
    for (column, cells) in sheet.columns.iter().zip(&mut sheet.cells) {
        if unsayable.iter().any(|unsayable| unsayable.field == column.field.name) {
            cells.iter_mut().for_each(|cell| cell.named = false);
        }
    }
    let kept: Vec<cover::Kept> = judges
        .wanted
        .iter()
        .filter(|wanted| wanted.detection == detection.id && wanted.source == observation.source)
        .map(|wanted| (wanted.name.clone(), cells(&sheet.columns, &wanted.event)))
        .collect();
    let has_days = sheet.rows.iter().any(|(_, seen)| !seen.days.is_empty());
    let schema = source.schema();
    let mut paths: BTreeSet<Path> = BTreeSet::new();
    let mut asks_anywhere = false;
    observation.formula.each_test(&mut |path, _| match path {
        Some(path) => _ = paths.insert(path.clone()),
        None => asks_anywhere = true,
    });
    // A condition on a field that has to do with none of the detection's is never implied: this spares deciding it.
    let is_near = |field: &Field| {
        let near = |path: &Path| {
            source.derived.iter().any(|derived| {
                (derived.field == *path && paths.contains(&derived.from))
                    || (derived.from == *path && paths.contains(&derived.field))
            })
        };
        asks_anywhere || field.paths.iter().any(|path| paths.contains(path) || near(path))
    };
    let implied = |condition: &Condition| {
        let Some(column) = sheet.columns.get(condition.column).filter(|column| is_near(&column.field)) else {
            return false;
        };
        let asked = condition.form.formula(&column.field);
        let holds = implies(&observation.formula, Reading::Must, &asked, Reading::May, &schema, &Budget::default());
        holds == Answer::Holds
    };
    let launchers = judges.catalogue.launchers();
    let search = Search {
        sheet: &sheet,
        thresholds,
        has_days,
        kept: &kept,
        facts: source.actors.len(),
        implied: &implied,
        is_deputy: &|column, name| {
            let Role::Actor(fact) = column.role else { return false };
            let field = source.actors.get(fact).and_then(|fields| fields.first());
            let known = field.and_then(|field| source.deputies.get(field));
            let is = |name: &str| {
                let launches =
                    column.is_program && (launchers.wrappers.contains(name) || launchers.shells.contains(name));
                launches || known.is_some_and(|known| known.contains(name))
            };
            // Interpreters carry their version: `python3.11`.
            is(name) || is(name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
        },
    };
    let (causes, refused) = if frequent { search.run() } else { (Vec::new(), Vec::new()) };
    Some(Explained { detection, observation, sheet, causes, refused, unsayable })
}

/// One draft for the same conditions in the same log source, whatever the detection; those of most hits first.
fn drafts<'a>(explained: &[Explained<'_>], catalogue: &'a Catalogue) -> Vec<Draft<'a>> {
    let mut drafts: BTreeMap<(&str, Vec<Asked>), Draft<'a>> = BTreeMap::new();
    for (at, one) in explained.iter().enumerate() {
        let Some(source) = catalogue.source(&one.observation.source) else { continue };
        for cause in &one.causes {
            let mut asked: Vec<(Field, Form)> = cause
                .conditions
                .iter()
                .filter_map(|condition| {
                    Some((one.sheet.columns.get(condition.column)?.field.clone(), condition.form.clone()))
                })
                .collect();
            asked.sort_by_key(|(field, _)| source.position(&field.name));
            let key = asked.iter().map(|(field, is)| Asked { field: field.name.clone(), is: is.clone() }).collect();
            let draft = drafts.entry((source.name.as_str(), key));
            let draft = draft.or_insert_with(|| Draft { source, asked, parts: Vec::new() });
            draft.parts.push((at, cause.rows.clone()));
        }
    }
    let hits = |draft: &Draft<'_>| -> u64 {
        let of = |(at, rows): &(usize, Vec<usize>)| explained.get(*at).map_or(0, |one| one.sheet.hits(rows));
        draft.parts.iter().map(of).sum()
    };
    let mut drafts: Vec<Draft<'a>> = drafts.into_values().collect();
    drafts.sort_by_cached_key(|draft| std::cmp::Reverse(hits(draft)));
    drafts
}

impl Draft<'_> {
    /// An event that has what a row has, as far as the columns tell, to try conditions on.
    fn event(columns: &[Column], sheet: &Sheet, row: usize) -> Option<Event> {
        let mut event = Event::Object(serde_json::Map::new());
        for (at, column) in columns.iter().enumerate() {
            let cell = sheet.cell(row, at)?;
            if cell.values.is_empty() {
                continue;
            }
            let path = column.field.paths.first()?;
            let mut node = &mut event;
            for segment in path.segments() {
                if node.is_null() {
                    *node = Event::Object(serde_json::Map::new());
                }
                node = node.as_object_mut()?.entry(segment.to_string()).or_insert(Event::Null);
            }
            if !node.is_null() {
                return None;
            }
            *node = cell.values.iter().map(|value| Event::String(value.to_string())).collect();
        }
        Some(event)
    }
}
