//! Logs of JSON lines in batches of whole lines, so that several threads can make events of them.

use std::sync::Arc;

use memchr::memmem;

use super::input::{Input, Line};
use super::json::{Found, Parser};
use super::{Damage, Record};

/// A batch ends with the line that fills it.
const BATCH_BYTES: usize = 256 << 10;
const BATCH_LINES: usize = 1024;

/// A log of JSON lines.
pub struct Lines {
    input: Input,
    file: Arc<str>,
    source: Option<Arc<str>>,
    /// For lines that are understood only after those before them.
    parser: Parser,
    /// Damage at the end of the last batch.
    damage: Option<Damage>,
    ended: bool,
}

/// What comes next in a log.
pub enum Part {
    /// Lines, each of which is understood by itself.
    Lines(Batch),
    /// Events and damage, read already.
    Records(Vec<Result<Record, Damage>>),
}

/// Lines of a log, as they are.
pub struct Batch {
    file: Arc<str>,
    source: Option<Arc<str>>,
    text: Vec<u8>,
    /// The number of each line, and where it ends.
    lines: Vec<(u64, usize)>,
}

impl Lines {
    pub(super) fn new(input: Input, file: Arc<str>, source: Option<Arc<str>>) -> Self {
        let parser = Parser::new(Arc::clone(&file), source.clone());
        Self { input, file, source, parser, damage: None, ended: false }
    }

    fn batch(&mut self) -> Batch {
        let (file, source) = (Arc::clone(&self.file), self.source.clone());
        let mut batch = Batch { file, source, text: Vec::with_capacity(BATCH_BYTES), lines: Vec::new() };
        while !self.ended && batch.text.len() < BATCH_BYTES && batch.lines.len() < BATCH_LINES {
            let read = self.input.append_line(&mut batch.text);
            let number = self.input.line();
            let damage = match read {
                Ok(Line::Text) => {
                    batch.lines.push((number, batch.text.len()));
                    // Whoever writes the log slowly is not made to fill a batch.
                    if self.input.is_drained() {
                        break;
                    }
                    continue;
                }
                Ok(Line::TooLong) => (number, "the line is too long".to_owned()),
                Ok(Line::End) => {
                    self.ended = true;
                    break;
                }
                Err(error) => {
                    self.ended = true;
                    (number + 1, format!("the log cannot be read on: {error}"))
                }
            };
            self.damage = Some(Damage { file: Arc::clone(&self.file), line: damage.0, reason: damage.1 });
            break;
        }
        batch
    }
}

impl Iterator for Lines {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        if let Some(damage) = self.damage.take() {
            return Some(Part::Records(vec![Err(damage)]));
        }
        let batch = self.batch();
        if batch.lines.is_empty() {
            return self.damage.take().map(|damage| Part::Records(vec![Err(damage)]));
        }
        // laurel's events name their parents only by what came before.
        let holds = |mark: &[u8]| memmem::find(&batch.text, mark).is_some();
        if !holds(b"\"SYSCALL\"") && !holds(b"\"EXECVE\"") {
            return Some(Part::Lines(batch));
        }
        let mut found = Found::new();
        batch.each(|line, number| self.parser.text(line, number, &mut found));
        Some(Part::Records(found.into()))
    }
}

impl Batch {
    /// The log source that was asked for.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// A parser for these lines.
    pub fn parser(&self) -> Parser {
        Parser::new(Arc::clone(&self.file), self.source.clone())
    }

    /// Visits the lines with their numbers, but for blank ones.
    pub fn each(&self, mut visit: impl FnMut(&[u8], u64)) {
        let mut start = 0;
        for (number, end) in &self.lines {
            let line = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            if !line.iter().all(u8::is_ascii_whitespace) {
                visit(line, *number);
            }
        }
    }
}
