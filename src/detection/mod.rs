//! Detections: the canonical format, from text to a checked [`Detection`].
//!
//! `yaml` makes nodes of text, `parse` and `lower` make a detection of nodes, `check` judges it, `load` does all that
//! for the files of a project.

pub mod attack;
pub mod blank;
pub mod check;
pub mod condition;
pub mod format;
mod indent;
pub mod lists;
pub mod load;
pub mod lower;
pub mod model;
pub mod modifier;
mod option;
pub mod parse;
mod parse_targets;
mod parse_tests;
pub mod schema;
pub mod shape;
pub mod value;
pub mod yaml;

pub use load::{Loaded, load};
pub use model::{
    Accept, Confidence, Detection, DetectionTest, Deviation, Excepted, Observation, SEVERITIES, Schedule, Severity,
    Status, TargetSettings, TestEvents, Throttle,
};
