//! Conditions on an option's value: what holds for a value, and the expressions that say so of it within a line.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::{OptionTest, OptionValue, TRUE_WORDS, ValueForm, ValueTest};
use crate::logic::expression::{self, Expression};
use crate::logic::pattern::{Pattern, Piece, TextSet, between_anchors, escape, group};

/// Words that make a mount read-only in `--mount`.
const READ_ONLY_WORDS: [&str; 2] = ["ro", "readonly"];
/// Words that make a mount read-only in `--volume`. Podman's `O` lays a directory over the source that takes what is
/// written.
const VOLUME_READ_ONLY_WORDS: [&str; 2] = ["ro", "O"];

impl ValueTest {
    pub(super) fn set(&self) -> Option<&TextSet> {
        match self {
            ValueTest::Whole(set) | ValueTest::Key(_, set) => Some(set),
            ValueTest::ReadOnly(_) => None,
        }
    }

    /// Whether `other` is this test with more alternatives.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (ValueTest::Whole(set), ValueTest::Whole(more)) => set.is_within(more),
            (ValueTest::Key(names, set), ValueTest::Key(same, more)) => names == same && set.is_within(more),
            (one, other) => one == other,
        }
    }

    pub(super) fn holds(&self, form: ValueForm, value: &str) -> bool {
        match self {
            ValueTest::Whole(set) => set.is_match(value, false),
            ValueTest::Key(names, set) => match form {
                ValueForm::Plain => false,
                ValueForm::Volume => {
                    let fields: Vec<&str> = value.split(':').collect();
                    let field = |name: &str| match (name, fields.as_slice()) {
                        ("source", [source, _, ..]) => Some(*source),
                        ("target", [_, target, ..] | [target]) => Some(*target),
                        _ => None,
                    };
                    names.iter().filter_map(|name| field(name)).any(|field| set.is_match(field, false))
                }
                ValueForm::Keys => value
                    .split(',')
                    // Docker and podman read comma-separated values, in which an item may stand in quotes.
                    .filter_map(|item| item.strip_prefix('"').unwrap_or(item).split_once('='))
                    .filter(|(key, _)| names.iter().any(|name| name == key))
                    .any(|(_, value)| {
                        let unquoted = value.strip_suffix('"');
                        set.is_match(value, false) || unquoted.is_some_and(|value| set.is_match(value, false))
                    }),
            },
            ValueTest::ReadOnly(true) => is_read_only(form, value),
            ValueTest::ReadOnly(false) => is_writable(form, value),
        }
    }
}

fn is_read_only(form: ValueForm, value: &str) -> bool {
    match form {
        ValueForm::Plain => false,
        ValueForm::Volume => value
            .splitn(3, ':')
            .nth(2)
            .unwrap_or_default()
            .split(',')
            .any(|item| VOLUME_READ_ONLY_WORDS.contains(&item)),
        ValueForm::Keys => value.split(',').any(|item| match item.split_once('=') {
            None => READ_ONLY_WORDS.contains(&item),
            Some((key, value)) => READ_ONLY_WORDS.contains(&key) && TRUE_WORDS.contains(&value),
        }),
    }
}

/// Whether a mount can be written to.
fn is_writable(form: ValueForm, value: &str) -> bool {
    !is_read_only(form, value) && (form != ValueForm::Keys || value.split([',', ':']).all(is_writable_word))
}

/// Whether a word of `--mount` leaves the mount writable, see [`WRITABLE_WORD`].
fn is_writable_word(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('r') else { return true };
    let is_other = match rest.strip_prefix('e') {
        Some(rest) => !rest.is_empty() && !rest.starts_with('a'),
        None => !rest.is_empty() && !rest.starts_with('o'),
    };
    is_other || word.split_once('=').is_some_and(|(_, value)| value.starts_with(['0', 'f', 'F']))
}

/// A word of `--mount` that leaves the mount writable: it does not begin like the words for read-only, or says no.
/// No other key begins so, and this is much shorter than an expression for all other words would be. A colon ends a word,
/// too: containerd's `ctr` has `options=rbind:ro`.
const WRITABLE_WORD: &str = "(?:(?:[^ ,:r]|r[^ ,:eo]|re[^ ,:a]|r[^ ,:=]*=[0fF])[^ ,:]*)?";

