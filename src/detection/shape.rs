//! Reading typed values out of YAML nodes. Every fault is noted and reading goes on, so that one run shows them all.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::suggest::{all_of, nearest, one_of};
use crate::diagnostic::{Code, Diagnostic, Place, SourceFile};

use super::yaml::{Entry, Kind, Node, is_boolean};

/// Why a name that [`is_device`] is none for a file.
pub const A_DEVICE: &str = "Windows keeps this name for a device: no file or folder there can have it";

/// Whether Windows takes a file's name for a device, with any extension and in any case: `nul`, `com1.yml`.
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    match stem.as_str() {
        "con" | "prn" | "aux" | "nul" => true,
        stem => {
            let number = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
            number.is_some_and(|number| matches!(number.as_bytes(), [b'1'..=b'9']))
        }
    }
}

/// Where one file is read from and its problems go to.
#[derive(Debug)]
pub struct Reader {
    /// The file.
    pub file: Arc<SourceFile>,
    /// What was wrong so far.
    pub problems: Vec<Diagnostic>,
}

/// Keys of Sigma's rules, and what says the same in a detection.
const SIGMA_KEYS: [(&str, &str); 5] = [
    ("logsource", "a key below `observe`: `observe: { process: … }`"),
    ("detection", "what stands below the log source in `observe`: selections and `condition`"),
    ("level", "`severity`"),
    ("date", "`created`"),
    ("fields", "up to the log source, which has columns of its own: not written"),
];

impl Reader {
    /// A reader without problems yet.
    pub fn new(file: Arc<SourceFile>) -> Self {
        Self { file, problems: Vec::new() }
    }

    /// A place in the file.
    pub fn place(&self, span: Range<usize>) -> Place {
        Place { file: self.file.clone(), span }
    }

