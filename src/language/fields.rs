//! What a language has to know of a target's fields: their types.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The types of a target's fields, by the fields' names in that target. A name that ends in `*` stands for all that
/// begin so (`kubernetes.audit.requestObject.*`); the longest that fits wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldTable {
    types: BTreeMap<String, FieldType>,
    /// Further fields of the platform, of which the log source knows nothing, not even the type.
    published: Arc<BTreeSet<String>>,
}

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
    /// A number of three digits that the platform has as text, such as the status of a response (RFC 9110, 15): among
    /// themselves, they are in the order of texts.
    HttpStatus,
    /// An IP address.
    Address,
    /// True or false.
    Boolean,
    /// An object: only its presence can be asked.
    Object,
    /// A point in time, spelt in the platform's own way: only its presence can be asked.
    Time,
}

impl Extend<(String, FieldType)> for FieldTable {
    fn extend<T: IntoIterator<Item = (String, FieldType)>>(&mut self, fields: T) {
        self.types.extend(fields);
    }
}

impl<const COUNT: usize> From<[(&str, FieldType); COUNT]> for FieldTable {
    fn from(fields: [(&str, FieldType); COUNT]) -> Self {
        let types = fields.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect();
        Self { types, ..Self::default() }
    }
}

impl FieldTable {
    /// Records a field's type, or that of all fields with a prefix.
    pub fn insert(&mut self, name: impl Into<String>, kind: FieldType) {
        self.types.insert(name.into(), kind);
    }

    /// The fields of both tables; the second's types where they differ.
    pub fn joined(mut self, other: Self) -> Self {
        self.types.extend(other.types);
        if !other.published.is_subset(&self.published) {
            Arc::make_mut(&mut self.published).extend(other.published.iter().cloned());
        }
        self
    }

    /// Records the names of all fields that the platform has.
    pub fn publish(&mut self, names: &Arc<BTreeSet<String>>) {
        self.published = names.clone();
    }

    /// Whether the platform has a field of which no more is known; an argument in brackets is no part of its name.
    pub fn is_only_published(&self, name: &str) -> bool {
        let plain = name.split('[').next().unwrap_or(name);
        self.published.contains(plain) && self.get(name).is_none()
    }

    /// Whether the platform may have a field of this name, as far as is known.
    pub fn may_have(&self, name: &str) -> bool {
        self.published.is_empty() || self.published.contains(name)
    }

    /// Whether the table has the field by its own name, not only by that of all fields below a path.
    pub fn has(&self, name: &str) -> bool {
        self.types.contains_key(name)
    }

    /// The type of a field, if the table knows it.
    pub fn get(&self, name: &str) -> Option<FieldType> {
        if let Some(kind) = self.types.get(name) {
            return Some(*kind);
        }
        self.types
            .iter()
            .filter_map(|(known, kind)| Some((known.strip_suffix('*')?, kind)))
            .filter(|(prefix, _)| name.starts_with(prefix))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, kind)| *kind)
    }
}
