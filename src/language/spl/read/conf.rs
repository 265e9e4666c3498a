//! `savedsearches.conf` and its kin, as Splunk reads them.

use crate::language::ReadError;

/// A configuration file: stanzas in the order they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conf {
    /// Every stanza. What stands before the first belongs to `default`.
    pub stanzas: Vec<Stanza>,
}

/// A part of a configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stanza {
    /// Its name.
    pub name: String,
    /// Keys with their values.
    pub entries: Vec<(String, String)>,
    /// The line that it begins in, counted from 1.
    pub line: usize,
}

impl Stanza {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

impl Conf {
    /// Reads a file. A value continues on the next line when its line ends in a backslash; `#` begins a comment at
    /// the beginning of a line only. A stanza or key that stands twice is refused.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let mut conf = Conf::default();
        let mut names = std::collections::HashSet::new();
        let mut keys = std::collections::HashSet::new();
        let mut offset = 0;
        let mut lines = text.split_inclusive('\n').enumerate();
        while let Some((index, line)) = lines.next() {
            let at = offset;
            offset += line.len();
            let line = line.trim_end_matches(['\n', '\r']);
            let fault = |reason: String| Err(ReadError { offset: at, reason });
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                let Some(name) = name.trim_end().strip_suffix(']') else {
                    return fault("a stanza's name ends in `]`".to_owned());
                };
                if !names.insert(name.to_owned()) {
                    return fault(format!("the stanza `{name}` stands twice"));
                }
                keys.clear();
                conf.stanzas.push(Stanza { name: name.to_owned(), entries: Vec::new(), line: index + 1 });
                continue;
            }
            let Some((key, first)) = line.split_once('=') else {
                return fault(format!("`{}` is no stanza, key or comment", line.trim()));
            };
            let key = key.trim().to_owned();
            let mut value = String::new();
            let mut part = first;
            while let Some(head) = part.strip_suffix('\\') {
                value.push_str(head);
                value.push('\n');
                let Some((_, next)) = lines.next() else {
                    return fault(format!("the value of `{key}` continues after the end of the file"));
                };
                offset += next.len();
                part = next.trim_end_matches(['\n', '\r']);
                if part.starts_with('#') {
                    return fault(format!("a line of the value of `{key}` begins like a comment"));
                }
            }
            if part.trim_end().ends_with('\\') {
                return fault(format!("blanks follow the backslash at the end of a line of `{key}`"));
            }
            value.push_str(part);
            if key.is_empty() || !keys.insert(key.clone()) {
                return fault(format!("the key `{key}` is empty or stands twice"));
            }
            if conf.stanzas.is_empty() {
                names.insert("default".to_owned());
                conf.stanzas.push(Stanza { name: "default".to_owned(), entries: Vec::new(), line: index + 1 });
            }
            if let Some(stanza) = conf.stanzas.last_mut() {
                stanza.entries.push((key, value.trim().to_owned()));
            }
        }
        Ok(conf)
    }

    /// Lays another file over this one, as Splunk does with those of `local/`: key by key.
    pub fn lay_over(&mut self, other: Conf) {
        for stanza in other.stanzas {
            match self.stanzas.iter_mut().find(|known| known.name == stanza.name) {
                None => self.stanzas.push(stanza),
                Some(known) => {
                    known.entries.retain(|(key, _)| stanza.get(key).is_none());
                    known.entries.extend(stanza.entries);
                }
            }
        }
    }

    /// The value of a key in a stanza.
    pub fn get(&self, stanza: &str, key: &str) -> Option<&str> {
        self.stanzas.iter().find(|known| known.name == stanza)?.get(key)
    }
}