/// The conditions on one value, where expressions can say them together.
enum Shape<'t> {
    /// Any value will do.
    Any,
    /// The value is one of these.
    Whole(&'t TextSet),
    /// The fields of a [`ValueForm::Volume`] are some of these, and it is read-only or not.
    Volume { source: Option<&'t TextSet>, target: Option<&'t TextSet>, read_only: Option<bool> },
    /// The value of a key of [`ValueForm::Keys`] is one of these, and it is read-only or not.
    Keys { key: Option<(&'t [String], &'t TextSet)>, read_only: Option<bool> },
}

impl<'t> Shape<'t> {
    /// None if the conditions need more than one expression.
    fn new(form: ValueForm, tests: &'t [ValueTest]) -> Option<Self> {
        if tests.iter().filter_map(ValueTest::set).any(|set| set.any.iter().any(is_anchored)) {
            return None;
        }
        if tests.is_empty() {
            return Some(Shape::Any);
        }
        let (mut read_only, mut whole) = (None, None);
        let mut keys: Vec<(&[String], &TextSet)> = Vec::new();
        for test in tests {
            match test {
                ValueTest::ReadOnly(wanted) if read_only.is_none() => read_only = Some(*wanted),
                ValueTest::Whole(set) if whole.is_none() => whole = Some(set),
                ValueTest::Key(names, set) => keys.push((names, set)),
                _ => return None,
            }
        }
        if let Some(set) = whole {
            return (tests.len() == 1).then_some(Shape::Whole(set));
        }
        match form {
            ValueForm::Plain => None,
            ValueForm::Volume => {
                let mut field = |name: &str| {
                    let at = keys.iter().position(|(names, _)| names.iter().any(|n| n == name))?;
                    Some(keys.remove(at).1)
                };
                let (source, target) = (field("source"), field("target"));
                keys.is_empty().then_some(Shape::Volume { source, target, read_only })
            }
            ValueForm::Keys => match keys.as_slice() {
                [] => Some(Shape::Keys { key: None, read_only }),
                [key] => Some(Shape::Keys { key: Some(*key), read_only }),
                _ => None,
            },
        }
    }
}

/// Whether a pattern has an anchor of its own, which would stand for the beginning or the end of the line.
fn is_anchored(pattern: &Pattern) -> bool {
    let signs = ["^", "$", r"\b", r"\B", r"\A", r"\z", r"\<", r"\>"];
    let looks = |source: &str| regex_syntax::parse(source).map_or(true, |hir| !hir.properties().look_set().is_empty());
    match pattern {
        // Most have no sign of one, and need not be parsed.
        Pattern::Regex(source) if signs.iter().any(|sign| source.contains(sign)) => {
            between_anchors(source).is_none() && looks(source)
        }
        _ => false,
    }
}

impl OptionTest {
    /// Whether no pattern of its own accord holds what ends a value in a line, or a part of one: a line in which the value
    /// seems to go on into the next argument is not read as the vector is. Wildcards never go so far.
    pub fn stays_in_its_value(&self) -> bool {
        let OptionValue::Given { form, tests } = &self.value else { return true };
        tests.iter().all(|test| {
            let (set, ends): (_, &[char]) = match (test, form) {
                (ValueTest::ReadOnly(_), _) => return true,
                (ValueTest::Key(_, set), ValueForm::Volume) => (set, &[' ', ':']),
                (ValueTest::Key(_, set), ValueForm::Keys) => (set, &[' ', ',']),
                (ValueTest::Key(_, set) | ValueTest::Whole(set), _) => (set, &[' ']),
            };
            !set.any.iter().any(|pattern| may_hold(pattern, ends))
        })
    }
}

/// Whether a text that satisfies the pattern may hold one of these characters, other than for a wildcard.
fn may_hold(pattern: &Pattern, characters: &[char]) -> bool {
    match pattern {
        Pattern::Glob(glob) => {
            glob.pieces().iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains(characters)))
        }
        Pattern::Path { path, .. } => path.contains(characters),
        Pattern::Regex(source) => match expression::read(source, false) {
            Ok(Expression { tree, .. }) => tree_may_hold(&tree, characters),
            Err(_) => false,
        },
    }
}

