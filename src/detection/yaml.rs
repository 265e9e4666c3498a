//! YAML text to a tree of nodes that know where they were written.
//!
//! Stricter than YAML: one document, keys are plain text and unique, no tags, no merge keys, and everything is bounded,
//! so that no file can exhaust memory or time.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use crate::diagnostic::{Code, Diagnostic, Place, SourceFile};

/// The largest file that is read.
pub const MAX_BYTES: u64 = 1 << 20;
/// How deep lists and maps may nest.
const MAX_DEPTH: usize = 40;
/// How many nodes there may be once aliases are expanded.
const MAX_NODES: usize = 100_000;
/// How many repeated keys are told one by one.
const MAX_REPEATED: usize = 50;
/// How much text there may be once aliases are expanded.
const MAX_TEXT: usize = 8 << 20;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which bytes of the text. Of a value that an alias stands for: where the anchor is.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, not yet read as a number or anything else.
    Scalar {
        /// The text, unescaped.
        text: String,
        /// True if it was written without quotes and not as a block, so that it may be a number, `true` or `null`.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in the order written.
    Mapping(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key was written.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node,
}

impl Node {
    /// What it is, for messages.
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { .. } if self.is_null() => "nothing",
            Kind::Scalar { text, plain: true } if is_boolean(text) => "true or false",
            Kind::Scalar { text, plain: true } if text.parse::<f64>().is_ok() => "a number",
            Kind::Scalar { .. } => "text",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a map",
        }
    }

    /// True for `null`, `~` and a value that was left out.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The value as JSON, plain scalars read as YAML's core schema does (decimal numbers only).
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Scalar { text, plain } => {
                if self.is_null() {
                    serde_json::Value::Null
                } else if *plain && is_boolean(text) {
                    text.eq_ignore_ascii_case("true").into()
                } else if let (true, Ok(number)) = (*plain, text.parse::<i64>()) {
                    number.into()
                } else if let (true, Ok(number)) = (*plain, text.parse::<u64>()) {
                    number.into()
                } else if let (true, true, Ok(number)) = (*plain, is_decimal(text), text.parse::<f64>()) {
                    serde_json::Number::from_f64(number).map_or_else(|| text.clone().into(), Into::into)
                } else {
                    text.clone().into()
                }
            }
            Kind::Sequence(items) => items.iter().map(Node::to_json).collect(),
            Kind::Mapping(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// True for the words that YAML reads as a truth value.
pub fn is_boolean(text: &str) -> bool {
    matches!(text, "true" | "false" | "True" | "False" | "TRUE" | "FALSE")
}

fn is_decimal(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
}

/// Reads a file's text; `shown` is its name in messages.
pub fn read_file(path: &Path, shown: &Path) -> Result<Arc<SourceFile>, Diagnostic> {
    let unread =
        |code, message: String| Diagnostic::new(code, Place { file: SourceFile::unread(shown), span: 0..0 }, message);
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large, whatever its metadata says.
    let read = std::fs::metadata(path).and_then(|meta| match meta.is_file() {
        true => File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes),
        false => Err(std::io::Error::other("it is no regular file")),
    });
    if let Err(error) = read {
        return Err(unread(Code::Unreadable, format!("cannot read the file: {}", reason(&error))));
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unread(Code::TooLarge, format!("the file is larger than {} KiB", MAX_BYTES >> 10))
            .help("a detection is a page of text; recorded events belong into a log under `tests/`"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile::new(shown, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes().get(at).copied().unwrap_or_default();
            // What can be shown is shown; every byte that is no UTF-8 becomes the replacement character.
            let file = SourceFile::new(shown, String::from_utf8_lossy(error.as_bytes()).into_owned());
            let span = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
            Err(Diagnostic::new(Code::NotUtf8, Place { file, span }, "the file is not UTF-8")
                .note(format!("byte 0x{byte:02x} cannot stand here"))
                .help("save the file as UTF-8"))
        }
    }
}

/// Reads a system error without the number at its end.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Parses one document.
pub fn parse(file: &Arc<SourceFile>) -> Result<Node, Diagnostic> {
    let mut problems = Vec::new();
    let root = parse_into(file, &mut problems);
    match (root, problems.into_iter().next()) {
        (_, Some(problem)) => Err(problem),
        (Some(root), None) => Ok(root),
        (None, None) => {
            Err(Diagnostic::new(Code::Empty, Place { file: file.clone(), span: 0..0 }, "the file is empty"))
        }
    }
}

/// Parses one document and adds what is wrong to `problems`: a document comes back if only keys are repeated, with the
/// first value of each, so that all else that is wrong with it can be told in the same run.
pub fn parse_into(file: &Arc<SourceFile>, problems: &mut Vec<Diagnostic>) -> Option<Node> {
    let built = refuse_hidden_characters(file).and_then(|()| {
        let mut builder = Builder::new(file);
        let root = builder.build();
        problems.append(&mut builder.repeated);
        root
    });
    built.map_err(|problem| problems.push(problem)).ok()
}

/// Control characters, and characters that make a text look like another one, may be meant but not written bare.
fn refuse_hidden_characters(file: &Arc<SourceFile>) -> Result<(), Diagnostic> {
    let hidden = |c: char| match c {
        '\n' | '\r' | '\t' => false,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => true,
        c => c.is_control(),
    };
    let byte_order_mark = |at: usize, c: char| at > 0 && c == '\u{feff}';
    let Some((at, c)) = file.text.char_indices().find(|(at, c)| hidden(*c) || byte_order_mark(*at, *c)) else {
        return Ok(());
    };
    let code = u32::from(c);
    Err(Diagnostic::new(
        Code::ControlCharacter,
        Place { file: file.clone(), span: at..at + c.len_utf8() },
        format!("the text holds the invisible character U+{code:04X}"),
    )
    .help(format!("if it is meant, write it as `\\u{code:04x}` between double quotes; if not, delete it")))
}

/// A list or map that is not finished.
struct Open {
    start: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, known: HashMap<String, Range<usize>>, key: Option<Key> },
}

