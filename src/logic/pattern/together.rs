//! Several patterns as one regular expression: what they share is written once, so that a reader sees where they differ
//! and a language with short expressions takes more of them.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::{Pattern, SLASHES, between_anchors, escape, group};

/// Paths that all count what lies below them, or all do not, as one expression: what they begin with is written once.
pub(super) fn paths_regex(paths: &[Pattern], any: &str) -> String {
    let (mut tree, mut count_below) = (Segments::default(), false);
    for pattern in paths {
        if let Pattern::Path { path, below } = pattern {
            count_below |= below;
            tree.insert(path);
        }
    }
    let end = if count_below { format!("(?:/{any}*)?") } else { r"(?:/\.?)*".to_owned() };
    format!("{SLASHES}{}{end}", tree.to_regex())
}

/// Paths by their segments, in the order in which they came.
#[derive(Default)]
struct Segments<'a> {
    below: IndexMap<&'a str, Segments<'a>, RandomState>,
    /// Whether one of the paths ends here.
    is_end: bool,
}

impl<'a> Segments<'a> {
    fn insert(&mut self, path: &'a str) {
        let segments = path.splitn(MAX_SEGMENTS, '/').filter(|segment| !segment.is_empty());
        let last = segments.fold(self, |tree, segment| tree.below.entry(segment).or_default());
        last.is_end = true;
    }

    /// What follows the slash before it.
    fn to_regex(&self) -> String {
        let each = self.below.iter().map(|(segment, rest)| {
            let segment = segments_regex(segment);
            match (rest.below.is_empty(), rest.is_end) {
                (true, _) => segment,
                (false, false) => format!("{segment}{SLASHES}{}", rest.to_regex()),
                (false, true) => format!("{segment}(?:{SLASHES}{})?", rest.to_regex()),
            }
        });
        group(&each.collect::<Vec<_>>())
    }
}

/// How many segments of a path are told apart: what follows is one segment, so that no path is too deep.
const MAX_SEGMENTS: usize = 64;

/// Segments with slashes between them.
fn segments_regex(path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).map(escape);
    segments.collect::<Vec<_>>().join(SLASHES)
}

/// Expressions as the alternatives of one: what all of them begin and end with is written once.
pub(super) fn expressions_regex(expressions: &[Pattern], any: &str) -> String {
    fn sequence(pattern: &Pattern) -> Option<Vec<&str>> {
        match pattern {
            Pattern::Regex(source) => between_anchors(source).and_then(items),
            Pattern::Glob(_) | Pattern::Path { .. } => None,
        }
    }
    if let [_, _, ..] = expressions
        && let Some(all) = expressions.iter().map(sequence).collect::<Option<Vec<_>>>()
        && let Some(shared) = shared(&all)
    {
        return shared;
    }
    let each = expressions.iter().map(|expression| format!("(?:{})", expression.to_regex(any)));
    each.collect::<Vec<_>>().join("|")
}

/// Alternatives, each a sequence of parts, as one expression that has what they share once. None if they share nothing.
fn shared(all: &[Vec<&str>]) -> Option<String> {
    let (first, others) = all.split_first()?;
    // Something is left of each, so that no alternative is empty.
    let most = all.iter().map(Vec::len).min()?.checked_sub(1)?;
    let begin = (0..most).take_while(|at| others.iter().all(|other| other.get(*at) == first.get(*at))).count();
    let from_end = |parts: &[&str], at: usize| parts.len().checked_sub(at + 1);
    let is_same = |other: &[&str], at| {
        let part = from_end(first, at).and_then(|at| first.get(at));
        part == from_end(other, at).and_then(|at| other.get(at))
    };
    let mut end = (0..most - begin).take_while(|at| others.iter().all(|other| is_same(other, *at))).count();
    // The last letters of words that differ stay with them.
    let is_letter = |part: &&str| part.chars().all(char::is_alphanumeric);
    while end > 0 && first.get(first.len() - end).is_some_and(is_letter) {
        end -= 1;
    }
    let part = |parts: &[&str], from: usize, to: usize| parts.get(from..to).unwrap_or_default().concat();
    let middles: Vec<String> = all.iter().map(|parts| part(parts, begin, parts.len() - end)).collect();
    let (head, tail) = (part(first, 0, begin), part(first, first.len() - end, first.len()));
    (begin + end > 0).then(|| format!("{head}(?:{}){tail}", middles.join("|")))
}

/// The parts that a plain expression is a sequence of, each with how often it is repeated. None if it is no sequence, or
/// holds what means something beyond the part in which it stands.
fn items(source: &str) -> Option<Vec<&str>> {
    let mut items = Vec::new();
    let mut rest = source;
    while !rest.is_empty() {
        let mut length = item(rest)?;
        while let Some(next) = rest.get(length..).filter(|next| next.starts_with(['*', '+', '?', '{'])) {
            length += if next.starts_with('{') { next.find('}')? + 1 } else { 1 };
        }
        let (item, others) = rest.split_at_checked(length)?;
        items.push(item);
        rest = others;
    }
    Some(items)
}

