//! One line of an audit log: its type, its stamp, and its fields with their encodings.

use memchr::{memchr, memmem};

/// A record of an audit log.
#[derive(Debug, PartialEq, Eq)]
pub struct AuditRecord<'l> {
    /// The host, where records of several hosts are in one log.
    pub node: Option<&'l [u8]>,
    /// Its type: `SYSCALL`, `EXECVE`.
    pub kind: &'l [u8],
    /// What the records of one event have in common.
    pub stamp: Stamp,
    /// The fields as the kernel wrote them.
    pub body: &'l [u8],
    /// The names that auditd added after byte 0x1D; empty in RAW logs.
    pub names: &'l [u8],
}

/// When an event happened, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Milliseconds since 1970.
    pub milliseconds: i64,
    /// The serial number.
    pub serial: u64,
}

/// A field's value as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'l> {
    /// In quotes: as it is.
    Quoted(&'l [u8]),
    /// Bare: hexadecimal where the field may hold any text.
    Bare(&'l [u8]),
}

impl<'l> AuditRecord<'l> {
    /// Takes a line apart.
    pub fn parse(line: &'l [u8]) -> Result<Self, &'static str> {
        let (before, rest) = after(line, b"type=").ok_or("the record's type is missing")?;
        let node = before.split(|byte| *byte == b' ').find_map(|word| word.strip_prefix(b"node="));
        let (kind, rest) = after(rest, b" ").ok_or("there is nothing after the record's type")?;
        let (_, rest) = after(rest, b"audit(").ok_or("the record's stamp is missing")?;
        let (stamp, rest) = after(rest, b")").ok_or("the record's stamp is cut off")?;
        let stamp = Stamp::parse(stamp).ok_or("the record's stamp is no time and serial")?;
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        let (body, names) = match memchr(0x1d, rest) {
            Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
            None => (rest, rest.get(..0).unwrap_or_default()),
        };
        Ok(Self { node, kind, stamp, body, names })
    }

    /// The field of this name as the kernel wrote it.
    pub fn field(&self, name: &str) -> Option<Written<'l>> {
        fields(self.body).find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }

    /// The name that auditd found for a field, by its upper-case key.
    pub fn name(&self, key: &str) -> Option<String> {
        let (_, value) = fields(self.names).find(|(known, _)| *known == key.as_bytes())?;
        let text = value.literal()?;
        // What auditd writes where it found no name.
        (text != "unset" && !text.starts_with("unknown(")).then_some(text)
    }
}

impl Stamp {
    /// `SECONDS.MILLISECONDS:SERIAL`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (time, serial) = text.split_once(':')?;
        let (seconds, fraction) = time.split_once('.').unwrap_or((time, "0"));
        if fraction.len() > 3 {
            return None;
        }
        let milliseconds: i64 = format!("{fraction:0<3}").parse().ok().filter(|ms| (0..1000).contains(ms))?;
        let seconds: i64 = seconds.parse().ok()?;
        let milliseconds = seconds.checked_mul(1000)?.checked_add(milliseconds)?;
        Some(Self { milliseconds, serial: serial.parse().ok()? })
    }
}

impl<'l> Written<'l> {
    /// Any text: quoted as it is, bare as hexadecimal if it can be; `None` for `(null)`.
    pub fn text(self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The bytes of [`text`](Self::text).
    pub fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Written::Quoted(text) => Some(text.to_vec()),
            Written::Bare(b"(null)") => None,
            Written::Bare(text) => Some(from_hex(text).unwrap_or_else(|| text.to_vec())),
        }
    }

    /// A word that is never hexadecimal; `None` for `(null)` and `(none)`.
    pub fn literal(self) -> Option<String> {
        match self {
            Written::Bare(b"(null)" | b"(none)") => None,
            Written::Quoted(text) | Written::Bare(text) => Some(String::from_utf8_lossy(text).into_owned()),
        }
    }

    /// The value as it stands between blanks or quotes.
    pub fn raw(self) -> &'l [u8] {
        match self {
            Written::Quoted(text) | Written::Bare(text) => text,
        }
    }
}

