//! What is wrong with a target's folder, or with a detection in a target, in words that say what to do.

use std::fmt::{self, Write as _};

/// A fault that stops a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file that it is in.
    pub file: String,
    /// Where in the file, if that is known: line and column from 1, and the line's text.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// More about it, one line each.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The line's text.
    pub text: String,
}

impl Problem {
    /// A fault in `file` as a whole.
    pub fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), place: None, message: message.into(), notes: Vec::new(), help: None }
    }

    /// A fault that reading YAML met in `text`.
    pub fn from_yaml(file: &str, text: &str, error: &serde_yaml::Error) -> Self {
        let place = error.location().map(|at| Place {
            line: at.line(),
            column: at.column(),
            text: text.lines().nth(at.line().saturating_sub(1)).unwrap_or_default().to_owned(),
        });
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message).to_owned();
        Self { place, ..Self::new(file, message) }
    }

    /// The same with a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same with advice.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.place {
            None => write!(f, "\n --> {}", self.file)?,
            Some(Place { line, column, text }) => {
                let mut shown = String::new();
                for c in text.chars() {
                    // A control character in the file must not reach the terminal.
                    if c.is_control() && c != '\t' {
                        _ = write!(shown, "{}", c.escape_default())
                    } else {
                        shown.push(c)
                    }
                }
                let width = line.to_string().len();
                let (gap, before) = (" ".repeat(width), " ".repeat(column.saturating_sub(1)));
                write!(f, "\n{gap}--> {}:{line}:{column}\n{gap} |\n{line} | {shown}\n{gap} | {before}^", self.file)?;
            }
        }
        for note in &self.notes {
            write!(f, "\n  = note: {}", note.replace('\n', "\n    "))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  = help: {}", help.replace('\n', "\n    "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
