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

/// Where a JSON patch puts the annotations of a pod template. Those of a pod that runs are not changed.
const TEMPLATE_ANNOTATIONS: &str = "/template/metadata/annotations";
/// Where it puts all of the template's metadata.
const TEMPLATE_METADATA: &str = "/template/metadata";

/// Whether [`complete`] would add anything to the object, which is no JSON patch.
pub fn is_annotated<'e>(object: impl Tree<'e>) -> bool {
    PODS.iter().any(|place| {
        let annotations = object.at(place).and_then(|pod| pod.at(&["metadata", "annotations"]));
        annotations.is_some_and(|all| all.any_child(&mut |key, _| key.is_some_and(|key| profile(key).is_some())))
    })
}

/// Adds the fields that an object's annotations stand for, where they are not given. To operations of a JSON patch, too.
pub fn complete(object: &mut Value) {
    match object {
        Value::Array(operations) => operations.iter_mut().for_each(complete_operation),
        object => complete_object(object),
    }
}

/// An operation may bring a map of annotations, or an object around one.
fn complete_operation(operation: &mut Value) {
    let is_set = matches!(operation.get("op").and_then(Value::as_str), Some("add" | "replace"));
    let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
    let (are_annotations, is_metadata) = (path.ends_with(TEMPLATE_ANNOTATIONS), path.ends_with(TEMPLATE_METADATA));
    let Some(value) = operation.get_mut("value").filter(|value| is_set && value.is_object()) else { return };
    let annotations = match (are_annotations, is_metadata) {
        (true, _) => Some(&*value),
        (_, true) => value.get("annotations"),
        _ => return complete_object(value),
    };
    for (field, _, kind) in told(annotations) {
        tell(value, field, kind);
    }
}

fn complete_object(object: &mut Value) {
    for place in PODS {
        let Some(pod) = place.iter().try_fold(&mut *object, |value, key| value.get_mut(*key)) else { continue };
        let told = told(pod.get("metadata").and_then(|metadata| metadata.get("annotations")));
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

/// What annotations say: the field that one stands for, the container, if it is of one, and the type of profile.
fn told(annotations: Option<&Value>) -> Vec<(&'static str, String, &'static str)> {
    let all = annotations.and_then(Value::as_object).into_iter().flatten();
    let told = all.filter_map(|(key, value)| {
        let (field, container) = profile(key)?;
        Some((field, container.to_owned(), kind(value.as_str()?)))
    });
    told.collect()
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
    fn operations_bring_annotations() {
        let annotations = json!({"container.apparmor.security.beta.kubernetes.io/a": "unconfined"});
        let operation = |op: &str, path: &str, value: &Value| json!({"op": op, "path": path, "value": value});
        let type_of = |operation: Value| {
            let mut patch = json!([operation]);
            complete(&mut patch);
            patch.pointer("/0/value").and_then(|value| {
                let here = value.pointer("/securityContext/appArmorProfile/type");
                here.or_else(|| value.pointer("/template/spec/securityContext/appArmorProfile/type")).cloned()
            })
        };
        let unconfined = Some(json!("Unconfined"));
        assert_eq!(type_of(operation("add", "/spec/template/metadata/annotations", &annotations)), unconfined);
        let metadata = json!({"annotations": annotations});
        assert_eq!(type_of(operation("replace", "/spec/template/metadata", &metadata)), unconfined);
        let spec = json!({"template": {"metadata": metadata, "spec": {}}});
        assert_eq!(type_of(operation("replace", "/spec", &spec)), unconfined);
        // The annotations of the workload itself, of a removal, and of others.
        assert_eq!(type_of(operation("add", "/metadata/annotations", &annotations)), None);
        assert_eq!(type_of(operation("test", "/spec/template/metadata/annotations", &annotations)), None);
        assert_eq!(type_of(operation("add", "/spec/template/metadata/annotations", &json!({"a": "unconfined"}))), None);
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
