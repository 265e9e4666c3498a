//! Patterns for a field, turned into patterns for the field that it is a part of.

use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

use crate::logic::expression;
use crate::logic::{Case, Glob, Pattern, Piece, Shape, TextSet};

/// Patterns for the last segment of an absolute path, as patterns for the whole path. The error says why there are none.
pub fn basename(set: &TextSet) -> Result<TextSet, String> {
    let mut patterns = Vec::new();
    for pattern in set.any.iter() {
        match pattern {
            Pattern::Glob(glob) => patterns.extend(basename_glob(glob)),
            // A path is never the name of a file.
            Pattern::Path { .. } => {}
            Pattern::Regex(source) => patterns.push(basename_regex(source, set.case)?),
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

/// What is found in a file name, as what is found behind the last slash of a path.
fn basename_regex(source: &str, case: Case) -> Result<Pattern, String> {
    let refused = || "this regular expression on a file name has no counterpart on the whole path".to_owned();
    let Edges { begins, ends, body } = edges(source, case).ok_or_else(refused)?;
    let name = within_name(&body).ok_or_else(refused)?;
    let text = written(source, case, begins, ends, &name);
    let (before, after) = (if begins { "" } else { "[^/]*" }, if ends { "" } else { "[^/]*" });
    Ok(Pattern::Regex(format!("(?:^|/){before}(?:{text}){after}$")))
}

/// An expression that asks for the edges of a text at its own edges only.
struct Edges {
    begins: bool,
    ends: bool,
    /// What is between.
    body: Hir,
}

/// The edges of an expression; `None` if they are elsewhere, too. The edges of words are no others: what stands around
/// a text that is a part of another, a slash or a blank, is as little of a word as nothing.
fn edges(source: &str, case: Case) -> Option<Edges> {
    let whole = read(source, case)?;
    let parts = match whole.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => std::slice::from_ref(&whole),
    };
    let is =
        |part: Option<&Hir>, look: Look| matches!(part.map(Hir::kind), Some(HirKind::Look(found)) if *found == look);
    let begins = is(parts.first(), Look::Start);
    let parts = parts.get(usize::from(begins)..)?;
    let ends = is(parts.last(), Look::End);
    let body = Hir::concat(parts.get(..parts.len() - usize::from(ends))?.to_vec());
    body.properties().look_set().iter().all(is_word).then_some(Edges { begins, ends, body })
}

/// What an expression says in a set that is read in this case.
fn read(source: &str, case: Case) -> Option<Hir> {
    let fold = case == Case::Insensitive;
    expression::read(source, fold).ok().map(|expression| expression.tree)
}

/// The text of what is between the edges of an expression: as its author wrote it, where that says the same.
fn written(source: &str, case: Case, begins: bool, ends: bool, body: &Hir) -> String {
    let inner = source.strip_prefix('^').filter(|_| begins).unwrap_or(source);
    let inner = inner.strip_suffix('$').filter(|_| ends).unwrap_or(inner);
    match read(inner, case) {
        Some(read) if read == *body => inner.to_owned(),
        // The letters of both cases are in the tree, and those of one case are meant so.
        _ if case == Case::Insensitive => format!("(?-i:{body})"),
        _ => body.to_string(),
    }
}

fn is_word(look: Look) -> bool {
    !matches!(look, Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF)
}

/// An expression without the texts that hold a slash; `None` if it looks at bytes.
fn within_name(hir: &Hir) -> Option<Hir> {
    let all = |parts: &[Hir]| parts.iter().map(within_name).collect::<Option<Vec<_>>>();
    Some(match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
        HirKind::Literal(literal) if literal.0.contains(&b'/') => Hir::fail(),
        HirKind::Literal(_) => hir.clone(),
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('/', '/')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut class = class.to_unicode_class()?;
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('/', '/')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Repetition(repetition) => {
            let sub = Box::new(within_name(&repetition.sub)?);
            Hir::repetition(Repetition { sub, ..repetition.clone() })
        }
        HirKind::Capture(capture) => {
            let sub = Box::new(within_name(&capture.sub)?);
            Hir::capture(Capture { sub, ..capture.clone() })
        }
        HirKind::Concat(parts) => Hir::concat(all(parts)?),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)?),
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
            // What is found in an argument is found in the line, where its edges are blanks, too.
            Pattern::Regex(source) => match edges(source, set.case) {
                Some(Edges { begins, ends, body }) => {
                    let (before, after) = (if begins { "(?:^| )" } else { "" }, if ends { "(?: |$)" } else { "" });
                    match (begins, ends) {
                        (false, false) => pattern.clone(),
                        _ => Pattern::Regex(format!(
                            "{before}(?:{}){after}",
                            written(source, set.case, begins, ends, &body)
                        )),
                    }
                }
                None => Pattern::Glob(Glob::new([Piece::Any])),
            },
            Pattern::Glob(glob) => {
                // What may be anything at an end has no edge there.
                let pieces = glob.pieces();
                let (begins, ends) = (pieces.first() != Some(&Piece::Any), pieces.last() != Some(&Piece::Any));
                let inner = pieces.get(usize::from(!begins)..pieces.len() - usize::from(!ends)).unwrap_or_default();
                let inner = Pattern::Glob(Glob::new(inner.iter().cloned())).to_regex("(?s:.)");
                let (before, after) = (if begins { "(?:^| )" } else { "" }, if ends { "(?: |$)" } else { "" });
                Pattern::Regex(format!("{before}{inner}{after}"))
            }
            Pattern::Path { .. } => Pattern::Regex(format!("(?:^| ){}(?: |$)", pattern.to_regex("(?s:.)"))),
        }
    });
    let patterns = patterns.collect();
    (TextSet::new(patterns, set.case), exact)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn an_expression_on_a_file_name_looks_behind_the_last_slash() {
        let paths = [
            "/usr/bin/python3",
            "/usr/bin/python3.11",
            "/opt/python3/run",
            "/a/xpython3",
            "/python",
            "python",
            "/ab",
            "/a.b",
            "/a/b",
            "/xmrig-6",
            "/x/mrig",
            "/",
            "/a/",
            "/tmp/a b",
            "/tmp/nc.traditional",
            "/nc/x",
            "/usr/nCat",
        ];
        let expressions = [
            r"^python[23]?(\.[0-9]+)?$",
            "python",
            "^py",
            "[0-9]$",
            "^a.b$",
            "^x|b$",
            "a/b",
            "^a/b|^nc",
            "(?i)^ncat$",
            ".*",
            "^$",
            r"\bmrig",
            r"^[^.]+$",
            "a?",
            r"^\w+$",
            "(?s)^.+$",
        ];
        let set = |pattern: Pattern| TextSet::new(vec![pattern], Case::Sensitive);
        let mut refused = Vec::new();
        for expression in expressions {
            let asked = set(Pattern::Regex(expression.into()));
            let Ok(derived) = basename(&asked) else {
                refused.push(expression);
                continue;
            };
            for path in paths {
                let name = path.rsplit('/').next().unwrap_or_default();
                assert_eq!(derived.is_match(path, false), asked.is_match(name, false), "{expression} {path}");
            }
        }
        assert_eq!(refused, ["^x|b$"]);
    }

    #[test]
    fn an_argument_becomes_a_part_of_the_line() {
        let (contains, exact) = joined(&set(Glob::contains("docker.sock")));
        assert!(exact && contains.is_match("docker -v /run/docker.sock:/x", false));
        let (equals, exact) = joined(&set(Glob::equals("run")));
        assert!(!exact && equals.is_match("docker run x", false) && equals.is_match("run", false));
        assert!(!equals.is_match("docker prune", false));
        let regex = |source: &str| joined(&TextSet::new(vec![Pattern::Regex(source.into())], Case::Sensitive)).0;
        let flag = regex(r"^[+-][a-z]*i[a-z]*$");
        for (line, expected) in [("chattr +i /etc", true), ("chattr -ai", true), ("chattr x+i", false), ("-i x", true)]
        {
            assert_eq!(flag.is_match(line, false), expected, "{line}");
        }
        assert!(regex("^a|b$").is_match("anything", false));
        assert!(regex(r"\bsock$").is_match("x docker.sock y", false) && !regex(r"\bsock$").is_match("x sock.y", false));
    }
}
