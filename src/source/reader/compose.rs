//! Compose files: one event for each service, short forms spelt out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What Compose takes for true and false besides the YAML words.
const TRUE: [&str; 4] = ["true", "y", "yes", "on"];
const FALSE: [&str; 4] = ["false", "n", "no", "off"];
const BOOLEANS: [&str; 5] = ["privileged", "read_only", "init", "use_api_socket", "tty"];
const PROPAGATION: [&str; 6] = ["shared", "rshared", "slave", "rslave", "private", "rprivate"];

/// How many services in a row may extend one another.
const MAX_EXTENDED: usize = 16;
/// What a service does not take from the one that it extends.
const NOT_EXTENDED: [&str; 4] = ["extends", "depends_on", "links", "volumes_from"];

/// The services of a Compose file as events, each with its name, or what is wrong with one. What a service takes from
/// another one of the same file is its own.
pub fn services(file: &Value, path: &str) -> Vec<Result<(String, Value), String>> {
    let services = file.get("services").and_then(Value::as_object);
    let volumes = file.get("volumes").and_then(Value::as_object);
    let networks = file.get("networks").and_then(Value::as_object);
    let event = |(name, service): (&String, &Value)| {
        let service = services.map_or_else(|| service.clone(), |all| extended(service, all, MAX_EXTENDED));
        let Value::Object(mut service) = with_defaults(&service) else {
            return Err(format!("the service `{name}` is no mapping"));
        };
        if !service.contains_key("network_mode") && networks.is_some_and(|all| joins_the_host(&service, all)) {
            service.insert("network_mode".into(), "host".into());
        }
        let mut event = Map::new();
        event.insert("file".into(), json!({ "path": path }));
        if let Some(project) = file.get("name").and_then(Value::as_str) {
            event.insert("project".into(), json!({ "name": project }));
        }
        event.insert("service".into(), Value::Object(normalise(name, service, volumes)));
        Ok((name.clone(), Value::Object(event)))
    };
    services.into_iter().flatten().map(event).collect()
}

/// The service with what it takes from the one that it extends, if that is in the same file: lists grow, mappings are
/// laid over each other, and of single values its own counts.
fn extended(service: &Value, services: &Map<String, Value>, depth: usize) -> Value {
    let base = match service.get("extends") {
        Some(Value::String(name)) => services.get(name),
        Some(Value::Object(extends)) if !extends.contains_key("file") => {
            extends.get("service").and_then(Value::as_str).and_then(|name| services.get(name))
        }
        _ => None,
    };
    let (Some(base), Value::Object(own)) = (base.filter(|_| depth > 0), service) else { return service.clone() };
    let Value::Object(mut merged) = extended(base, services, depth - 1) else { return service.clone() };
    merged.retain(|key, _| !NOT_EXTENDED.contains(&key.as_str()));
    for (key, value) in own {
        let merged = merged.entry(key.clone()).or_insert(Value::Null);
        match (merged, value) {
            // What is run is one command, not one after the other.
            (Value::Array(all), Value::Array(more)) if !matches!(key.as_str(), "command" | "entrypoint") => {
                all.extend(more.iter().cloned());
            }
            (Value::Object(all), Value::Object(more)) => all.extend(more.clone()),
            (merged, value) => *merged = value.clone(),
        }
    }
    Value::Object(merged)
}

/// Whether the service is put into the host's network by that network's name, which is how a stack of Swarm says
/// `network_mode: host`.
fn joins_the_host(service: &Map<String, Value>, networks: &Map<String, Value>) -> bool {
    let joined: Vec<&str> = match service.get("networks") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::Object(names)) => names.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    joined.into_iter().any(|key| {
        let network = networks.get(key).map(with_defaults).unwrap_or_default();
        let external = network.get("external").cloned().unwrap_or_default();
        let is_external = external.is_object() || boolean(external.clone()) == Value::Bool(true);
        let name = network.get("name").or_else(|| external.get("name")).and_then(Value::as_str).unwrap_or(key);
        is_external && name == "host"
    })
}

