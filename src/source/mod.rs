//! Log sources: what there is to observe, which fields it has, and how raw logs become events.

pub mod catalogue;

pub use catalogue::{Catalogue, Field, FieldKind, Source};