/// A key whose value is still to come.
struct Key {
    text: String,
    span: Range<usize>,
    /// True if the map has it already.
    repeated: bool,
}

struct Builder<'f> {
    file: &'f Arc<SourceFile>,
    /// Byte offset of every character; empty if all are ASCII.
    offsets: Vec<usize>,
    /// Length of a byte order mark that the parser does not see.
    base: usize,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    text: usize,
    root: Option<Node>,
    /// Keys that are given twice.
    repeated: Vec<Diagnostic>,
}

impl<'f> Builder<'f> {
    fn new(file: &'f Arc<SourceFile>) -> Self {
        let base = if file.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let text = file.text.get(base..).unwrap_or_default();
        let offsets = if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        Self {
            file,
            offsets,
            base,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            nodes: 0,
            text: 0,
            root: None,
            repeated: Vec::new(),
        }
    }

    fn byte(&self, character: usize) -> usize {
        let at = if self.offsets.is_empty() {
            character
        } else {
            self.offsets.get(character).copied().unwrap_or(self.file.text.len() - self.base)
        };
        (self.base + at).min(self.file.text.len())
    }

    fn span(&self, span: saphyr_parser::Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        let end = self.byte(span.end.index()).max(start);
        let length = self.file.text.get(start..end).unwrap_or_default().trim_end().len();
        start..start + length
    }