/// The lines, from 1, where the services of a Compose file begin, by their names; none for what is not written as people
/// write it.
pub fn lines(text: &str) -> BTreeMap<&str, u64> {
    let mut found = BTreeMap::new();
    let mut indentation = None;
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        let content = line.trim_start_matches(' ');
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        let depth = line.len() - content.len();
        let Some((key, rest)) = content.split_once(':') else { continue };
        let key = key.trim_matches(['"', '\'']);
        if depth == 0 {
            let rest = rest.trim_start();
            inside = key == "services" && (rest.is_empty() || rest.starts_with('#'));
            indentation = None;
        } else if inside && *indentation.get_or_insert(depth) == depth {
            found.entry(key).or_insert(number);
        }
    }
    found
}

fn normalise(name: &str, service: Map<String, Value>, volumes: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("name".into(), name.into());
    for (key, value) in service {
        let value = match key.as_str() {
            key if BOOLEANS.contains(&key) => boolean(value),
            "volumes" => list(value).into_iter().filter_map(|volume| mount(volume, volumes)).collect(),
            "environment" => {
                Value::Array(pairs(value).into_iter().map(|(name, value)| variable(name, value)).collect())
            }
            "labels" | "sysctls" => Value::Object(pairs(value).into_iter().collect()),
            "ports" => list(value).into_iter().filter_map(port).collect(),
            "devices" => list(value).into_iter().map(device).collect(),
            "env_file" => list(value).into_iter().map(|file| member(file, "path")).collect(),
            "cap_add" | "cap_drop" | "security_opt" | "tmpfs" | "group_add" | "device_cgroup_rules" => {
                Value::Array(list(value))
            }
            "extra_hosts" => match value {
                Value::Object(hosts) => {
                    hosts.iter().map(|(name, address)| format!("{name}:{}", plain(address))).collect()
                }
                other => other,
            },
            "build" => match value {
                Value::String(context) => json!({ "context": context }),
                Value::Object(mut build) => {
                    if let Some(privileged) = build.remove("privileged") {
                        build.insert("privileged".into(), boolean(privileged));
                    }
                    Value::Object(build)
                }
                other => other,
            },
            _ => value,
        };
        // `net` is what old files call it.
        let key = if key == "net" { "network_mode".to_owned() } else { key };
        out.insert(key, value);
    }
    out
}

/// A mount from its short or its long form.
fn mount(volume: Value, volumes: Option<&Map<String, Value>>) -> Option<Value> {
    let mut mount = match volume {
        Value::String(text) => short_mount(&text),
        Value::Object(mut long) => {
            if let Some(propagation) = long.get("bind").and_then(|bind| bind.get("propagation")).cloned() {
                long.insert("propagation".into(), propagation);
            }
            let read_only = long.remove("read_only").map_or(Value::Bool(false), boolean);
            long.insert("read_only".into(), read_only);
            // Old names of the same.
            for (old, new) in [("src", "source"), ("dst", "target"), ("destination", "target")] {
                if let Some(value) = long.remove(old) {
                    long.insert(new.into(), value);
                }
            }
            long
        }
        _ => return None,
    };
    // A named volume may be a path of the host in disguise.
    let named = mount.get("source").and_then(Value::as_str).and_then(|source| volumes?.get(source));
    let options = named.and_then(|volume| volume.get("driver_opts")).map(with_defaults);
    if let Some(options) = options
        && let Some(device) = options.get("device").and_then(Value::as_str)
        && options.get("o").and_then(Value::as_str).is_some_and(|o| o.split(',').any(|o| matches!(o, "bind" | "rbind")))
    {
        mount.insert("type".into(), "bind".into());
        mount.insert("source".into(), device.into());
    }
    Some(Value::Object(mount))
}

