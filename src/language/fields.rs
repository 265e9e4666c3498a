//! What a language has to know of a target's fields: their types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The types of a target's fields, by the fields' names in that target. A name that ends in `*` stands for all that
/// begin so (`kubernetes.audit.requestObject.*`); the longest that fits wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldTable(BTreeMap<String, FieldType>);

/// The type of a field in a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// One text, compared as a whole, wildcards allowed.
    Text,
    /// Several texts, each compared as a whole.
    TextList,
    /// Text of which only exact values can be asked (a sub-key of an Elastic *flattened* field).
    Exact,
    /// A number.
    Number,
    /// An IP address.
    Address,
    /// True or false.
    Boolean,
    /// An object: only its presence can be asked.
    Object,
}

impl Extend<(String, FieldType)> for FieldTable {
    fn extend<T: IntoIterator<Item = (String, FieldType)>>(&mut self, fields: T) {
        self.0.extend(fields);
    }
}

impl FieldTable {
    /// Records a field's type, or that of all fields with a prefix.
    pub fn insert(&mut self, name: impl Into<String>, kind: FieldType) {
        self.0.insert(name.into(), kind);
    }

    /// The fields of both tables; the second's types where they differ.
    pub fn joined(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The type of a field, if the table knows it.
    pub fn get(&self, name: &str) -> Option<FieldType> {
        if let Some(kind) = self.0.get(name) {
            return Some(*kind);
        }
        self.0
            .iter()
            .filter_map(|(known, kind)| Some((known.strip_suffix('*')?, kind)))
            .filter(|(prefix, _)| name.starts_with(prefix))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, kind)| *kind)
    }
}
