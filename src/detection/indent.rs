//! Even indentation: whatever stands below a key, and every list, two blanks further in. What is written in one piece (a
//! text, `{…}` and `[…]` over several lines) moves as one, and so do comments with what they stand above.

use super::yaml::{Kind, Node};

/// How far each level is set in.
const STEP: usize = 2;

/// A line that something begins on, and how it moves.
struct Anchor {
    line: usize,
    /// The bytes of the line that are indentation, dashes included, and what takes their place.
    old: usize,
    new: String,
    /// Where what the line holds began, and where it begins now: the lines after it move as far.
    from: usize,
    to: usize,
    /// Where what it holds ends in the text, if that is of one piece.
    end: usize,
}

/// The text of a file with the nodes of `root`, evenly indented; nothing where something is laid out in another way than
/// these lines know.
pub(super) fn even(text: &str, root: &Node) -> Option<String> {
    let mut walk = Walk { text, starts: line_starts(text), anchors: Vec::new() };
    walk.node(root, 0)?;
    let Walk { starts, mut anchors, .. } = walk;
    anchors.sort_by_key(|anchor| anchor.line);
    let mut out = String::with_capacity(text.len());
    let mut next = 0;
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let anchor = anchors.get(next).filter(|anchor| anchor.line == at);
        if let Some(anchor) = anchor {
            out.push_str(&anchor.new);
            out.push_str(line.get(anchor.old..)?);
            next += 1;
        } else if line.trim().is_empty() {
            out.push_str(line);
        } else {
            let before = next.checked_sub(1).and_then(|last| anchors.get(last));
            let is_inside = before.is_some_and(|before| starts.get(at).is_some_and(|start| *start < before.end));
            let indent = blanks(line);
            // A comment belongs to what comes next or came last in line with it.
            let is_level = |anchor: &&Anchor| lines.get(anchor.line).is_some_and(|line| blanks(line) == indent);
            let level = anchors.get(next).filter(is_level);
            let level = level.or_else(|| anchors.get(..next)?.iter().rev().find(is_level)).filter(|_| !is_inside);
            let to = match (level, before) {
                (Some(level), _) => blanks(&level.new),
                (None, Some(before)) => (indent + before.to).checked_sub(before.from)?,
                (None, None) => indent,
            };
            out.push_str(&" ".repeat(to));
            out.push_str(line.trim_start_matches(' '));
        }
        out.push('\n');
    }
    Some(out)
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// How many blanks a line begins with.
fn blanks(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

struct Walk<'t> {
    text: &'t str,
    starts: Vec<usize>,
    anchors: Vec<Anchor>,
}

impl Walk<'_> {
    /// The line of a byte, and how far into it that is.
    fn place(&self, at: usize) -> Option<(usize, usize)> {
        let line = self.starts.partition_point(|start| *start <= at).checked_sub(1)?;
        Some((line, at - self.starts.get(line)?))
    }

    /// Whether a node is written in one piece.
    fn is_piece(&self, node: &Node) -> bool {
        let is_text = matches!(node.kind, Kind::Scalar { .. });
        is_text || self.text.get(node.span.start..).is_some_and(|text| text.starts_with(['{', '[', '*', '&']))
    }

    /// A node whose entries or items are to begin `to` blanks into their lines.
    fn node(&mut self, node: &Node, to: usize) -> Option<()> {
        if self.is_piece(node) {
            return Some(());
        }
        match &node.kind {
            Kind::Scalar { .. } => Some(()),
            Kind::Mapping(entries) => entries.iter().try_for_each(|entry| {
                // What an alias stands for is written elsewhere.
                let is_here = entry.value.span.start >= entry.key_span.end;
                let is_whole = is_here && self.is_piece(&entry.value);
                let end = if is_whole { entry.value.span.end } else { entry.key_span.end };
                self.begins(entry.key_span.start, to, end)?;
                if !is_here {
                    return Some(());
                }
                self.block(&entry.value, to + STEP);
                self.node(&entry.value, to + STEP)
            }),
            Kind::Sequence(items) => items.iter().try_for_each(|item| {
                self.item(item, to)?;
                self.block(item, to + STEP);
                self.node(item, to + STEP)
            }),
        }
    }

    /// The lines of a block of text begin `to` blanks in, unless it says itself how far they do. The block is of what
    /// the last anchor holds.
    fn block(&mut self, node: &Node, to: usize) {
        let Kind::Scalar { plain: false, .. } = node.kind else { return };
        let Some(anchor) = self.anchors.last_mut() else { return };
        let here = self.starts.get(anchor.line).and_then(|start| self.text.get(*start..)).unwrap_or_default();
        let mut lines = here.lines();
        let head = lines.next().and_then(|line| line.get(anchor.old..)).unwrap_or_default();
        // `key: |-  # why`
        let sign = head.split(" #").next().unwrap_or_default().split_whitespace().last().unwrap_or_default();
        let is_quoted = self.text.get(node.span.start..).is_some_and(|text| text.starts_with(['"', '\'']));
        if is_quoted || !sign.starts_with(['|', '>']) || sign.contains(|c: char| c.is_ascii_digit()) {
            return;
        }
        if let Some(first) = lines.find(|line| !line.trim().is_empty()) {
            (anchor.from, anchor.to) = (blanks(first), to);
        }
    }

    /// Something that begins at a byte, first on its line or behind the dash of an item that is known.
    fn begins(&mut self, at: usize, to: usize, end: usize) -> Option<()> {
        let (line, column) = self.place(at)?;
        // What was met before stands before it.
        if let Some(known) = self.anchors.last_mut().filter(|anchor| anchor.line == line) {
            known.end = known.end.max(end);
            return (known.old == column).then_some(());
        }
        let start = self.starts.get(line)?;
        let is_first = self.text.get(*start..at)?.bytes().all(|b| b == b' ');
        self.anchors.push(Anchor { line, old: column, new: " ".repeat(to), from: column, to, end });
        is_first.then_some(())
    }

    /// An item behind its dash.
    fn item(&mut self, item: &Node, to: usize) -> Option<()> {
        let (line, column) = self.place(item.span.start)?;
        let start = self.starts.get(line)?;
        let before = self.text.get(*start..item.span.start)?;
        let is_plain = before.trim() == "-" && self.anchors.last().is_none_or(|anchor| anchor.line != line);
        let new = format!("{}- ", " ".repeat(to));
        let end = if self.is_piece(item) { item.span.end } else { item.span.start };
        self.anchors.push(Anchor { line, old: column, new, from: column, to: to + STEP, end });
        is_plain.then_some(())
    }
}
