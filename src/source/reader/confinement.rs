//! Confinement in the words of old clusters: annotations of pods that name AppArmor and seccomp profiles, told as the
//! fields that have replaced them.

use serde_json::{Map, Value, json};

use super::pod::{CONTAINERS, PODS};
use crate::logic::tree::Tree;

/// What an annotation of a container's AppArmor profile begins with; the container's name follows.
const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
/// The same for seccomp.
const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// The annotation of the seccomp profile of a whole pod.
const SECCOMP_OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";

/// Whether [`complete`] would add anything to the object.
pub fn is_annotated<'e>(object: impl Tree<'e>) -> bool {
    PODS.iter().any(|place| {
        let annotations = object.at(place).and_then(|pod| pod.at(&["metadata", "annotations"]));
        annotations.is_some_and(|all| all.any_child(&mut |key, _| key.is_some_and(|key| profile(key).is_some())))
    })
}

/// Adds the fields that an object's annotations stand for, where they are not given.
pub fn complete(object: &mut Value) {
    for place in PODS {
        let Some(pod) = place.iter().try_fold(&mut *object, |value, key| value.get_mut(*key)) else { continue };
        let annotations = pod.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let told: Vec<(&str, String, &str)> = annotations
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| {
                let (field, container) = profile(key)?;
                Some((field, container.to_owned(), kind(value.as_str()?)))
            })
            .collect();
        // The annotations of a workload itself are not those of its pods.
        let is_pod = !place.is_empty() || pod.get("spec").is_some_and(|spec| spec.get("containers").is_some());
        if told.is_empty() || !is_pod {
            continue;
        }
        let Some(spec) = pod.as_object_mut().map(|pod| pod.entry("spec").or_insert_with(|| json!({}))) else {
            continue;
        };
        for (field, container, kind) in told {
            if !CONTAINERS.iter().any(|list| tell_container(spec.get_mut(*list), &container, field, kind)) {
                tell(spec, field, kind);
            }
        }
    }
}

/// The field that an annotation stands for, and the container, if it is of one.
fn profile(key: &str) -> Option<(&'static str, &str)> {
    if key == SECCOMP_OF_POD {
        return Some(("seccompProfile", ""));
    }
    let container = key.strip_prefix(APPARMOR).map(|name| ("appArmorProfile", name));
    container.or_else(|| key.strip_prefix(SECCOMP).map(|name| ("seccompProfile", name)))
}

/// The type of profile that an annotation's value names.
fn kind(value: &str) -> &'static str {
    match value {
        "unconfined" => "Unconfined",
        value if value.starts_with("localhost/") => "Localhost",
        _ => "RuntimeDefault",
    }
}

/// Tells the containers of this name; whether there are any.
fn tell_container(list: Option<&mut Value>, name: &str, field: &str, kind: &str) -> bool {
    let mut found = false;
    for container in list.and_then(Value::as_array_mut).into_iter().flatten() {
        if container.get("name").and_then(Value::as_str) == Some(name) {
            tell(container, field, kind);
            found = true;
        }
    }
    found
}

fn tell(holder: &mut Value, field: &str, kind: &str) {
    let Value::Object(holder) = holder else { return };
    let context = holder.entry("securityContext").or_insert(Value::Null);
    if context.is_null() {
        *context = Value::Object(Map::new());
    }
    if let Value::Object(context) = context {
        context.entry(field).or_insert_with(|| json!({ "type": kind }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_told_as_fields() {
        let mut pod = json!({"kind": "Pod",
            "metadata": {"annotations": {
                "container.apparmor.security.beta.kubernetes.io/b": "unconfined",
                "container.seccomp.security.alpha.kubernetes.io/a": "localhost/x.json",
                "seccomp.security.alpha.kubernetes.io/pod": "unconfined", "other": "unconfined"}},
            "spec": {"containers": [{"name": "a"}], "initContainers": [{"name": "b", "securityContext": null}]}});
        assert!(is_annotated(&pod));
        complete(&mut pod);
        assert_eq!(
            pod["spec"],
            json!({"securityContext": {"seccompProfile": {"type": "Unconfined"}},
                "containers": [{"name": "a", "securityContext": {"seccompProfile": {"type": "Localhost"}}}],
                "initContainers": [{"name": "b", "securityContext": {"appArmorProfile": {"type": "Unconfined"}}}]})
        );
    }

    #[test]
    fn templates_are_pods_and_workloads_are_not() {
        let annotated = json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}});
        let mut workload = json!({"kind": "Deployment", "metadata": annotated, "spec": {"template": {"spec": {}}}});
        let before = workload.clone();
        complete(&mut workload);
        assert_eq!(workload, before);
        let mut patch = json!({"spec": {"template": {"metadata": annotated}}});
        complete(&mut patch);
        assert_eq!(patch["spec"]["template"]["spec"]["securityContext"]["appArmorProfile"]["type"], "Unconfined");
        assert!(!is_annotated(&json!({"metadata": {"annotations": {"a": "unconfined"}}})));
    }

    #[test]
    fn what_is_given_stays() {
        let mut pod = json!({"metadata": {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}},
            "spec": {"containers": [], "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}});
        let before = pod.clone();
        complete(&mut pod);
        assert_eq!(pod, before);
    }
}
