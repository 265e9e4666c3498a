//! Pods in objects of Kubernetes: where they are, and what some of their fields say of others.

use serde_json::Value;

use super::{confinement, mounts};
use crate::logic::tree::Tree;

/// Where pods and their templates are in an object.
pub(super) const PODS: [&[&str]; 4] =
    [&[], &["spec", "template"], &["spec", "jobTemplate", "spec", "template"], &["template"]];
/// The lists of containers in a pod's specification.
pub(super) const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Whether [`complete`] leaves the object as it is, for certain.
pub fn is_complete<'e>(object: impl Tree<'e>) -> bool {
    !confinement::is_annotated(object) && !mounts::may_have_paths(object)
}

/// Adds what an object's fields say of its pods elsewhere.
pub fn complete(object: &mut Value) {
    confinement::complete(object);
    mounts::complete(object);
}