/// `[SOURCE:]TARGET[:MODE]`
fn short_mount(text: &str) -> Map<String, Value> {
    let parts = split_colons(text);
    let (source, target, mode) = match parts.as_slice() {
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, mode, ..] => (Some(*source), *target, *mode),
        [] => (None, "", ""),
    };
    let is_path = source.is_some_and(|source| {
        source.starts_with(['/', '.', '~', '\\'])
            || source.get(1..2) == Some(":")
            || (source.starts_with('$') && source.contains('/'))
    });
    let modes: Vec<&str> = mode.split(',').collect();
    let mut mount = Map::new();
    mount.insert("type".into(), if is_path { "bind" } else { "volume" }.into());
    mount.extend(source.map(|source| ("source".to_owned(), source.into())));
    mount.insert("target".into(), target.into());
    mount.insert("read_only".into(), modes.iter().any(|mode| matches!(*mode, "ro" | "readonly")).into());
    let propagation = modes.iter().find(|mode| PROPAGATION.contains(*mode));
    mount.extend(propagation.map(|propagation| ("propagation".to_owned(), (*propagation).into())));
    mount
}

/// Splits at colons, but not in `${…}` and not after the letter of a Windows drive.
fn split_colons(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut braces) = (0, 0_usize);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => braces += 1,
            b'}' => braces = braces.saturating_sub(1),
            b':' if braces == 0 => {
                let part = text.get(start..at).unwrap_or_default();
                let is_drive = part.len() == 1
                    && part.bytes().all(|b| b.is_ascii_alphabetic())
                    && text.get(at + 1..).is_some_and(|rest| rest.starts_with(['\\', '/']));
                // `c:/x` is a drive, but a volume's name may be one letter: then a path follows, and no further colon.
                if is_drive && text.get(at + 1..).is_some_and(|rest| rest.starts_with('\\') || rest.contains(':')) {
                    continue;
                }
                parts.push(part);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

/// A published port from its short or its long form.
fn port(port: Value) -> Option<Value> {
    let text = match port {
        Value::Object(_) => return Some(port),
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (text, protocol) = text.rsplit_once('/').unwrap_or((&text, "tcp"));
    let (rest, target) = text.rsplit_once(':').map_or((None, text), |(rest, target)| (Some(rest), target));
    let mut port = Map::new();
    port.insert("target".into(), target.into());
    if let Some(rest) = rest {
        let (address, published) =
            rest.rsplit_once(':').map_or((None, rest), |(address, published)| (Some(address), published));
        port.insert("published".into(), published.into());
        port.extend(address.map(|a| ("host_ip".to_owned(), a.trim_start_matches('[').trim_end_matches(']').into())));
    }
    port.insert("protocol".into(), protocol.into());
    Some(Value::Object(port))
}

/// A device as text, from its long form too.
fn device(device: Value) -> Value {
    let Value::Object(long) = &device else { return device };
    let part = |key: &str| long.get(key).map(plain).filter(|text| !text.is_empty());
    let parts: Vec<String> = [part("source"), part("target"), part("permissions")].into_iter().flatten().collect();
    parts.join(":").into()
}

fn member(value: Value, key: &str) -> Value {
    match value {
        Value::Object(mut object) => object.remove(key).unwrap_or_default(),
        other => other,
    }
}

fn variable(name: String, value: Value) -> Value {
    match value {
        Value::Null => json!({ "name": name }),
        value => json!({ "name": name, "value": plain(&value) }),
    }
}

/// Names and values from a mapping, or from a list of `NAME=VALUE`.
fn pairs(value: Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(object) => object.into_iter().collect(),
        other => {
            let pair = |item: Value| match plain(&item).split_once('=') {
                Some((name, value)) => (name.to_owned(), value.into()),
                None => (plain(&item), Value::Null),
            };
            list(other).into_iter().map(pair).collect()
        }
    }
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn boolean(value: Value) -> Value {
    match &value {
        Value::String(word) if TRUE.contains(&word.to_lowercase().as_str()) => Value::Bool(true),
        Value::String(word) if FALSE.contains(&word.to_lowercase().as_str()) => Value::Bool(false),
        _ => value,
    }
}

fn plain(value: &Value) -> String {
    crate::logic::event::text(value).into_owned()
}

/// Replaces variables by their defaults, where they have one: `${NAME:-default}`, `${NAME-default}`; `$$` is a `$`.
fn with_defaults(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains('$') => Value::String(interpolate(text, 4)),
        Value::Array(items) => items.iter().map(with_defaults).collect(),
        Value::Object(object) => {
            Value::Object(object.iter().map(|(key, value)| (key.clone(), with_defaults(value))).collect())
        }
        other => other.clone(),
    }
}

fn interpolate(text: &str, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = tail.strip_prefix("$$") {
            out.push('$');
            rest = after;
            continue;
        }
        let end = tail.strip_prefix("${").and_then(|_| closing_brace(tail));
        let inner = end.and_then(|end| tail.get(2..end));
        let default = inner.and_then(|inner| {
            let name = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
            let operator = inner.get(name..)?;
            operator.strip_prefix(":-").or_else(|| operator.strip_prefix('-'))
        });
        match (default, end) {
            (Some(default), Some(end)) if depth > 0 => {
                out.push_str(&interpolate(default, depth - 1));
                rest = tail.get(end + 1..).unwrap_or_default();
            }
            _ => {
                out.push('$');
                rest = tail.get(1..).unwrap_or_default();
            }
        }
    }
    out + rest
}