fn tree_may_hold(tree: &Hir, characters: &[char]) -> bool {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).map_or(true, |text| text.contains(characters)),
        HirKind::Class(Class::Unicode(class)) => {
            let is_in = |c: &char| class.iter().any(|range| (range.start()..=range.end()).contains(c));
            characters.iter().any(is_in)
        }
        HirKind::Class(Class::Bytes(_)) => true,
        HirKind::Repetition(repetition) => tree_may_hold(&repetition.sub, characters),
        HirKind::Capture(capture) => tree_may_hold(&capture.sub, characters),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().any(|part| tree_may_hold(part, characters))
        }
    }
}

/// Whether the conditions on one value can be said by an expression.
pub(super) fn has_regex(form: ValueForm, tests: &[ValueTest]) -> bool {
    Shape::new(form, tests).is_some()
}

/// The conditions on one value as a regular expression over that value within a line; `None` if they need more
/// than one expression. `folded` as for [`OptionTest::given_regex`].
pub(super) fn value_regex(form: ValueForm, tests: &[ValueTest], folded: bool) -> Option<String> {
    value_regexes(form, tests, folded).map(|all| group(&all))
}

/// The same as alternatives.
pub(super) fn value_regexes(form: ValueForm, tests: &[ValueTest], folded: bool) -> Option<Vec<String>> {
    let as_written = |regex: &str| if folded { format!("(?-i:{regex})") } else { regex.to_owned() };
    Some(match Shape::new(form, tests)? {
        Shape::Any => vec!["[^ ]*".to_owned()],
        Shape::Whole(set) => vec![format!("(?:{})", set.to_regex("[^ ]"))],
        Shape::Volume { source, target, read_only } => {
            let field = |set: Option<&TextSet>| match set {
                Some(set) => format!("(?:{})", set.to_regex("[^ :]")),
                None => "[^ :]*".to_owned(),
            };
            let options = match read_only {
                None => "(?::[^ ]*)?".to_owned(),
                Some(true) => "(?::(?:[^ ,]*,)*(?:ro|O)(?:,[^ ]*)?)".to_owned(),
                // A comma may begin an item, too: one in the target is the target's own.
                Some(false) => format!("(?:[:,]{})*", as_written(&other_than(&VOLUME_READ_ONLY_WORDS, " ,"))),
            };
            let mut values = vec![format!("{}:{}{options}", field(source), field(target))];
            // A target alone is a volume without a name, which can be written to.
            if source.is_none() && read_only != Some(true) {
                values.push(field(target));
            }
            values
        }
        Shape::Keys { key, read_only } => {
            let key = key.map(|(names, set)| {
                let names: Vec<String> = names.iter().map(|name| escape(name)).collect();
                format!("\"?{}=(?:{})\"?", group(&names), set.to_regex("[^ ,]"))
            });
            let writable = as_written(WRITABLE_WORD);
            let is_read_only = "(?:ro|readonly)(?:=(?:1|t|T|true|TRUE|True))?";
            let (items, rest) = ("(?:[^ ,]*,)*", "(?:,[^ ]*)?");
            match (key, read_only) {
                (None, None) => vec!["[^ ]*".to_owned()],
                (None, Some(true)) => vec![format!("{items}{is_read_only}{rest}")],
                (None, Some(false)) => vec![format!("{writable}(?:[,:]{writable})*")],
                (Some(key), None) => vec![format!("{items}{key}{rest}")],
                (Some(key), Some(true)) => vec![
                    format!("{items}{key},{items}{is_read_only}{rest}"),
                    format!("{items}{is_read_only},{items}{key}{rest}"),
                ],
                (Some(key), Some(false)) => vec![format!("(?:{writable}[,:])*{key}(?:[,:]{writable})*")],
            }
        }
    })
}

/// An expression for every text without characters of `stop` that is none of `words`.
fn other_than(words: &[&str], stop: &str) -> String {
    fn below(words: &[&str], stop: &str) -> String {
        let mut firsts: Vec<char> = words.iter().filter_map(|word| word.chars().next()).collect();
        firsts.sort_unstable();
        firsts.dedup();
        let mut alternatives: Vec<String> = firsts
            .iter()
            .map(|first| {
                let rest: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix(*first)).collect();
                format!("{}{}", escape(&first.to_string()), below(&rest, stop))
            })
            .collect();
        let listed: String = firsts.iter().collect();
        alternatives.push(format!("[^{stop}{}][^{stop}]*", listed));
        let optional = if words.contains(&"") { "" } else { "?" };
        format!("(?:{}){optional}", alternatives.join("|"))
    }
    below(words, stop)
}
