//! Readers of raw logs: files become events of the catalogue's sources, one by one, in memory that does not grow with
//! the file. What a file is, is recognised by its content. A damaged line is reported and skipped.

mod auditd;
mod compose;
mod confinement;
mod elements;
mod exec;
mod input;
mod json;
mod laurel;
mod lines;
mod manifest;
mod mounts;
mod pod;
mod recognise;
mod record;
mod yaml;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use crate::logic::Event;
use input::Input;
pub(crate) use json::{Found, Glance, glance};
pub(crate) use lines::{Batch, Lines, Part};
use recognise::Shape;

/// One event, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The log source in the catalogue: `process`.
    pub source: Arc<str>,
    /// The event in the source's canonical shape.
    pub event: Event,
    /// What tells it from the other events of its log: the audit serial, the audit ID, the container's id.
    pub id: String,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// On which host.
    pub host: Option<String>,
    /// The line where it begins, from 1.
    pub line: u64,
    /// The file.
    pub file: Arc<str>,
}

/// A part of a log that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

impl std::error::Error for Damage {}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// auditd's own records, RAW or ENRICHED.
    Auditd,
    /// JSON objects, one for each line: Kubernetes audit events, laurel, canonical events.
    JsonLines,
    /// A JSON array of objects, or an object whose `items` is one: `docker inspect`, event lists.
    JsonArray,
    /// One or several YAML or JSON documents: Compose files, manifests, daemon.json.
    Documents,
}

impl Format {
    /// Names of all formats.
    pub const NAMES: [&str; 4] = ["auditd", "json-lines", "json-array", "documents"];
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auditd" => Ok(Format::Auditd),
            "json-lines" => Ok(Format::JsonLines),
            "json-array" => Ok(Format::JsonArray),
            "documents" => Ok(Format::Documents),
            _ => Err(format!("`{name}` is no log format; known are {}", Format::NAMES.join(", "))),
        }
    }
}

/// What is known of a log beforehand. By default nothing: all is recognised by content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The log source that its events are of. JSON objects are taken for such events as they are.
    pub source: Option<Arc<str>>,
    /// How it is written.
    pub format: Option<Format>,
}

/// The events of a log, and the damage in it, in the order of the log.
pub struct Records(Box<dyn Iterator<Item = Result<Record, Damage>> + Send>);

impl Iterator for Records {
    type Item = Result<Record, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// A log that was opened.
pub(crate) enum Log {
    /// JSON lines, which several threads may read.
    Lines(Box<Lines>),
    /// Any other log.
    Records(Records),
}

/// Opens a log as [`open`] does; `read` is told how many bytes of the file were read.
///
/// # Errors
/// If the file cannot be opened, or is nothing that can be recognised.
pub(crate) fn open_log(path: &Path, choice: &Choice, read: &Arc<AtomicU64>) -> io::Result<Log> {
    let file: Box<dyn Read + Send> =
        if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    log(Box::new(Counted { file, read: Arc::clone(read) }), &path.to_string_lossy(), choice)
}

/// Counts what is read.
struct Counted {
    file: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Opens a log; `-` is standard input. Files packed with gzip or zstd are unpacked on the way.
///
/// # Errors
/// If the file cannot be opened, or is nothing that can be recognised.
pub fn open(path: &Path, choice: &Choice) -> io::Result<Records> {
    let file: Box<dyn Read + Send> =
        if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    read(file, &path.to_string_lossy(), choice)
}

/// An event of a log source as a log of JSON would give it: keys with dots unfolded, and with what its other fields say
/// already (a program's name by its path, a line of the arguments).
pub fn completed(source: &str, event: Event) -> Event {
    json::completed(source, event)
}

/// Reads a log from anything that can be read; `name` is how it is called in records and damage.
///
/// # Errors
/// If its beginning cannot be read, or is nothing that can be recognised.
pub fn read(from: Box<dyn Read + Send>, name: &str, choice: &Choice) -> io::Result<Records> {
    Ok(match log(from, name, choice)? {
        Log::Records(records) => records,
        Log::Lines(lines) => Records(Box::new(json::lines(*lines))),
    })
}

fn log(from: Box<dyn Read + Send>, name: &str, choice: &Choice) -> io::Result<Log> {
    let file: Arc<str> = name.into();
    let mut input = Input::new(from)?;
    let shape = match choice.format {
        Some(Format::Auditd) => Shape::Auditd,
        Some(Format::JsonLines) => Shape::Lines,
        Some(Format::JsonArray) => Shape::Elements,
        Some(Format::Documents) => Shape::Documents,
        None => recognise::shape(input.peek()?).ok_or_else(|| {
            let known = "auditd, JSON lines, Kubernetes audit, docker inspect, Compose, manifests, daemon.json";
            io::Error::new(io::ErrorKind::InvalidData, format!("not a log that is known ({known})"))
        })?,
    };
    let source = choice.source.clone();
    Ok(Log::Records(Records(match shape {
        Shape::Empty => Box::new(std::iter::empty()),
        Shape::Auditd => Box::new(auditd::Reader::new(input, file)),
        Shape::Lines => return Ok(Log::Lines(Box::new(Lines::new(input, file, source)))),
        Shape::Elements => Box::new(json::elements(input, file, source)),
        Shape::Documents => Box::new(yaml::documents(input, file, source)),
    })))
}