    /// A problem at a place of the file, not noted yet.
    pub fn problem(&self, code: Code, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.place(span), message)
    }

    /// Notes a problem.
    pub fn report(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// Notes that a value has the wrong type.
    pub fn wrong_type(&mut self, node: &Node, name: &str, wanted: &str) {
        self.wrong_type_with(node, name, wanted, None);
    }

    /// Notes that a value has the wrong type, and what to write instead.
    pub fn wrong_type_with(&mut self, node: &Node, name: &str, wanted: &str, help: Option<String>) {
        let problem = self
            .problem(Code::WrongType, visible_span(node), format!("{name} has to be {wanted}"))
            .note(format!("this is {}", node.what()));
        self.report(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }

    /// The entries of a map. Keys other than `known` are faults.
    pub fn map<'n>(&mut self, node: &'n Node, name: &str, known: &[&str]) -> Option<Map<'n>> {
        let entries = self.entries(node, name)?;
        let mut meant = Vec::new();
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let renamed = SIGMA_KEYS.iter().find(|(key, _)| *key == entry.key && name == "a detection");
            let nearest = nearest(&entry.key, known.iter().copied()).filter(|_| renamed.is_none());
            let mut problem = self
                .problem(Code::UnknownKey, entry.key_span.clone(), format!("{name} has no key `{}`", entry.key))
                .suggestion(nearest);
            meant.extend(nearest.map(str::to_owned));
            if let Some((_, instead)) = renamed {
                problem = problem.help(format!("Sigma's `{}` is {instead} here", entry.key));
            } else if nearest.is_none() {
                problem = problem.help(format!("its keys are {}", all_of(known.iter().copied())));
            }
            self.report(problem);
        }
        Some(Map { entries, span: node.span.clone(), meant })
    }

    /// The entries of a map whose keys are names.
    pub fn entries<'n>(&mut self, node: &'n Node, name: &str) -> Option<&'n [Entry]> {
        match &node.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => {
                self.wrong_type(node, name, "a map");
                None
            }
        }
    }

    /// The elements of a list; a lone value counts as a list of one.
    pub fn items<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.kind {
            Kind::Sequence(items) => items,
            _ => std::slice::from_ref(node),
        }
    }

    /// A text that is not empty, whatever it looks like.
    pub fn text(&mut self, node: &Node, name: &str) -> Option<String> {
        match &node.kind {
            Kind::Scalar { text, .. } if !node.is_null() => {
                let trimmed = text.trim_end();
                if trimmed.is_empty() {
                    let problem = self.problem(Code::EmptyValue, node.span.clone(), format!("{name} is empty"));
                    self.report(problem);
                    return None;
                }
                self.refuse_control(node, name, trimmed)?;
                Some(trimmed.to_owned())
            }
            Kind::Scalar { .. } => {
                let problem = self.problem(Code::EmptyValue, node.span.clone(), format!("{name} is empty"));
                self.report(problem);
                None
            }
            _ => {
                self.wrong_type(node, name, "text");
                None
            }
        }
    }

    /// A text of one line.
    pub fn line(&mut self, node: &Node, name: &str) -> Option<String> {
        let text = self.text(node, name)?;
        if text.contains('\n') {
            let problem = self
                .problem(Code::WrongType, visible_span(node), format!("{name} has to be one line"))
                .help("a block with `>-` folds its lines into one");
            self.report(problem);
            return None;
        }
        Some(text)
    }

    fn refuse_control(&mut self, node: &Node, name: &str, text: &str) -> Option<()> {
        let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) else { return Some(()) };
        let problem = self.problem(
            Code::ControlCharacter,
            node.span.clone(),
            format!("{name} holds the control character U+{:04X}", u32::from(c)),
        );
        self.report(problem.help("people read this text in consoles and mails; delete the character"));
        None
    }

    /// A list of lines.
    pub fn lines(&mut self, node: &Node, name: &str) -> Vec<String> {
        match &node.kind {
            Kind::Sequence(items) => {
                items.iter().filter_map(|item| self.line(item, &format!("an entry of {name}"))).collect()
            }
            _ => {
                self.wrong_type(node, name, "a list");
                Vec::new()
            }
        }
    }

    /// A whole number within bounds.
    pub fn whole(&mut self, node: &Node, name: &str, bounds: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let number = match &node.kind {
            Kind::Scalar { text, plain: true } => text.parse::<i64>().ok(),
            _ => None,
        };
        let Some(number) = number else {
            self.wrong_type(node, name, "a whole number");
            return None;
        };
        match u32::try_from(number).ok().filter(|number| bounds.contains(number)) {
            Some(number) => Some(number),
            None => {
                let problem = self.problem(
                    Code::OutOfRange,
                    node.span.clone(),
                    match *bounds.end() {
                        u32::MAX => format!("{name} has to be at least {}", bounds.start()),
                        end => format!("{name} has to be from {} to {end}", bounds.start()),
                    },
                );
                self.report(problem);
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, node: &Node, name: &str) -> Option<bool> {
        match &node.kind {
            Kind::Scalar { text, plain: true } if is_boolean(text) => Some(text.eq_ignore_ascii_case("true")),
            _ => {
                self.wrong_type(node, name, "`true` or `false`");
                None
            }
        }
    }

    /// One of a few words.
    pub fn word<T: Copy>(&mut self, node: &Node, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.line(node, name)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known = || words.iter().map(|(word, _)| *word);
        let mut problem = self
            .problem(Code::UnknownWord, node.span.clone(), format!("`{text}` is no {name}"))
            .suggestion(nearest(&text, known()));
        if problem.patch.is_none() {
            problem = problem.help(format!("it is {}", one_of(known())));
        }
        self.report(problem);
        None
    }

    /// Minutes, written with a unit: `5m`, `2h`, `1d`.
    pub fn minutes(&mut self, node: &Node, name: &str) -> Option<u32> {
        let text = self.line(node, name)?;
        let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
        let factor = match unit {
            "m" => Some(1),
            "h" => Some(60),
            "d" => Some(24 * 60),
            _ => None,
        };
        let minutes = factor.and_then(|factor| number.parse::<u32>().ok()?.checked_mul(factor));
        match minutes.filter(|minutes| (1..=366 * 24 * 60).contains(minutes)) {
            Some(minutes) => Some(minutes),
            None => {
                let problem = self
                    .problem(Code::NotADuration, node.span.clone(), format!("`{text}` is no duration"))
                    .help("write a whole number and `m`, `h` or `d`, from one minute to a year: `5m`, `2h`, `1d`");
                self.report(problem);
                None
            }
        }
    }

    /// The bytes of `range` of a scalar's text in the file; the whole scalar where escapes or folding hide them.
    pub fn within(&self, node: &Node, range: Range<usize>) -> Range<usize> {
        let Kind::Scalar { text, .. } = &node.kind else { return node.span.clone() };
        inner_span(&self.file.text, &node.span, text, range)
    }
}

/// The bytes of `range` of `text`, which was written at `span` of `source`; `span` where escapes or folding hide them.
pub fn inner_span(source: &str, span: &Range<usize>, text: &str, range: Range<usize>) -> Range<usize> {
    let written = source.get(span.clone()).unwrap_or_default();
    let quote = usize::from(written.starts_with(['"', '\'']));
    if written.get(quote..quote + text.len()) != Some(text) {
        return span.clone();
    }
    let start = span.start + quote;
    start + range.start.min(text.len())..start + range.end.min(text.len())
}

/// What to underline for a node: all of a scalar, the beginning of what is larger.
pub fn visible_span(node: &Node) -> Range<usize> {
    node.span.clone()
}

/// A map that is being read.
#[derive(Clone, Debug)]
pub struct Map<'n> {
    entries: &'n [Entry],
    span: Range<usize>,
    /// The keys that misspelled ones were probably meant to be.
    meant: Vec<String>,
}

impl<'n> Map<'n> {
    /// The value of a key, if it is given.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key and its value, if it is given.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key that has to be given. Where it is misspelled, that was told already.
    pub fn need(&self, reader: &mut Reader, name: &str, key: &str, why: &str) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() && !self.meant.iter().any(|meant| meant == key) {
            // The first key is shown: a whole map would underline the whole file.
            let span = self.entries.first().map_or_else(|| self.span.clone(), |entry| entry.key_span.clone());
            let problem = reader
                .problem(Code::MissingKey, span, format!("{name} has no `{key}`"))
                .note(format!("add `{key}:` beside this"))
                .help(format!("`{key}` says {why}"));
            reader.report(problem);
        }
        found
    }

    /// All entries, in the order written.
    pub fn entries(&self) -> &'n [Entry] {
        self.entries
    }

    /// The bytes of the map.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}