/// How long the first part of an expression is, without how often it is repeated.
fn item(source: &str) -> Option<usize> {
    let mut signs = source.char_indices();
    let (_, sign) = signs.next()?;
    match sign {
        '|' | '^' | '$' | ')' | '*' | '+' | '?' | '{' => None,
        '\\' => {
            let (at, escaped) = signs.next()?;
            let is_whole = !escaped.is_alphanumeric() || "dDsSwWtnr".contains(escaped);
            is_whole.then_some(at + escaped.len_utf8())
        }
        '[' => {
            let (mut depth, mut is_first) = (1usize, true);
            while let Some((at, sign)) = signs.next() {
                match sign {
                    '\\' => _ = signs.next()?,
                    '^' if is_first => continue,
                    '[' => depth += 1,
                    // Right behind the beginning it is one of the class's characters; left to those who can read that.
                    ']' if is_first => return None,
                    ']' => depth -= 1,
                    _ => {}
                }
                is_first = false;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            None
        }
        '(' => {
            let mut at = if source.starts_with("(?:") {
                3
            } else if source.starts_with("(?") {
                return None;
            } else {
                1
            };
            loop {
                let inner = source.get(at..)?;
                match inner.chars().next()? {
                    ')' => return Some(at + 1),
                    '|' | '^' | '$' | '*' | '+' | '?' | '{' | '}' => at += 1,
                    _ => at += item(inner)?,
                }
            }
        }
        other => Some(other.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::{Case, TextSet};

    #[test]
    fn what_expressions_share_is_written_once() {
        let set = |sources: &[&str]| {
            let patterns = sources.iter().map(|source| Pattern::Regex((*source).to_owned())).collect();
            TextSet::new(patterns, Case::Sensitive).to_regex("[^ ]")
        };
        assert_eq!(set(&["^(?:x,)*AB(?:,y)?$", "^(?:x,)*AC(?:,y)?$"]), "(?:x,)*A(?:B|C)(?:,y)?");
        assert_eq!(set(&["^ab$", "^ab$"]), "a(?:b|b)");
        assert_eq!(set(&["^a$", "^ba$"]), "(?:(?:a))|(?:(?:ba))");
        // A repeated part is one part, and neither a class nor an escape falls apart.
        assert_eq!(set(&[r"^ab+\.$", r"^ab*\.$"]), r"a(?:b+|b*)\.");
        assert_eq!(set(&["^Xable$", "^Xbottle$"]), "X(?:able|bottle)");
        assert_eq!(set(&[r"^[a\]b]\.x$", r"^[a\]b]\.y$"]), r"[a\]b]\.(?:x|y)");
        for alone in [
            ["^a|b$", "^ac$"],
            ["^(?i)ab$", "^(?i)ac$"],
            [r"^\x41b$", r"^\x41c$"],
            ["ab", "ac"],
            ["^[]a]b$", "^[]a]c$"],
        ] {
            assert!(!set(&alone).contains("(?:b|c)"), "{alone:?}");
        }
        for source in ["(a(b|[c)]))d", "[[a]b]c", r"a{2,3}\{b", "é+(?:x|)y"] {
            let parts = items(source).expect("a sequence");
            assert_eq!(parts.concat(), source);
            assert!(parts.iter().all(|part| regex_syntax::parse(part).is_ok()), "{parts:?}");
        }
    }

    #[test]
    fn paths_say_the_same_together_as_alone() {
        let path = |path: &str, below| Pattern::Path { path: path.into(), below };
        let deep = "/d".repeat(2 * MAX_SEGMENTS);
        let below = ["/etc", "/var/lib", "/var/log", "/var/lib/docker", "/v"].map(|text| path(text, true));
        let alone = ["/a", "/b.c", "/usr", "/usr/local", "/usr/lib/x", "/usr/lib", &deep].map(|text| path(text, false));
        let all = [below.as_slice(), &[path("/", true)], &alone].concat();
        let together = TextSet::new(all.clone(), Case::Sensitive);
        let other = deep.replacen("/d", "/e", 1);
        for text in [
            "/etc",
            "//etc/./x",
            "/var",
            "/var//lib/",
            "/var/libx",
            "/var/log/./x",
            "/var/lib/docker",
            "/var/lib/docker/x",
            "/v/a",
            "/.",
            "/a/",
            "/a/b",
            "/b.c/.",
            "/bxc",
            "/etc/var",
            "var/lib",
            "/usr/.",
            "/usr/local/",
            "/usr/./lib//x",
            "/usr/lib",
            "/usr/x",
            "/usr/lib/x/y",
            &deep,
            &deep.replace('/', "/./"),
            &other,
        ] {
            let alone =
                all.iter().any(|pattern| TextSet::new(vec![pattern.clone()], Case::Sensitive).is_match(text, false));
            assert_eq!(together.is_match(text, false), alone, "{text}");
        }
    }
}
