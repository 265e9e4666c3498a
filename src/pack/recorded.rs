//! Recorded events of a project: read when they are first asked for, and once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use walkdir::WalkDir;

use crate::logic::Event;
use crate::source::reader::{self, Choice};

/// The logs below a folder.
#[derive(Debug)]
pub struct Recorded {
    folder: Option<PathBuf>,
    events: OnceLock<HashMap<String, Vec<Event>>>,
}

impl Recorded {
    /// All files below `folder` that are logs; none without a folder.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, events: OnceLock::new() }
    }

    /// The events of a log source, in the order of the files' paths. What cannot be read is left out.
    pub fn events(&self, source: &str) -> Vec<Event> {
        let events = self.events.get_or_init(|| self.read());
        events.get(source).cloned().unwrap_or_default()
    }

    fn read(&self) -> HashMap<String, Vec<Event>> {
        let mut events: HashMap<String, Vec<Event>> = HashMap::new();
        let Some(folder) = &self.folder else { return events };
        let files = WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(Result::ok);
        for file in files.filter(|file| file.file_type().is_file()) {
            let Ok(records) = reader::open(file.path(), &Choice::default()) else { continue };
            for record in records.filter_map(Result::ok) {
                events.entry(record.source.to_string()).or_default().push(record.event);
            }
        }
        events
    }
}
