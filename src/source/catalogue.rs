//! The catalogue of log sources. It is data (`src/source/catalogue/*.yml`, built into the binary); this file is its
//! shape.

use std::collections::BTreeMap;

use crate::logic::{Case, Path};

/// All log sources that detections may observe, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// The sources, sorted by name.
    pub sources: BTreeMap<String, Source>,
}

/// One log source: a kind of event, wherever it was recorded.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name in detections: `process`, `kubernetes_audit`.
    pub name: String,
    /// What it is, in a few words.
    pub title: String,
    /// What its events are and where they come from.
    pub description: String,
    /// Its fields, in the order they are documented.
    pub fields: Vec<Field>,
    /// The fields that tell an analyst what happened, in the order of a table's columns.
    pub columns: Vec<String>,
}

/// A field that a detection may test.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its canonical name, ECS where ECS has one.
    pub name: String,
    /// Where its values are in an event: one path, or several whose values are taken together (a union).
    pub paths: Vec<Path>,
    /// What its values are.
    pub kind: FieldKind,
    /// Whether one event may hold several values.
    pub multiple: bool,
    /// How its text compares unless a detection says otherwise.
    pub case: Case,
    /// What it means.
    pub description: String,
    /// A value it may have.
    pub example: String,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// An IP address.
    Address,
    /// True or false.
    Boolean,
    /// A process's arguments, in order, the program's name first.
    Arguments,
    /// An object or an array of objects: only tested as a whole (`exists`) or element-wise.
    Object,
}
