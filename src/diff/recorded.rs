//! Recorded logs: which of their events change sides.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;
use walkdir::WalkDir;

use crate::logic::{Event, Formula, Matcher, Scratch};
use crate::source::reader::{self, Choice, Record};

/// How many events of one kind are named.
const MOST_NAMED: usize = 200;

/// A recorded event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRef {
    /// The log, relative to the folder that was looked at.
    pub file: String,
    /// Where it begins, from 1.
    pub line: u64,
    /// Its id in the log.
    pub id: String,
}

/// Recorded events that change sides in one direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Events {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub events: Vec<EventRef>,
    /// The very first, in full.
    #[serde(skip)]
    pub first: Option<Event>,
}

/// Recorded events that change sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recorded {
    /// How many events of the log source were looked at.
    pub looked: usize,
    /// Matched now, and not before.
    pub gained: Events,
    /// Matched before, and not now.
    pub lost: Events,
    /// Events that a rule may match now, and could not before.
    pub may_gained: Events,
    /// Events that a rule could match before, and may not now.
    pub may_lost: Events,
}

/// A condition before and after, on events of one log source.
#[derive(Clone, Copy, Debug)]
pub struct Question<'f> {
    /// The log source.
    pub source: &'f str,
    /// The condition before; none if it was not observed.
    pub before: Option<&'f Formula>,
    /// The condition now; none if it is not observed any more.
    pub after: Option<&'f Formula>,
}

/// The logs of a run, and what could not be read of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Logs {
    /// How many files held events.
    pub files: usize,
    /// How many events there were.
    pub events: usize,
    /// Files and lines that could not be read.
    pub damaged: usize,
}

/// Asks all `questions` of all events below `paths` (files and folders). Files that are no logs are passed over.
pub fn replay(paths: &[PathBuf], questions: &[Question<'_>]) -> (Vec<Recorded>, Logs) {
    let mut totals = vec![Recorded::default(); questions.len()];
    let mut logs = Logs::default();
    if questions.is_empty() {
        return (totals, logs);
    }
    let files: Vec<(PathBuf, String)> = paths.iter().flat_map(|path| files_below(path)).collect();
    let asked = Asked::new(questions);
    let parts: Vec<Option<(Vec<Recorded>, Logs)>> = files.par_iter().map(|(file, name)| asked.of(file, name)).collect();
    for (recorded, counted) in parts.into_iter().flatten() {
        logs.files += counted.files;
        logs.events += counted.events;
        logs.damaged += counted.damaged;
        for (total, part) in totals.iter_mut().zip(recorded) {
            total.looked += part.looked;
            total.gained.add(part.gained);
            total.lost.add(part.lost);
            total.may_gained.add(part.may_gained);
            total.may_lost.add(part.may_lost);
        }
    }
    (totals, logs)
}

/// All files at a path, sorted, with the names that reports give them.
fn files_below(path: &Path) -> Vec<(PathBuf, String)> {
    WalkDir::new(path)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(path).ok().filter(|rest| rest.as_os_str() != "");
            let name = name.map(Path::to_path_buf).or_else(|| path.file_name().map(PathBuf::from));
            (entry.path().to_path_buf(), name.unwrap_or_default().to_string_lossy().replace('\\', "/"))
        })
        .collect()
}

impl Events {
    fn push(&mut self, file: &str, record: &Record) {
        self.count += 1;
        if self.events.len() < MOST_NAMED {
            self.events.push(EventRef { file: file.to_owned(), line: record.line, id: record.id.clone() });
        }
        if self.first.is_none() {
            self.first = Some(record.event.clone());
        }
    }

    fn add(&mut self, more: Events) {
        self.count += more.count;
        let room = MOST_NAMED.saturating_sub(self.events.len());
        self.events.extend(more.events.into_iter().take(room));
        self.first = self.first.take().or(more.first);
    }
}

/// The questions, made ready: the conditions before and after of the `n`-th are numbers `2n` and `2n + 1`.
struct Asked<'q> {
    questions: &'q [Question<'q>],
    matcher: Matcher,
}

impl<'q> Asked<'q> {
    fn new(questions: &'q [Question<'q>]) -> Self {
        let formulas: Vec<(usize, &Formula)> = questions
            .iter()
            .enumerate()
            .flat_map(|(at, question)| {
                let before = question.before.map(|formula| (2 * at, formula));
                before.into_iter().chain(question.after.map(|formula| (2 * at + 1, formula)))
            })
            .collect();
        Self { questions, matcher: Matcher::with_may(&formulas) }
    }

    /// What the events of one file answer; `None` if it is no log.
    fn of(&self, file: &Path, name: &str) -> Option<(Vec<Recorded>, Logs)> {
        let records = reader::open(file, &Choice::default()).ok()?;
        let mut found = vec![Recorded::default(); self.questions.len()];
        let mut logs = Logs { files: 1, ..Logs::default() };
        let mut scratch = Scratch::default();
        for record in records {
            let Ok(record) = record else {
                logs.damaged += 1;
                continue;
            };
            logs.events += 1;
            let matches = self.matcher.readings(&record.event, &mut scratch);
            // `may` lists what is matched in that reading alone.
            let must = |id: usize| matches.must.contains(&id);
            let may = |id: usize| must(id) || matches.may.contains(&id);
            for (at, (question, found)) in self.questions.iter().zip(&mut found).enumerate() {
                if question.source != &*record.source {
                    continue;
                }
                found.looked += 1;
                let (before, after) = (2 * at, 2 * at + 1);
                match (must(before), must(after)) {
                    (false, true) => found.gained.push(name, &record),
                    (true, false) => found.lost.push(name, &record),
                    _ => {}
                }
                match (may(before), may(after)) {
                    (false, true) => found.may_gained.push(name, &record),
                    (true, false) => found.may_lost.push(name, &record),
                    _ => {}
                }
            }
        }
        Some((found, logs))
    }
}
