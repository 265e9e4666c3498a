//! Field paths: how a condition names a place in an event.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The way from the root of an event (or of an array element) to a field.
///
/// Written with dots: `process.args`. A segment that itself holds a dot or a quote is quoted:
/// `annotations."authorization.k8s.io/decision"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Arc<[Arc<str>]>);

impl Path {
    /// Makes a path of its segments, none of which is split any further.
    pub fn from_segments<S: Into<Arc<str>>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }

    /// The segments from the root outwards.
    pub fn segments(&self) -> &[Arc<str>] {
        &self.0
    }

    /// The segments with dots between them, as targets name fields; segments with dots of their own are not told apart.
    pub fn dotted(&self) -> String {
        self.0.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(".")
    }

    /// `self`, continued by `tail`: the absolute path of a field named inside an array element.
    pub fn join(&self, tail: &Path) -> Path {
        Path(self.0.iter().chain(tail.0.iter()).cloned().collect())
    }

    /// What remains of `self` below `head`, if `self` lies at or below it.
    pub fn strip_prefix(&self, head: &Path) -> Option<Path> {
        let rest = self.0.strip_prefix(&*head.0)?;
        Some(Path(rest.iter().cloned().collect()))
    }

    /// True for the path without segments, which names the whole event or element.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// Byte offset of the fault in the text.
    pub offset: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl std::error::Error for PathError {}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut segments: Vec<Arc<str>> = Vec::new();
        let mut rest = text;
        loop {
            let offset = text.len() - rest.len();
            let fault = |reason| Err(PathError { offset, reason });
            if let Some(quoted) = rest.strip_prefix('"') {
                let Some(end) = quoted.find('"') else { return fault("the quote is not closed") };
                let (segment, after) = quoted.split_at(end);
                segments.push(segment.into());
                rest = after.get(1..).unwrap_or("");
                if !rest.is_empty() && !rest.starts_with('.') {
                    return fault("a quoted segment is followed by text without a dot");
                }
            } else {
                let end = rest.find('.').unwrap_or(rest.len());
                let (segment, after) = rest.split_at(end);
                if segment.is_empty() {
                    return fault("a segment is empty");
                }
                segments.push(segment.into());
                rest = after;
            }
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None => return Ok(Self(segments.into())),
            }
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            if segment.contains('.') || segment.is_empty() {
                write!(f, "\"{segment}\"")?;
            } else {
                f.write_str(segment)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_segments_agree() {
        for text in ["a", "process.args", r#"annotations."authorization.k8s.io/decision""#, r#""a.b".c"#] {
            let path: Path = text.parse().expect("a path");
            assert_eq!(path.to_string(), text);
        }
        assert_eq!("a.b".parse::<Path>().map(|p| p.segments().len()), Ok(2));
        for text in ["", ".", "a..b", "a.", r#""a"b"#, r#"a."b"#] {
            assert!(text.parse::<Path>().is_err(), "{text:?} is no path");
        }
    }
}
