//! laurel's JSON: one audit event for each line, its records as objects.

use serde_json::Value;

use super::exec::{self, Exec, Processes};
use super::record::Stamp;
use crate::logic::Event;
use crate::logic::tree::{Kind, Tree};

/// Whether an object is one of laurel's events.
pub fn is_laurel<'e>(object: impl Tree<'e>) -> bool {
    let has = |key: &str| object.get(key).is_some_and(|record| record.kind() == Kind::Object);
    object.get("ID").is_some_and(|id| id.text().is_some()) && (has("SYSCALL") || has("EXECVE"))
}

/// The start of a process, if the event is one; its stamp and host.
pub fn exec(object: &Value, processes: &mut Processes) -> Option<(Event, Stamp, Option<String>)> {
    let stamp = Stamp::parse(object.get("ID")?.as_str()?.as_bytes())?;
    let call = object.get("SYSCALL");
    let host = object.get("NODE").and_then(Value::as_str).map(decode);
    let mut exec = Exec { host: host.clone(), ..Exec::default() };
    // `SYSCALL.ARGV` are the call's registers, never the command line.
    exec.args = object.get("EXECVE").and_then(args);
    if let Some(call) = call {
        exec.success = call.get("success").and_then(Value::as_str) == Some("yes");
        exec.action = match (call.get("SYSCALL").and_then(Value::as_str), call.get("syscall").and_then(Value::as_u64)) {
            (Some("execve"), _) | (None, Some(59)) => Some("execve"),
            (Some("execveat"), _) | (None, Some(322)) => Some("execveat"),
            _ => None,
        };
        for key in exec::VALUES {
            exec.values.extend(text(call.get(key)).filter(|text| text != "(none)").map(|text| (key, text)));
        }
        for key in exec::NAMES {
            let name = text(call.get(key)).filter(|name| name != "unset" && !name.starts_with("unknown("));
            exec.names.extend(name.map(|name| (key, name)));
        }
        exec.keys = text(call.get("key")).map(|keys| exec::split_keys(&keys)).unwrap_or_default();
    } else {
        exec.success = exec.args.is_some();
    }
    if exec.args.is_none() && exec.action.is_none() {
        return None;
    }
    exec.directory = object.get("CWD").and_then(|cwd| text(cwd.get("cwd")));
    exec.path = object.get("PATH").and_then(|paths| paths.get(0)).and_then(|path| text(path.get("name")));
    Some((exec.into_event(stamp, processes), stamp, host))
}

fn args(execve: &Value) -> Option<Vec<String>> {
    match execve.get("ARGV") {
        Some(Value::Array(args)) => Some(args.iter().map(|arg| text(Some(arg)).unwrap_or_default()).collect()),
        // Only a joined line: its arguments cannot be told apart any more.
        _ => execve.get("ARGV_STR").and_then(Value::as_str).map(|line| line.split(' ').map(decode).collect()),
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(decode(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Undoes laurel's percent encoding; bytes that are no UTF-8 then are replaced.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|code| {
            let code = std::str::from_utf8(code).ok()?;
            u8::from_str_radix(code, 16).ok().filter(|_| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
        });
        match code {
            Some(code) => {
                bytes.push(code);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_those_of_execve_and_decoded() {
        let line = json!({
            "ID": "1705071450.879:29498378", "NODE": "web-1",
            "SYSCALL": {"syscall": 59, "SYSCALL": "execve", "success": "yes", "pid": 5, "ppid": 4, "uid": 0, "UID": "root",
                "exe": "/usr/bin/docker", "comm": "docker", "tty": "(none)", "key": "exec", "ARGV": ["0x1", "0x2", "0x3", "0x4"]},
            "EXECVE": {"argc": 4, "ARGV": ["docker", "100%25", "a%2Bb", "%FF%0a"]},
            "CWD": {"cwd": "/root"}, "PATH": [{"item": 0, "name": "/usr/bin/docker"}]
        });
        assert!(is_laurel(&line));
        let (event, stamp, host) = exec(&line, &mut Processes::default()).expect("a process start");
        assert_eq!(event["process"]["args"], json!(["docker", "100%", "a+b", "\u{fffd}\n"]));
        assert_eq!(event["user"]["name"], "root");
        assert_eq!((stamp.serial, host.as_deref()), (29_498_378, Some("web-1")));
        let connect = json!({"ID": "1.0:1", "SYSCALL": {"syscall": 42, "success": "yes"}});
        assert!(exec(&connect, &mut Processes::default()).is_none());
        assert_eq!(decode("%"), "%");
        assert_eq!(decode("%+1é%é"), "%+1é%é");
    }
}
