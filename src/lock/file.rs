//! The file `detections.lock`: one line for every detection and log source, sorted, so that changes of different
//! detections merge line by line.
//!
//! ```text
//! <id> <source> v<version> <digest> <condition>
//! table <digest> <content>
//! ```
//!
//! The condition is there in full ([`serial`]): what was locked can be compared with what is there now without any
//! history. Tables hold what conditions share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use uuid::Uuid;

use crate::logic::serial::{self, Tables};
use crate::logic::{Formula, normal};

/// What the file begins with.
const HEADER: &str = "\
# What every detection means, and the version that it had. Written by `cresset build`; commit it, do not edit it.
# A detection that changes its meaning needs a higher `version`. In a merge conflict, keep the lines of both sides.
";

/// How many digits of a digest say what a condition is.
const DIGITS: usize = 32;

/// A file of locked detections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// What is locked, by detection and log source; several where a merge kept both sides.
    lines: BTreeMap<(Uuid, String), Vec<Locked>>,
    tables: Tables,
}

/// A detection in a log source, as it was when its version was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The version.
    pub version: u32,
    /// The digest of the condition's normal form.
    pub digest: String,
    /// The condition's normal form.
    pub meaning: Value,
}

/// Why a text is no lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl Lock {
    /// Reads a lock.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let mut lock = Self::default();
        for (at, line) in text.lines().enumerate() {
            let fault = |reason: &str| LockError { line: at + 1, reason: reason.to_owned() };
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)) {
                return Err(fault("there is a merge conflict; keep the lines of both sides, and build again"));
            }
            let json =
                |text: &str| serde_json::from_str::<Value>(text).map_err(|_| fault("the line was cut or edited"));
            if let Some(table) = line.strip_prefix("table ") {
                let (name, content) = table.split_once(' ').ok_or_else(|| fault("the line was cut or edited"))?;
                if !lock.tables.insert(name, json(content)?) {
                    return Err(fault("the table was edited: its content is not what its name says"));
                }
                continue;
            }
            let parts: Vec<&str> = line.splitn(5, ' ').collect();
            let [id, source, version, digest, meaning] = parts.as_slice() else {
                return Err(fault("this is no locked detection"));
            };
            let id = Uuid::parse_str(id).map_err(|_| fault("this is no locked detection"))?;
            let version = version.strip_prefix('v').and_then(|version| version.parse().ok());
            let version = version.ok_or_else(|| fault("the version cannot be read"))?;
            let meaning = json(meaning)?;
            if serial::digest(&meaning.to_string(), DIGITS) != **digest {
                return Err(fault("the condition was edited: it is not what its digest says"));
            }
            let locked = Locked { version, digest: (*digest).to_owned(), meaning };
            lock.lines.entry((id, (*source).to_owned())).or_default().push(locked);
        }
        Ok(lock)
    }

    /// The lock as text.
    pub fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for ((id, source), locked) in &self.lines {
            for Locked { version, digest, meaning } in locked {
                _ = writeln!(text, "{id} {source} v{version} {digest} {meaning}");
            }
        }
        for (name, table) in self.tables.iter() {
            _ = writeln!(text, "table {name} {table}");
        }
        text
    }

    /// The log sources in which a detection is locked, with what is locked of its highest version.
    pub fn newest(&self, id: Uuid) -> Vec<(&str, Vec<&Locked>)> {
        let lines = || self.lines.iter().filter(move |((of, _), _)| *of == id);
        let Some(version) = lines().flat_map(|(_, locked)| locked).map(|locked| locked.version).max() else {
            return Vec::new();
        };
        let of_version = |locked: &'_ Vec<Locked>| locked.iter().filter(|locked| locked.version == version).count() > 0;
        lines()
            .filter(|(_, locked)| of_version(locked))
            .map(|((_, source), locked)| {
                (source.as_str(), locked.iter().filter(|locked| locked.version == version).collect())
            })
            .collect()
    }

    /// The condition that is locked; `None` if it cannot be read, because a later Cresset wrote it.
    pub fn formula(&self, locked: &Locked) -> Option<Formula> {
        serial::read(&locked.meaning, &self.tables)
    }

    /// Takes over what is locked of a detection somewhere else.
    pub fn keep(&mut self, id: Uuid, source: &str, locked: &[&Locked]) {
        self.lines.insert((id, source.to_owned()), locked.iter().map(|locked| (*locked).clone()).collect());
    }

    /// Locks a condition.
    pub fn put(&mut self, id: Uuid, source: &str, version: u32, formula: &Formula) {
        let (locked, tables) = lock(version, formula);
        self.tables.extend(tables);
        self.lines.insert((id, source.to_owned()), vec![locked]);
    }

    /// All detections that are locked.
    pub fn ids(&self) -> BTreeSet<Uuid> {
        self.lines.keys().map(|(id, _)| *id).collect()
    }

    /// Takes over the tables that its conditions need, from where they came.
    pub fn take_tables(&mut self, from: &Lock) {
        let mut text = String::new();
        for locked in self.lines.values().flatten() {
            text.push_str(&locked.meaning.to_string());
        }
        let mut needed = Tables::default();
        for (name, table) in from.tables.iter().chain(self.tables.iter()) {
            if text.contains(&format!("\"{name}\"")) {
                needed.insert(name, table.clone());
            }
        }
        self.tables = needed;
    }
}

/// A condition, locked; and the tables that it needs.
pub fn lock(version: u32, formula: &Formula) -> (Locked, Tables) {
    let mut tables = Tables::default();
    let meaning = serial::write(&normal(formula), &mut tables);
    (Locked { version, digest: serial::digest(&meaning.to_string(), DIGITS), meaning }, tables)
}
