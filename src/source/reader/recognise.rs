//! What a log is, by its beginning.

use memchr::memmem;
use serde_json::Value;

/// How a log is cut into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// There is nothing in it.
    Empty,
    /// Audit records, several lines for an event.
    Auditd,
    /// A JSON object for each line.
    Lines,
    /// The elements of a JSON array.
    Elements,
    /// Whole documents.
    Documents,
}

/// Decides by the first bytes of a log, of which there are some 64 KiB.
pub fn shape(head: &[u8]) -> Option<Shape> {
    let start = head.iter().position(|byte| !byte.is_ascii_whitespace());
    let Some(text) = start.and_then(|start| head.get(start..)) else {
        return head.len().lt(&(32 << 10)).then_some(Shape::Empty);
    };
    match text.first() {
        Some(b'[') => return Some(Shape::Elements),
        Some(b'{') => return Some(json(text)),
        _ => {}
    }
    let mut lines = text.split(|byte| *byte == b'\n').take(50);
    if lines.any(is_audit_record) {
        return Some(Shape::Auditd);
    }
    // A damaged first line does not hide that the others are JSON.
    let mut lines = text.split(|byte| *byte == b'\n').take(50);
    if lines.any(|line| line.starts_with(b"{") && serde_json::from_slice::<Value>(line).is_ok()) {
        return Some(Shape::Lines);
    }
    let keys: [&[u8]; 4] = [b"services:", b"apiVersion:", b"kind:", b"\"services\":"];
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.any(|line| keys.iter().any(|key| line.starts_with(key))).then_some(Shape::Documents)
}

fn is_audit_record(line: &[u8]) -> bool {
    memmem::find(line, b"type=").is_some() && memmem::find(line, b"audit(").is_some()
}

fn json(text: &[u8]) -> Shape {
    let is_list = memmem::find(text.get(..4096).unwrap_or(text), b"\"EventList\"").is_some();
    let (first, more) = match memchr::memchr(b'\n', text) {
        Some(end) => text.split_at(end),
        None => (text, text.get(..0).unwrap_or_default()),
    };
    if is_list && more.iter().all(u8::is_ascii_whitespace) {
        return Shape::Elements;
    }
    match serde_json::from_slice::<Value>(first) {
        Ok(_) => Shape::Lines,
        // Printed over several lines: the first one holds a brace and perhaps a key.
        Err(error) if error.is_eof() && !more.is_empty() && first.len() < 4096 && spans_lines(more) => {
            if is_list {
                Shape::Elements
            } else {
                Shape::Documents
            }
        }
        Err(_) => Shape::Lines,
    }
}

/// Whether what follows the first line goes on with an object instead of beginning another.
fn spans_lines(more: &[u8]) -> bool {
    more.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte != b'{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        let cases: [(&str, Option<Shape>); 14] = [
            ("", Some(Shape::Empty)),
            (" \n", Some(Shape::Empty)),
            ("type=CWD msg=audit(1.000:1): cwd=\"/\"", Some(Shape::Auditd)),
            ("node=a type=CWD msg=audit(1.000:1): cwd=\"/\"", Some(Shape::Auditd)),
            ("garbage\ntype=CWD msg=audit(1.000:1): cwd=\"/\"", Some(Shape::Auditd)),
            ("{\"a\":1}\n{\"a\":2}", Some(Shape::Lines)),
            ("{\"a\":\n{\"a\":2}", Some(Shape::Lines)),
            ("{\"kind\":\"EventList\",\"items\":[]}", Some(Shape::Elements)),
            ("{\n \"kind\": \"EventList\",\n \"items\": []}", Some(Shape::Elements)),
            ("[\n{\"Id\":\"x\"}]", Some(Shape::Elements)),
            ("{\n  \"hosts\": []\n}", Some(Shape::Documents)),
            ("# compose\nservices:\n  a: {}", Some(Shape::Documents)),
            ("---\napiVersion: v1\nkind: Pod", Some(Shape::Documents)),
            ("hello", None),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text.as_bytes()), expected, "{text:?}");
        }
    }
}
