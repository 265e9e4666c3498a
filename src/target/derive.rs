//! Patterns for a field, turned into patterns for the field that it is a part of.

use crate::logic::{Glob, Pattern, Piece, Shape, TextSet};

/// Patterns for the last segment of an absolute path, as patterns for the whole path. The error says why there are none.
pub fn basename(set: &TextSet) -> Result<TextSet, String> {
    let mut patterns = Vec::new();
    for pattern in set.any.iter() {
        match pattern {
            Pattern::Glob(glob) => patterns.extend(basename_glob(glob)),
            // A path is never the name of a file.
            Pattern::Path { .. } => {}
            Pattern::Regex(_) => {
                return Err("a regular expression on a file name has no counterpart on the whole path".to_owned());
            }
        }
    }
    Ok(TextSet::new(patterns, set.case))
}

/// `None` if no file name satisfies the glob.
fn basename_glob(glob: &Glob) -> Option<Pattern> {
    if glob.pieces().iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains('/'))) {
        return None;
    }
    Some(match glob.shape() {
        Shape::Equals("") => return None,
        Shape::Equals(name) => Pattern::Glob(Glob::ends_with(format!("/{name}"))),
        Shape::EndsWith(_) | Shape::Anything => Pattern::Glob(glob.clone()),
        _ => Pattern::Regex(format!("(?:^|/){}$", Pattern::Glob(glob.clone()).to_regex("[^/]"))),
    })
}

/// Patterns for one of several arguments, as patterns for the arguments joined by single spaces, and whether the two
/// are the same. If they are not, those on the line hold for more.
pub fn joined(set: &TextSet) -> (TextSet, bool) {
    let mut exact = true;
    let patterns = set.any.iter().map(|pattern| {
        match pattern {
            Pattern::Glob(glob) => match glob.shape() {
                Shape::Contains(text) if !text.contains(' ') => return pattern.clone(),
                Shape::Anything => return pattern.clone(),
                _ => {}
            },
            Pattern::Regex(_) | Pattern::Path { .. } => {}
        }
        exact = false;
        match pattern {
            // What is found in an argument is found in the line, unless it asks for the argument's ends.
            Pattern::Regex(source) if source.contains(['^', '$', '\\']) => Pattern::Glob(Glob::new([Piece::Any])),
            Pattern::Regex(_) => pattern.clone(),
            _ => Pattern::Regex(format!("(?:^| )(?:{})(?: |$)", pattern.to_regex("(?s:.)"))),
        }
    });
    let patterns = patterns.collect();
    (TextSet::new(patterns, set.case), exact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::Case;

    fn set(glob: Glob) -> TextSet {
        TextSet::new(vec![Pattern::Glob(glob)], Case::Sensitive)
    }

    #[test]
    fn a_file_name_becomes_the_end_of_a_path() {
        for (glob, paths) in [
            (Glob::equals("docker"), [("/usr/bin/docker", true), ("/opt/dockerd", false), ("/docker/x", false)]),
            (Glob::starts_with("doc"), [("/usr/bin/docker", true), ("/doc/x", false), ("/usr/xdoc", false)]),
            (Glob::ends_with("ker"), [("/usr/bin/docker", true), ("/ker/x", false), ("/usr/kern", false)]),
            (Glob::contains("ock"), [("/usr/bin/docker", true), ("/ock/x", false), ("/usr/oc", false)]),
            (Glob::equals("a.b"), [("/a.b", true), ("/axb", false), ("/a.b/c", false)]),
        ] {
            let derived = basename(&set(glob.clone())).expect("a pattern");
            for (path, expected) in paths {
                assert_eq!(derived.is_match(path, false), expected, "{glob:?} {path}");
                let name = path.rsplit('/').next().unwrap_or_default();
                assert_eq!(set(glob.clone()).is_match(name, false), expected, "{glob:?} {name}");
            }
        }
        assert!(basename(&set(Glob::equals("a/b"))).expect("nothing").any.is_empty());
        assert!(basename(&TextSet::new(vec![Pattern::Regex("x".into())], Case::Either)).is_err());
    }

    #[test]
    fn an_argument_becomes_a_part_of_the_line() {
        let (contains, exact) = joined(&set(Glob::contains("docker.sock")));
        assert!(exact && contains.is_match("docker -v /run/docker.sock:/x", false));
        let (equals, exact) = joined(&set(Glob::equals("run")));
        assert!(!exact && equals.is_match("docker run x", false) && equals.is_match("run", false));
        assert!(!equals.is_match("docker prune", false));
    }
}
