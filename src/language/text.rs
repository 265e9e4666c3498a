//! What printers ask of patterns: which of them are plain values, which have wildcards, whether letters matter.

use crate::logic::{Case, Glob, Pattern, Piece, Predicate, Shape, TextSet};

/// Whether the two cases of some letter in `text` differ.
pub(super) fn has_letters(text: &str) -> bool {
    text.chars().any(is_cased)
}

/// Whether `c` has another case, or is equal to another letter when case is ignored.
pub(super) fn is_cased(c: char) -> bool {
    c.is_alphabetic() && !(c.to_lowercase().eq([c]) && c.to_uppercase().eq([c]))
}

/// Whether a text has letters of two cases that are no ASCII letters.
pub(super) fn has_foreign_letter(text: &str) -> bool {
    text.chars().any(|c| !c.is_ascii() && is_cased(c))
}

/// Whether `c` is not to be seen, as blanks of other scripts are, at which some editors break lines.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control() || (c.is_whitespace() && c != ' ')
}

/// A text for a message, with control characters by their numbers.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// The literal texts of a glob.
pub(super) fn literals(glob: &Glob) -> impl Iterator<Item = &str> {
    glob.pieces().iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text.as_str()),
        _ => None,
    })
}

/// Whether the case of letters makes no difference to the set.
pub(super) fn is_caseless(set: &TextSet) -> bool {
    set.any.iter().all(|pattern| match pattern {
        Pattern::Glob(glob) => literals(glob).all(|text| !has_letters(text)),
        Pattern::Path { path, .. } => !has_letters(path),
        Pattern::Regex(_) => false,
    })
}

/// The case that the set is read in, sensitive where it makes no difference.
pub(super) fn case(set: &TextSet) -> Case {
    if is_caseless(set) { Case::Sensitive } else { set.case }
}

/// The values, if every pattern of the set is a plain value.
pub(super) fn values(set: &TextSet) -> Option<Vec<&str>> {
    set.any.iter().map(value).collect()
}

/// The value, if the pattern is a plain value.
pub(super) fn value(pattern: &Pattern) -> Option<&str> {
    match pattern {
        Pattern::Glob(glob) => match glob.shape() {
            Shape::Equals(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The globs, if the set has nothing else.
pub(super) fn globs(set: &TextSet) -> Option<Vec<&Glob>> {
    set.any
        .iter()
        .map(|pattern| match pattern {
            Pattern::Glob(glob) => Some(glob),
            _ => None,
        })
        .collect()
}

/// Whether the set is satisfied by every value.
pub(super) fn is_anything(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Exists => true,
        Predicate::Text(set) => {
            set.any.iter().any(|pattern| matches!(pattern, Pattern::Glob(glob) if glob.shape() == Shape::Anything))
        }
        _ => false,
    }
}

/// The patterns of a set, split into runs of one kind in the author's order: plain values, globs with wildcards,
/// and single expressions or paths.
pub(super) fn runs(set: &TextSet) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for pattern in set.any.iter() {
        match (pattern, value(pattern), runs.last_mut()) {
            (_, Some(text), Some(Run::Values(values))) => values.push(text),
            (_, Some(text), _) => runs.push(Run::Values(vec![text])),
            (Pattern::Glob(glob), None, Some(Run::Globs(globs))) => globs.push(glob),
            (Pattern::Glob(glob), None, _) => runs.push(Run::Globs(vec![glob])),
            (other, _, _) => runs.push(Run::Other(other)),
        }
    }
    runs
}

/// Neighbouring patterns of one kind.
pub(super) enum Run<'s> {
    /// Plain values.
    Values(Vec<&'s str>),
    /// Globs that are no plain value.
    Globs(Vec<&'s Glob>),
    /// An expression or a path.
    Other(&'s Pattern),
}

/// The first control character of a text.
pub(super) fn control(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control())
}

/// The longest value that Elastic keeps in a keyword field.
const LONGEST_KEYWORD: usize = 1024;

/// Refuses text that is longer than any keyword of Elastic, and would never be found.
pub(super) fn refuse_beyond_keywords(set: &TextSet) -> Result<(), String> {
    let is_longer = |pattern: &Pattern| match pattern {
        Pattern::Glob(glob) => literals(glob).map(|text| text.chars().count()).sum::<usize>() > LONGEST_KEYWORD,
        Pattern::Path { path, .. } => path.chars().count() > LONGEST_KEYWORD,
        Pattern::Regex(_) => false,
    };
    if set.any.iter().any(is_longer) {
        return Err(format!("Elastic keeps no value of more than {LONGEST_KEYWORD} characters in a keyword field"));
    }
    Ok(())
}

/// Whether the text is how a whole number is written, and the only way.
pub(super) fn is_number(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
}

/// Whether the text is an address in its only spelling.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_keep_the_authors_order() {
        let glob = |text: &str| Pattern::Glob(Glob::equals(text));
        let set = TextSet::new(
            vec![glob("a"), glob("b"), Pattern::Glob(Glob::contains("c")), Pattern::Regex("d".into()), glob("e")],
            Case::Either,
        );
        let kinds: Vec<usize> = runs(&set)
            .iter()
            .map(|run| match run {
                Run::Values(values) => values.len(),
                Run::Globs(globs) => 10 * globs.len(),
                Run::Other(_) => 100,
            })
            .collect();
        assert_eq!(kinds, [2, 10, 100, 1]);
    }

    #[test]
    fn digits_and_signs_have_no_case() {
        assert!(!has_letters("/1-2_3/") && !has_letters("中") && has_letters("-v") && has_letters("ß"));
    }
}
