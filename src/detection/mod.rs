//! Detections: the canonical format, from text to a checked [`Detection`].

pub mod model;

pub use model::{
    Accept, Confidence, Detection, DetectionTest, Deviation, Observation, Schedule, Severity, Status, TargetSettings,
    TestEvents, Throttle,
};
