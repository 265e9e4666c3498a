//! Log sources: what there is to observe, which fields it has, and how raw logs become events.

pub mod catalogue;
mod commands;
pub mod reader;
mod schema;

pub use catalogue::{Catalogue, Field, FieldKind, Source};