    fn fault(&self, code: Code, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Place { file: self.file.clone(), span }, message)
    }

    fn build(&mut self) -> Result<Node, Diagnostic> {
        let file = self.file.clone();
        let mut parser = Parser::new_from_str(file.text.get(self.base..).unwrap_or_default());
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            let span = self.span(span);
            match event {
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(self
                            .fault(Code::SeveralDocuments, span, "a second document begins here")
                            .help("write one detection per file"));
                    }
                }
                Event::Alias(anchor) => {
                    let node = self.anchors.get(&anchor).cloned().ok_or_else(|| {
                        self.fault(Code::Alias, span.clone(), "the alias stands inside of what it stands for")
                    })?;
                    self.count(&node, &span)?;
                    self.add(node, 0)?;
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.refuse_tag(tag.is_some(), &span)?;
                    let plain = style == ScalarStyle::Plain;
                    let node = Node { span: span.clone(), kind: Kind::Scalar { text: text.into_owned(), plain } };
                    self.count(&node, &span)?;
                    self.add(node, anchor)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.refuse_tag(tag.is_some(), &span)?;
                    self.enter(span, anchor, Content::Sequence(Vec::new()))?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.refuse_tag(tag.is_some(), &span)?;
                    let content = Content::Mapping { entries: Vec::new(), known: HashMap::new(), key: None };
                    self.enter(span, anchor, content)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.leave(span.end)?,
            }
        }
        let empty = |node: &Node| node.span.is_empty() && node.is_null();
        match self.root.take().filter(|node| !empty(node)) {
            Some(node) => Ok(node),
            None => Err(self
                .fault(Code::Empty, 0..0, "the file is empty")
                .help("`cresset new NAME` writes a scaffold to begin with")),
        }
    }

    fn refuse_tag(&self, tagged: bool, span: &Range<usize>) -> Result<(), Diagnostic> {
        if !tagged {
            return Ok(());
        }
        let message = "YAML tags such as `!!str` or `!include` have no meaning here";
        Err(self.fault(Code::Tag, span.clone(), message).help("put text that must stay text between quotes"))
    }

    /// Counts a node and all that is in it against the bounds.
    fn count(&mut self, node: &Node, span: &Range<usize>) -> Result<(), Diagnostic> {
        let mut queue = vec![(node, self.open.len())];
        while let Some((node, depth)) = queue.pop() {
            self.nodes += 1;
            if depth > MAX_DEPTH {
                return Err(self.too_deep(span.clone()));
            }
            match &node.kind {
                Kind::Scalar { text, .. } => self.text += text.len(),
                Kind::Sequence(items) => queue.extend(items.iter().map(|item| (item, depth + 1))),
                Kind::Mapping(entries) => {
                    self.text += entries.iter().map(|entry| entry.key.len()).sum::<usize>();
                    queue.extend(entries.iter().map(|entry| (&entry.value, depth + 1)));
                }
            }
        }
        if self.nodes > MAX_NODES || self.text > MAX_TEXT {
            let message = format!("the file holds more than {MAX_NODES} values or {} MiB of text", MAX_TEXT >> 20);
            return Err(self
                .fault(Code::Alias, span.clone(), message)
                .note("the bound is passed here")
                .help("values repeated through an alias count as often as they are repeated"));
        }
        Ok(())
    }

    fn too_deep(&self, span: Range<usize>) -> Diagnostic {
        self.fault(Code::TooDeep, span, format!("lists and maps nest deeper than {MAX_DEPTH} levels"))
    }

    fn enter(&mut self, span: Range<usize>, anchor: usize, content: Content) -> Result<(), Diagnostic> {
        self.nodes += 1;
        if self.open.len() >= MAX_DEPTH {
            return Err(self.too_deep(span));
        }
        self.open.push(Open { start: span.start, anchor, content });
        Ok(())
    }

    fn leave(&mut self, end: usize) -> Result<(), Diagnostic> {
        let Some(Open { start, anchor, content }) = self.open.pop() else { return Ok(()) };
        let inner = match &content {
            Content::Sequence(items) => items.last().map(|node| node.span.end),
            Content::Mapping { entries, .. } => entries.last().map(|e| e.value.span.end.max(e.key_span.end)),
        };
        // A block ends where its last value ends, not where the next line begins.
        let flow = matches!(self.file.text.get(start..start + 1), Some("[" | "{"));
        let end = if flow { end } else { inner.unwrap_or(end) }.max(start);
        let kind = match content {
            Content::Sequence(items) => Kind::Sequence(items),
            Content::Mapping { entries, .. } => Kind::Mapping(entries),
        };
        self.add(Node { span: start..end, kind }, anchor)
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        if anchor > 0 {
            // The copy costs as much as the node, so it counts as much.
            let span = node.span.clone();
            self.count(&node, &span)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, known, key } => match key.take() {
                Some(key) if key.repeated => {}
                Some(key) => entries.push(Entry { key: key.text, key_span: key.span, value: node }),
                None => {
                    let Kind::Scalar { text, .. } = node.kind else {
                        return Err(self
                            .fault(Code::KeyIsNoText, node.span, "a list or map is used as a key")
                            .help("put text that begins with `{` or `[` between quotes"));
                    };
                    if text == "<<" {
                        return Err(self
                            .fault(Code::Alias, node.span, "merge keys (`<<`) are not supported")
                            .help("write the values out, or give the whole map an anchor and use `*name`"));
                    }
                    let before = known.get(&text).cloned();
                    let repeated = before.is_some();
                    if let Some(before) = before {
                        let place = Place { file: self.file.clone(), span: before };
                        let problem = Diagnostic::new(
                            Code::RepeatedKey,
                            Place { file: self.file.clone(), span: node.span.clone() },
                            format!("`{text}` is given twice"),
                        )
                        .note("again here")
                        .label(place, "first here")
                        .help("a YAML reader would silently keep one of the two; join or rename them");
                        if self.repeated.len() >= MAX_REPEATED {
                            return Err(problem);
                        }
                        self.repeated.push(problem);
                    } else {
                        known.insert(text.clone(), node.span.clone());
                    }
                    *key = Some(Key { text, span: node.span, repeated });
                }
            },
        }
        Ok(())
    }

    /// A fault of the YAML itself, in the words of somebody who writes detections.
    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let at = self.byte(error.marker().index());
        let text = &self.file.text;
        if let Some(tab) = tab_in_indentation(text, at) {
            return self
                .fault(Code::Tab, tab..tab + 1, "a tab is used for indentation")
                .help("YAML is indented with blanks; set your editor to write them");
        }
        let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8());
        let info = error.info();
        let (message, help) = explain(info);
        let problem = self.fault(Code::Syntax, at..end, format!("this is not YAML: {message}"));
        if help.is_empty() { problem } else { problem.help(help) }
    }
}

