//! What is known of the events of a log source before any of them is seen: for decisions over all events.

use std::sync::Arc;

use super::catalogue::{FieldKind, Source};
use crate::logic::decide::{Kind, Schema};

impl Source {
    /// Fields with at most one value, fields whose values are numbers or truth values, and fields that follow from
    /// others: what every event of this source obeys.
    pub fn schema(&self) -> Arc<Schema> {
        self.schema.get_or_init(|| Arc::new(self.made_schema())).clone()
    }

    fn made_schema(&self) -> Schema {
        let single = self.fields.iter().filter(|field| !field.multiple && field.kind != FieldKind::Arguments);
        let kinds = self.fields.iter().filter_map(|field| {
            let kind = match field.kind {
                FieldKind::Boolean => Kind::Boolean,
                FieldKind::Number => Kind::Number,
                _ => return None,
            };
            Some(field.paths.iter().map(move |path| (path.clone(), kind)))
        });
        Schema {
            single: single.flat_map(|field| field.paths.iter().cloned()).collect(),
            kinds: kinds.flatten().collect(),
            derived: self.derived.clone(),
        }
    }
}
