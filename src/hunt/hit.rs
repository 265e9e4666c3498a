//! A hit: which detection, on which event, and what an analyst wants to know of the event first.

use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::detection::{Detection, Severity};
use crate::logic::event;
use crate::logic::{Event, Path, Reading};
use crate::source::reader::Record;
use crate::source::{Field, Source};

/// Where the name of the one who acted is, by preference.
const USERS: [&[&str]; 5] =
    [&["user", "name"], &["user", "username"], &["user", "audit", "name"], &["user", "id"], &["user", "audit", "id"]];

/// An event that satisfies a detection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit<'d> {
    /// The detection's identity.
    pub detection: Uuid,
    /// The detection's short name.
    pub name: &'d str,
    /// The detection's title.
    pub title: &'d str,
    /// The detection's severity.
    pub severity: Severity,
    /// The log source of the event.
    pub source: Arc<str>,
    /// The event's own id in its log.
    pub event: String,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// On which host.
    pub host: Option<String>,
    /// The log.
    pub file: Arc<str>,
    /// The line of the log where the event begins.
    pub line: u64,
    /// Who acted.
    pub user: Option<String>,
    /// The command line, for events that have one.
    pub command: Option<String>,
    /// The selections of the detection that the event satisfies.
    pub selections: Vec<&'d str>,
    /// True if rules are free not to match the event.
    pub may: bool,
    /// The fields by which the log source's events are told apart, as far as the event has them.
    pub fields: IndexMap<&'d str, Vec<String>>,
    /// The values of the fields that were asked for, in that order.
    #[serde(skip)]
    pub asked: Vec<Vec<String>>,
}

impl<'d> Hit<'d> {
    pub(super) fn new(
        detection: &'d Detection,
        record: &Record,
        reading: Reading,
        selections: Vec<&'d str>,
        source: Option<&'d Source>,
    ) -> Self {
        let event = &record.event;
        let user = USERS.iter().find_map(|path| texts(event, &Path::from_segments(path.iter().copied())).pop());
        Self {
            detection: detection.id,
            name: &detection.name,
            title: &detection.title,
            severity: detection.severity,
            source: Arc::clone(&record.source),
            event: record.id.clone(),
            time: record.time,
            host: record.host.clone(),
            file: Arc::clone(&record.file),
            line: record.line,
            user,
            command: command(event),
            selections,
            may: reading == Reading::May,
            fields: source.map(|source| fields(event, source)).unwrap_or_default(),
            asked: Vec::new(),
        }
    }

    /// What happened, in one line: the command, or the fields of other events that do not say when, where or who alone,
    /// which stands beside it.
    pub fn summary(&self) -> String {
        if let Some(command) = &self.command {
            return command.clone();
        }
        let is_told = |values: &[String]| match values {
            [value] => {
                let known = [self.host.as_deref(), self.user.as_deref()];
                known.contains(&Some(value.as_str())) || (self.time.is_some() && value.parse().ok() == self.time)
            }
            _ => false,
        };
        let fields = self.fields.iter().filter(|(_, values)| !is_told(values));
        fields.map(|(name, values)| format!("{name}={}", values.join(","))).collect::<Vec<_>>().join(" ")
    }
}

fn command(event: &Event) -> Option<String> {
    let process = event.get("process")?;
    if let Some(line) = process.get("command_line").and_then(Value::as_str) {
        return Some(line.to_owned());
    }
    let words = texts(process, &Path::from_segments(["args"]));
    (!words.is_empty()).then(|| words.join(" "))
}

fn fields<'d>(event: &Event, source: &'d Source) -> IndexMap<&'d str, Vec<String>> {
    let mut found = IndexMap::new();
    for name in &source.columns {
        let Some(field) = source.field(name) else { continue };
        let values = values(event, &field);
        if !values.is_empty() {
            found.insert(name.as_str(), values);
        }
    }
    found
}

/// All values of a field in an event, as text.
pub fn values(event: &Event, field: &Field) -> Vec<String> {
    field.paths.iter().flat_map(|path| texts(event, path)).collect()
}

fn texts(event: &Event, path: &Path) -> Vec<String> {
    event::values(event, path).into_iter().map(|value| event::text(value).into_owned()).collect()
}