/// Where the brace of a `${` at the beginning of `text` is closed.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(service: Value) -> Value {
        let file = json!({"name": "p", "services": {"s": service}, "volumes": {
            "data": null, "root": {"driver_opts": {"type": "none", "o": "bind", "device": "${ROOT:-/}"}}
        }});
        let mut found = services(&file, "f");
        assert_eq!(found.len(), 1);
        found.remove(0).expect("a service").1["service"].take()
    }

    #[test]
    fn short_and_long_mounts_are_the_same_objects() {
        let volumes = service(json!({"volumes": [
            "/etc:/etc:ro", "./x:/y", "data:/data:rw,z", "/cache", "${HOME}/a:/a", "${SOCK:-/var/run/docker.sock}:/s",
            "C:\\x:/y:ro", "/mnt:/mnt:rslave", "root:/host",
            {"type": "bind", "source": "/etc", "target": "/e", "read_only": "yes", "bind": {"propagation": "shared"}},
            {"type": "volume", "source": "data", "target": "/d"}, 5
        ]}))["volumes"]
            .take();
        let brief: Vec<String> = volumes
            .as_array()
            .expect("a list")
            .iter()
            .map(|v| {
                let text = |key: &str| v.get(key).map(plain).unwrap_or_default();
                format!(
                    "{} {} {} {} {}",
                    text("type"),
                    text("source"),
                    text("target"),
                    text("read_only"),
                    text("propagation")
                )
            })
            .collect();
        assert_eq!(
            brief,
            [
                "bind /etc /etc true ",
                "bind ./x /y false ",
                "volume data /data false ",
                "volume  /cache false ",
                "bind ${HOME}/a /a false ",
                "bind /var/run/docker.sock /s false ",
                "bind C:\\x /y true ",
                "bind /mnt /mnt false rslave",
                "bind / /host false ",
                "bind /etc /e true shared",
                "volume data /d false ",
            ]
        );
    }

    #[test]
    fn other_short_forms_are_spelt_out() {
        let service = service(json!({
            "privileged": "on", "environment": ["A=1=2", "B"], "labels": ["x=y"], "net": "host", "build": ".",
            "ports": ["8080:80/udp", "[::1]:1:2", 443], "cap_add": "ALL", "env_file": [{"path": "a"}, "b"],
            "devices": [{"source": "/dev/sda", "target": "/dev/x", "permissions": "rwm"}, "/dev/b"],
            "extra_hosts": {"h": "1.2.3.4"}, "command": "sh -c '$$x ${Y-z} $W ${V}'"
        }));
        assert_eq!(service["privileged"], true);
        assert_eq!(service["environment"], json!([{"name": "A", "value": "1=2"}, {"name": "B"}]));
        assert_eq!(service["labels"], json!({"x": "y"}));
        assert_eq!(service["network_mode"], "host");
        assert_eq!(service["build"]["context"], ".");
        assert_eq!(
            service["ports"],
            json!([
                {"target": "80", "published": "8080", "protocol": "udp"},
                {"target": "2", "published": "1", "host_ip": "::1", "protocol": "tcp"},
                {"target": "443", "protocol": "tcp"}
            ])
        );
        assert_eq!(service["cap_add"], json!(["ALL"]));
        assert_eq!(service["env_file"], json!(["a", "b"]));
        assert_eq!(service["devices"], json!(["/dev/sda:/dev/x:rwm", "/dev/b"]));
        assert_eq!(service["extra_hosts"], json!(["h:1.2.3.4"]));
        assert_eq!(service["command"], "sh -c '$x z $W ${V}'");
        assert_eq!(service["name"], "s");
    }

    #[test]
    fn the_network_of_the_host_has_a_name() {
        let mode = |networks: Value, service: Value| {
            let file = json!({"services": {"s": service}, "networks": networks});
            services(&file, "f").remove(0).expect("a service").1["service"]["network_mode"].take()
        };
        let joined = json!({"networks": ["n"]});
        assert_eq!(mode(json!({"n": {"external": true, "name": "host"}}), joined.clone()), "host");
        assert_eq!(mode(json!({"n": {"external": {"name": "host"}}}), json!({"networks": {"n": null}})), "host");
        assert_eq!(mode(json!({"host": {"external": "yes"}}), json!({"networks": ["host"]})), "host");
        for own in [json!({"n": {"name": "host"}}), json!({"n": {"external": true, "name": "lan"}}), json!({"n": null})]
        {
            assert_eq!(mode(own, joined.clone()), Value::Null);
        }
        let other = json!({"network_mode": "none", "networks": ["n"]});
        assert_eq!(mode(json!({"n": {"external": true, "name": "host"}}), other), "none");
    }

    #[test]
    fn a_service_that_is_none_is_said() {
        assert!(services(&json!({"services": {"a": 5}}), "f").remove(0).is_err());
    }

    #[test]
    fn a_service_has_what_it_extends() {
        let file = json!({"services": {
            "base": {"image": "a", "privileged": true, "cap_add": ["SYS_ADMIN"], "command": ["x"], "depends_on": ["z"]},
            "middle": {"extends": "base", "volumes": ["/etc:/e"], "labels": {"a": "1"}},
            "top": {"extends": {"service": "middle"}, "image": "b", "cap_add": ["CHOWN"], "command": ["y"]},
            "other": {"extends": {"file": "o.yml", "service": "base"}, "image": "c"},
            "round": {"extends": "round", "image": "d"},
        }});
        let found: BTreeMap<String, Value> = services(&file, "f").into_iter().map(|s| s.expect("a service")).collect();
        let top = &found["top"]["service"];
        assert_eq!((&top["image"], &top["privileged"]), (&json!("b"), &json!(true)));
        assert_eq!((&top["cap_add"], &top["command"]), (&json!(["SYS_ADMIN", "CHOWN"]), &json!(["y"])));
        assert_eq!((&top["volumes"][0]["source"], &top["labels"]), (&json!("/etc"), &json!({"a": "1"})));
        assert!(top.get("depends_on").is_none());
        assert!(found["other"]["service"].get("privileged").is_none());
        assert_eq!(found["round"]["service"]["image"], "d");
    }

    #[test]
    fn services_have_lines() {
        let text = "# one\nx-a: &a\n  b: c\nservices:  # all\n\n  web: &w\n    image: x\n  \"db\":\n    <<: *w\nvolumes:\n  d:\n";
        assert_eq!(lines(text), BTreeMap::from([("web", 6), ("db", 8)]));
        assert!(lines("services: {a: {image: x}}\n").is_empty());
    }
}