/// The fields of a record in order. `msg='…'` is opened up: its fields come in its place.
pub fn fields(text: &[u8]) -> impl Iterator<Item = (&[u8], Written<'_>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.iter().position(|byte| !matches!(byte, b' ' | b'\'' | b','))?;
            rest = rest.get(start..)?;
            let end = rest.iter().position(|byte| matches!(byte, b'=' | b' '))?;
            let (key, tail) = rest.split_at(end);
            let Some(tail) = tail.strip_prefix(b"=") else {
                // A word without a value.
                rest = tail;
                continue;
            };
            let (value, tail) = match tail.first() {
                Some(b'"') => {
                    let inner = tail.get(1..)?;
                    let end = memchr(b'"', inner).unwrap_or(inner.len());
                    (Written::Quoted(inner.get(..end)?), inner.get(end + 1..).unwrap_or_default())
                }
                // The nested fields of `msg='…'`.
                Some(b'\'') => {
                    rest = tail.get(1..)?;
                    continue;
                }
                Some(b'{') => {
                    let end = memchr(b'}', tail).map_or(tail.len(), |end| end + 1);
                    (Written::Bare(tail.get(..end)?), tail.get(end..)?)
                }
                _ => {
                    let end = tail.iter().position(|byte| matches!(byte, b' ' | b'\'')).unwrap_or(tail.len());
                    (Written::Bare(tail.get(..end)?), tail.get(end..)?)
                }
            };
            rest = tail;
            return Some((key, value));
        }
    })
}

/// Decodes upper-case hexadecimal; `None` if it is none.
pub fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn after<'l>(text: &'l [u8], mark: &[u8]) -> Option<(&'l [u8], &'l [u8])> {
    let at = memmem::find(text, mark)?;
    Some((text.get(..at)?, text.get(at + mark.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str, field: &str) -> Option<String> {
        AuditRecord::parse(line.as_bytes()).expect("a record").field(field).and_then(Written::text)
    }

    #[test]
    fn values_are_literal_in_quotes_and_hexadecimal_without() {
        let line = r#"type=EXECVE msg=audit(1.5:7): argc=6 a0="DEADBEEF" a1=20 a2="" a3=(null) a4="(null)" a5=C3A9"#;
        assert_eq!(text(line, "a0").as_deref(), Some("DEADBEEF"));
        assert_eq!(text(line, "a1").as_deref(), Some(" "));
        assert_eq!(text(line, "a2").as_deref(), Some(""));
        assert_eq!(text(line, "a3"), None);
        assert_eq!(text(line, "a4").as_deref(), Some("(null)"));
        assert_eq!(text(line, "a5").as_deref(), Some("é"));
        assert_eq!(text(line, "a6"), None);
        let record = AuditRecord::parse(line.as_bytes()).expect("a record");
        assert_eq!(record.stamp, Stamp { milliseconds: 1500, serial: 7 });
    }

    #[test]
    fn names_follow_byte_1d_and_keep_their_case() {
        let line =
            "node=h type=SYSCALL msg=audit(1.000:7): uid=0 auid=5\x1dUID=\"root\" AUID=\"unset\" SADDR={ a=b c=d } X=y";
        let record = AuditRecord::parse(line.as_bytes()).expect("a record");
        assert_eq!(record.node, Some(b"h".as_slice()));
        assert_eq!(record.field("uid"), Some(Written::Bare(b"0")));
        assert_eq!(record.field("UID"), None);
        assert_eq!(record.name("UID").as_deref(), Some("root"));
        assert_eq!(record.name("AUID"), None);
        assert_eq!(record.name("c"), None);
        assert_eq!(record.name("X").as_deref(), Some("y"));
    }

    #[test]
    fn an_inode_is_no_node() {
        let line = r#"type=PATH msg=audit(1.000:7): item=0 name="/a node=b" inode=5 nametype=NORMAL"#;
        let record = AuditRecord::parse(line.as_bytes()).expect("a record");
        assert_eq!((record.node, record.kind), (None, b"PATH".as_slice()));
    }

    #[test]
    fn nested_messages_are_opened() {
        let line = "type=USER_CMD msg=audit(1.000:7): pid=1 msg='cwd=\"/a b\" cmd=6C73 terminal=pts/0 res=success'";
        assert_eq!(text(line, "cwd").as_deref(), Some("/a b"));
        assert_eq!(text(line, "cmd").as_deref(), Some("ls"));
        assert_eq!(text(line, "res").as_deref(), Some("success"));
    }

    #[test]
    fn what_is_no_record_is_said() {
        for line in
            ["", "type=", "type=X", "type=X msg=audit(", "type=X msg=audit(a:b):", "type=X msg=audit(1.2345:1):"]
        {
            assert!(AuditRecord::parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
