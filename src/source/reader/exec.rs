//! Process starts in canonical shape, from whatever recorded them, with what is known of their parents.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::record::Stamp;
use crate::logic::Event;

/// How many processes are remembered as possible parents.
const MAX_PROCESSES: usize = 1 << 16;
/// Ids that mean "not set".
const UNSET: [&str; 2] = ["4294967295", "-1"];

/// What a recorder says of one system call that starts a program, or tried to.
#[derive(Clone, Debug, Default)]
pub struct Exec {
    /// The host, if it is said.
    pub host: Option<String>,
    /// `execve` or `execveat`.
    pub action: Option<&'static str>,
    /// Whether the program was started.
    pub success: bool,
    /// The kernel's numbers and names by their audit keys: `pid`, `uid`, `exe`, `comm`, `tty`.
    pub values: HashMap<&'static str, String>,
    /// Names that auditd found, by their audit keys: `UID`, `EUID`.
    pub names: HashMap<&'static str, String>,
    /// The arguments.
    pub args: Option<Vec<String>>,
    /// The working directory.
    pub directory: Option<String>,
    /// The path that was asked for.
    pub path: Option<String>,
    /// Keys of the rules that recorded it.
    pub keys: Vec<String>,
}

/// Fields of a SYSCALL record that become part of an event.
pub const VALUES: [&str; 10] = ["pid", "ppid", "uid", "euid", "auid", "gid", "ses", "tty", "exe", "comm"];
/// Names that become part of an event.
pub const NAMES: [&str; 4] = ["UID", "EUID", "AUID", "GID"];

/// Processes that were seen, by host and id.
#[derive(Debug, Default)]
pub struct Processes {
    known: HashMap<(Option<String>, u64), Process>,
    order: VecDeque<(Option<String>, u64)>,
}

#[derive(Clone, Debug)]
struct Process {
    executable: String,
    args: Option<Vec<String>>,
}

impl Processes {
    /// Notes which program a process runs, by what it did other than starting one.
    pub fn saw(&mut self, host: &Option<String>, pid: u64, executable: &str) {
        let is_known = self.known.get(&(host.clone(), pid)).is_some_and(|known| known.executable == executable);
        if !is_known {
            self.put(host.clone(), pid, Process { executable: executable.to_owned(), args: None });
        }
    }

    fn put(&mut self, host: Option<String>, pid: u64, process: Process) {
        let key = (host, pid);
        if self.known.insert(key.clone(), process).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MAX_PROCESSES
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

impl Exec {
    fn number(&self, key: &str) -> Option<u64> {
        self.values.get(key)?.parse().ok()
    }

    /// The event; remembers the process for its children.
    pub fn into_event(self, stamp: Stamp, processes: &mut Processes) -> Event {
        let mut event = Map::new();
        if let Some(time) = time(stamp) {
            event.insert("@timestamp".into(), time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into());
        }
        event.insert(
            "event".into(),
            json!({
                "id": stamp.serial, "category": "process", "type": "start", "action": self.action.unwrap_or("execve"),
                "outcome": if self.success { "success" } else { "failure" },
            }),
        );
        if let Some(host) = &self.host {
            event.insert("host".into(), json!({ "name": host }));
        }
        if let Some(user) = self.user() {
            event.insert("user".into(), user);
        }
        let id = |key: &str| self.values.get(key).filter(|id| !UNSET.contains(&id.as_str())).cloned();
        let group =
            object([("id", id("gid").map(Value::from)), ("name", self.names.get("GID").cloned().map(Value::from))]);
        event.extend(group.map(|group| ("group".to_owned(), group)));
        if !self.keys.is_empty() {
            event.insert("rule".into(), json!({ "name": self.keys }));
        }
        let executable = self.values.get("exe").cloned();
        let text = |value: Option<String>| value.map(Value::from);
        let process = object([
            ("pid", self.number("pid").map(Value::from)),
            ("name", text(executable.as_deref().map(last_segment))),
            ("executable", text(executable.clone())),
            ("title", text(self.values.get("comm").cloned())),
            ("args", self.args.clone().map(Value::from)),
            ("args_count", self.args.as_ref().map(|args| Value::from(args.len()))),
            ("command_line", text(self.args.as_ref().map(|args| args.join(" ")))),
            ("working_directory", text(self.directory.clone())),
            ("tty", text(self.values.get("tty").cloned())),
            ("session", id("ses").and_then(|ses| ses.parse::<u64>().ok()).map(Value::from)),
            ("entry", self.path.clone().map(|path| json!({ "path": path }))),
            ("parent", self.parent(processes)),
        ]);
        event.extend(process.map(|process| ("process".to_owned(), process)));
        if let (Some(pid), Some(executable)) = (self.number("pid"), executable) {
            if self.success {
                processes.put(self.host, pid, Process { executable, args: self.args });
            } else {
                processes.saw(&self.host, pid, &executable);
            }
        }
        Value::Object(event)
    }

    fn user(&self) -> Option<Value> {
        let one = |id: &str, name: &str| {
            let id = self.values.get(id).filter(|id| !UNSET.contains(&id.as_str()))?;
            object([("id", Some(id.as_str().into())), ("name", self.names.get(name).cloned().map(Value::from))])
        };
        let mut user = match one("uid", "UID") {
            Some(Value::Object(user)) => user,
            _ => Map::new(),
        };
        user.extend(one("euid", "EUID").map(|effective| ("effective".to_owned(), effective)));
        user.extend(one("auid", "AUID").map(|audit| ("audit".to_owned(), audit)));
        (!user.is_empty()).then_some(Value::Object(user))
    }

    fn parent(&self, processes: &Processes) -> Option<Value> {
        let pid = self.number("ppid")?;
        let known = processes.known.get(&(self.host.clone(), pid));
        let args = known.and_then(|parent| parent.args.clone());
        object([
            ("pid", Some(pid.into())),
            ("name", known.map(|parent| last_segment(&parent.executable).into())),
            ("executable", known.map(|parent| parent.executable.as_str().into())),
            ("command_line", args.as_ref().map(|args| args.join(" ").into())),
            ("args", args.map(Value::from)),
        ])
    }
}

/// The time of a stamp.
pub fn time(stamp: Stamp) -> Option<Timestamp> {
    Timestamp::from_millisecond(stamp.milliseconds).ok()
}

/// An object of the members that have a value; `None` if there are none.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Option<Value> {
    let members: Map<String, Value> =
        members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

/// The name of a program by its path: what stands behind the last slash, as rules ask for it where a target has the
/// path alone. `runc init` runs as `/`, of which nothing does.
pub(super) fn last_segment(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Keys of rules as a record holds them, with 0x01 between.
pub fn split_keys(keys: &str) -> Vec<String> {
    keys.split('\u{1}').filter(|key| !key.is_empty()).map(str::to_owned).collect()
}
