//! Mounts of paths of the node: a pod names the path with a volume and the rest with a mount of that volume, in a list
//! of its own. The mount is told the path, so that a condition on one mount can ask for both.

use std::collections::HashMap;

use serde_json::Value;

use super::pod::PODS;
use crate::logic::tree::{Kind, Tree};

/// The field that a mount gets: `hostPath`, which mounts of Kubernetes do not have.
const HOST_PATH: &str = "hostPath";

/// Whether [`complete`] may add anything to the object.
pub fn may_have_paths<'e>(object: impl Tree<'e>) -> bool {
    // A JSON patch is an array of operations, which may add volumes anywhere.
    object.kind() == Kind::Array
        || PODS.iter().any(|place| {
            let volumes = object.at(place).and_then(|pod| pod.at(&["spec", "volumes"]));
            volumes.is_some_and(|volumes| volumes.any_child(&mut |_, volume| volume.get(HOST_PATH).is_some()))
        })
}

/// Tells every mount of a path of the node which path that is; with a `subPath`, which part of it is mounted. An object
/// has one pod at most, in which volumes have names of their own.
pub fn complete(object: &mut Value) {
    let mut paths = HashMap::new();
    find_paths(object, &mut paths);
    if !paths.is_empty() {
        tell_mounts(object, &paths);
    }
}

/// The node's paths by the names of their volumes.
fn find_paths(value: &Value, paths: &mut HashMap<String, String>) {
    let name = value.get("name").and_then(Value::as_str);
    let path = value.get(HOST_PATH).and_then(|volume| volume.get("path")).and_then(Value::as_str);
    if let Some((name, path)) = name.zip(path) {
        paths.insert(name.to_owned(), path.to_owned());
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| find_paths(item, paths)),
        Value::Object(members) => members.values().for_each(|member| find_paths(member, paths)),
        _ => {}
    }
}

fn tell_mounts(value: &mut Value, paths: &HashMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| tell_mounts(item, paths)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| tell_mounts(member, paths));
            let path = members.get("name").and_then(Value::as_str).and_then(|name| paths.get(name));
            if let Some(path) = path.filter(|_| members.contains_key("mountPath")) {
                let part = members.get("subPath").and_then(Value::as_str).filter(|part| !part.is_empty());
                let path = part.map_or_else(|| path.clone(), |part| format!("{}/{part}", path.trim_end_matches('/')));
                members.insert(HOST_PATH.to_owned(), path.into());
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(mut object: Value) -> Value {
        assert!(may_have_paths(&object));
        complete(&mut object);
        object
    }

    #[test]
    fn mounts_are_told_the_path_of_their_own_volume() {
        let pod = |mounts: Value| {
            json!({
                "volumes": [{"name": "log", "hostPath": {"path": "/var/log/"}}, {"name": "tmp", "emptyDir": {}}, {"hostPath": {}}],
                "containers": [{"name": "log"}, {"name": "b", "volumeMounts": mounts.clone()}],
                "initContainers": [{"volumeMounts": mounts}],
            })
        };
        let before = json!([
            {"name": "log", "mountPath": "/l", "readOnly": true}, {"name": "tmp", "mountPath": "/t"},
            {"name": "log", "mountPath": "/p", "subPath": "pods"}, 3]);
        let after = json!([
            {"name": "log", "mountPath": "/l", "readOnly": true, "hostPath": "/var/log/"}, {"name": "tmp", "mountPath": "/t"},
            {"name": "log", "mountPath": "/p", "subPath": "pods", "hostPath": "/var/log/pods"}, 3]);
        assert_eq!(completed(json!({"spec": pod(before.clone())})), json!({"spec": pod(after.clone())}));
        let template = |pod: Value| json!({"spec": {"template": {"spec": pod}}});
        assert_eq!(completed(template(pod(before.clone()))), template(pod(after.clone())));
        let patch = |pod: Value| json!([{"op": "replace", "path": "/spec/template/spec", "value": pod}]);
        assert_eq!(completed(patch(pod(before))), patch(pod(after)));
    }

    #[test]
    fn operations_of_a_patch_are_about_one_pod() {
        let patch = completed(json!([
            {"op": "add", "path": "/spec/template/spec/volumes/-", "value": {"name": "etc", "hostPath": {"path": "/etc"}}},
            {"op": "add", "path": "/spec/template/spec/containers/0/volumeMounts/-", "value": {"name": "etc", "mountPath": "/e"}},
        ]));
        assert_eq!(patch[1]["value"]["hostPath"], "/etc");
        assert_eq!(patch[0]["value"]["hostPath"]["path"], "/etc");
    }

    #[test]
    fn other_objects_stay_as_they_are() {
        for object in [json!({"spec": 1}), json!({"spec": {"volumes": {}, "containers": {}}}), json!(null)] {
            assert!(!may_have_paths(&object));
            let mut completed = object.clone();
            complete(&mut completed);
            assert_eq!(completed, object);
        }
    }
}
