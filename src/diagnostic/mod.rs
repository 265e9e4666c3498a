//! What is wrong with a text, where, and what to do about it. Knows nothing of detections.

pub mod catalogue;
pub mod render;
pub mod suggest;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use catalogue::{Code, Severity};

/// A text and the name that messages give it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Its path as messages show it.
    pub path: PathBuf,
    /// What is in it; empty if it could not be read.
    pub text: String,
}

impl SourceFile {
    /// A text with a name.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into() })
    }

    /// A file of which only the name matters, because its content could not be read.
    pub fn unread(path: &Path) -> Arc<Self> {
        Self::new(path, "")
    }

    /// The path with `/` between segments on every system.
    pub fn shown(&self) -> String {
        self.path.to_string_lossy().replace('\\', "/")
    }

    /// Line and column, both from 1, the column in characters, of a byte offset.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (before.bytes().filter(|byte| *byte == b'\n').count() + 1, column)
    }
}

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which text.
    pub file: Arc<SourceFile>,
    /// Which bytes of it.
    pub span: Range<Offset>,
}

/// A byte offset in a text.
pub type Offset = usize;

/// A remark on another place that belongs to the same problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What about it.
    pub text: String,
}

/// A change to the text that mends the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// What is replaced.
    pub span: Range<usize>,
    /// By what.
    pub replacement: String,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of problem.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What is said right under the place.
    pub note: String,
    /// Other places that belong to it.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Vec<String>,
    /// A change that mends it.
    pub patch: Option<Patch>,
}

impl Diagnostic {
    /// A problem at a place.
    pub fn new(code: Code, place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, place, note: String::new(), labels: Vec::new(), help: Vec::new(), patch: None }
    }

    /// With a remark right under the place.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// With a sentence about what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// With another place.
    #[must_use]
    pub fn label(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label { place, text: text.into() });
        self
    }

    /// With a word that was probably meant, as a sentence and as a change of the place's text.
    #[must_use]
    pub fn suggestion(mut self, word: Option<&str>) -> Self {
        if let Some(word) = word {
            self.help.push(format!("did you mean `{word}`?"));
            self.patch = Some(Patch { span: self.place.span.clone(), replacement: word.to_owned() });
        }
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// True if it keeps the text from being used.
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }
}

/// Puts problems in the order of files and lines, each once.
pub fn sort(problems: &mut Vec<Diagnostic>) {
    let key = |d: &Diagnostic| (d.place.file.path.clone(), d.place.span.start, d.place.span.end, d.code);
    problems.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message)));
    problems.dedup();
}