/// The first tab in the indentation of the line at `at` or of the one before it.
fn tab_in_indentation(text: &str, at: usize) -> Option<usize> {
    let line_start = |at: usize| text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1);
    let here = line_start(at.min(text.len()));
    let before = line_start(here.saturating_sub(1));
    [here, before].into_iter().find_map(|start| {
        let line = text.get(start..)?;
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..indent)?.find('\t').map(|tab| start + tab)
    })
}

/// The parser's message in plain words, and what usually helps.
fn explain(info: &str) -> (String, &'static str) {
    const QUOTE: &str = "put text that begins with a special character, or holds `: ` or ` #`, between quotes";
    let words = match info {
        "mapping values are not allowed in this context" | "illegal placement of ':' indicator" => {
            "a `:` stands where no key can be"
        }
        "simple key expected" | "simple key expect ':'" => {
            return ("the line before is neither `key: value` nor part of a text".to_owned(), "");
        }
        "while parsing node, found unknown anchor" => {
            return (
                "`*` begins an alias, and there is no anchor (`&`) of that name before it".to_owned(),
                "put text that begins with `*` or `&` between quotes: `'*'`",
            );
        }
        "while scanning an anchor or alias, did not find expected alphabetic or numeric character" => {
            return (
                "`*` begins an alias and `&` an anchor, and no name follows".to_owned(),
                "put text that begins with `*` or `&` between quotes: `'*'`",
            );
        }
        "while parsing a quoted scalar, found unknown escape character" => {
            return (
                "there is no such escape between double quotes".to_owned(),
                "between single quotes a backslash is just a backslash",
            );
        }
        "while scanning a quoted scalar, found unexpected end of stream" => {
            return ("the quote that opens here is never closed".to_owned(), "");
        }
        "invalid indentation in quoted scalar" => {
            return ("the quote that opens here is not closed where the text ends".to_owned(), "");
        }
        "invalid trailing content after double-quoted scalar" => {
            return ("text follows the closing quote".to_owned(), "put all of the value between the quotes");
        }
        "while parsing a block mapping, did not find expected key" | "invalid indentation" => {
            return ("no key stands here, or its indentation fits no line above".to_owned(), "");
        }
        "while parsing a block collection, did not find expected '-' indicator" => {
            return ("the list above goes on here without a `-`, or its indentation changed".to_owned(), "");
        }
        "while parsing a flow mapping, did not find expected ',' or '}'" => {
            return ("a `,` or the closing `}` is missing".to_owned(), QUOTE);
        }
        "while parsing a flow sequence, expected ',' or ']'" => {
            return ("a `,` or the closing `]` is missing".to_owned(), QUOTE);
        }
        "recursion limit exceeded" => return ("brackets nest too deeply".to_owned(), ""),
        "while parsing a node, did not find expected node content" | "did not find expected next token" => {
            "no value can begin so"
        }
        other if other.starts_with("unexpected character") => "text cannot begin with this character",
        other => return (other.to_owned(), ""),
    };
    (words.to_owned(), QUOTE)
}
