//! auditd's own log: records that belong together become one event, although they interleave with others.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::exec::{self, Exec, Processes};
use super::input::{Input, Line};
use super::record::{AuditRecord, Stamp, Written, fields, from_hex};
use super::{Damage, Record};

/// How many events are open at once.
const MAX_OPEN: usize = 2048;
/// How many bytes of arguments all open events hold.
const MAX_HELD: usize = 64 << 20;
/// Events to which no record came for so many lines are complete.
const MAX_LINES: u64 = 4096;
/// Events that are so much older than a record are complete; what auditd's own tools wait.
const MAX_MILLISECONDS: i64 = 2000;
/// Arguments beyond this number are dropped.
const MAX_ARGS: usize = 1 << 20;

/// What the records of one event have in common.
type Key = (Option<Vec<u8>>, Stamp);

/// An event whose records are still being gathered.
#[derive(Debug, Default)]
struct Open {
    first_line: u64,
    last_line: u64,
    /// There is a SYSCALL record.
    is_call: bool,
    exec: Exec,
    execve: Option<Arguments>,
    held: usize,
}

/// The arguments of EXECVE records, as they come in.
#[derive(Debug, Default)]
struct Arguments {
    count: Option<usize>,
    args: BTreeMap<usize, Argument>,
}

#[derive(Debug)]
enum Argument {
    Whole(Option<String>),
    /// The hexadecimal pieces of a long one, by their number.
    Pieces(BTreeMap<usize, Vec<u8>>),
}

/// Reads audit records.
pub struct Reader {
    input: Input,
    file: Arc<str>,
    open: HashMap<Key, Open>,
    /// Keys of `open` in the order they came.
    order: VecDeque<Key>,
    held: usize,
    processes: Processes,
    ready: VecDeque<Result<Record, Damage>>,
    line: Vec<u8>,
    ended: bool,
}

impl Reader {
    pub fn new(input: Input, file: Arc<str>) -> Self {
        Self {
            input,
            file,
            open: HashMap::new(),
            order: VecDeque::new(),
            held: 0,
            processes: Processes::default(),
            ready: VecDeque::new(),
            line: Vec::new(),
            ended: false,
        }
    }

    fn damage(&mut self, line: u64, reason: impl Into<String>) {
        self.ready.push_back(Err(Damage { file: Arc::clone(&self.file), line, reason: reason.into() }));
    }

    fn read_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        let read = self.input.next_line(&mut line);
        let number = self.input.line();
        match read {
            Ok(Line::Text) if line.iter().all(u8::is_ascii_whitespace) => {}
            Ok(Line::Text) => match AuditRecord::parse(&line) {
                Ok(record) => self.add(&record, number),
                Err(reason) => self.damage(number, reason),
            },
            Ok(Line::TooLong) => self.damage(number, "the line is too long"),
            Ok(Line::End) => self.ended = true,
            Err(error) => {
                self.damage(number + 1, format!("the log cannot be read on: {error}"));
                self.ended = true;
            }
        }
        self.line = line;
    }

    /// Adds a record to its event, and lets go of the events that are complete.
    fn add(&mut self, record: &AuditRecord<'_>, line: u64) {
        let key: Key = (record.node.map(<[u8]>::to_vec), record.stamp);
        if matches!(record.kind, b"SYSCALL" | b"EXECVE" | b"CWD" | b"PATH") {
            let order = &mut self.order;
            let event = self.open.entry(key.clone()).or_insert_with(|| {
                order.push_back(key);
                Open { first_line: line, ..Open::default() }
            });
            event.last_line = line;
            let before = event.held;
            event.add(record);
            self.held = self.held + event.held - before;
        } else if record.kind == b"EOE"
            && let Some(at) = self.order.iter().position(|known| *known == key)
        {
            self.order.remove(at);
            self.close(&key);
        }
        while let Some(oldest) = self.order.front() {
            let is_complete = self.open.get(oldest).is_none_or(|event| {
                event.last_line + MAX_LINES < line
                    || record.stamp.milliseconds - oldest.1.milliseconds > MAX_MILLISECONDS
            });
            if !is_complete && self.order.len() <= MAX_OPEN && self.held <= MAX_HELD {
                break;
            }
            if let Some(key) = self.order.pop_front() {
                self.close(&key);
            }
        }
    }

    /// Makes an event of its records, if it is the start of a process.
    fn close(&mut self, key: &Key) {
        let Some(event) = self.open.remove(key) else { return };
        self.held -= event.held.min(self.held);
        let host = key.0.as_ref().map(|node| String::from_utf8_lossy(node).into_owned());
        let mut exec = event.exec;
        exec.host.clone_from(&host);
        if let Some(arguments) = event.execve {
            // Where the log begins in the middle of an event, the arguments are all there is.
            exec.success |= !event.is_call;
            let (args, missing) = arguments.finish();
            exec.args = Some(args);
            if missing > 0 {
                self.damage(event.first_line, format!("{missing} arguments of event {} are missing", key.1.serial));
            }
        } else if exec.action.is_none() {
            if let (Some(pid), Some(exe)) =
                (exec.values.get("pid").and_then(|p| p.parse().ok()), exec.values.get("exe"))
            {
                self.processes.saw(&host, pid, exe);
            }
            return;
        } else if exec.success {
            self.damage(event.first_line, format!("the arguments of event {} are missing", key.1.serial));
        }
        let time = exec::time(key.1);
        let event_json = exec.into_event(key.1, &mut self.processes);
        self.ready.push_back(Ok(Record {
            source: "process".into(),
            event: event_json,
            id: key.1.serial.to_string(),
            time,
            host,
            line: event.first_line,
            file: Arc::clone(&self.file),
        }));
    }
}

impl Iterator for Reader {
    type Item = Result<Record, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if !self.ended {
                self.read_line();
            } else {
                let key = self.order.pop_front()?;
                self.close(&key);
            }
        }
    }
}

impl Open {
    fn add(&mut self, record: &AuditRecord<'_>) {
        match record.kind {
            b"SYSCALL" => self.add_call(record),
            b"EXECVE" => {
                let arguments = self.execve.get_or_insert_default();
                self.held += record.body.len();
                arguments.add(record.body);
            }
            b"CWD" => self.exec.directory = record.field("cwd").and_then(Written::text),
            b"PATH" if record.field("item") == Some(Written::Bare(b"0")) => {
                self.exec.path = record.field("name").and_then(Written::text).filter(|path| !path.is_empty());
            }
            _ => {}
        }
    }

    fn add_call(&mut self, record: &AuditRecord<'_>) {
        self.is_call = true;
        let exec = &mut self.exec;
        let (mut arch, mut call) = (&b""[..], &b""[..]);
        for (key, value) in fields(record.body) {
            match key {
                b"arch" => arch = value.raw(),
                b"syscall" => call = value.raw(),
                b"success" => exec.success = value.raw() == b"yes",
                b"key" => exec.keys = value.text().map(|keys| exec::split_keys(&keys)).unwrap_or_default(),
                _ => {
                    let Some(name) = exec::VALUES.iter().find(|name| name.as_bytes() == key) else { continue };
                    let text = if matches!(*name, "exe" | "comm") { value.text() } else { value.literal() };
                    exec.values.extend(text.map(|text| (*name, text)));
                }
            }
        }
        exec.action = action(arch, call);
        for name in exec::NAMES {
            exec.names.extend(record.name(name).map(|text| (name, text)));
        }
        exec.action = match record.name("SYSCALL").as_deref() {
            Some("execve") => Some("execve"),
            Some("execveat") => Some("execveat"),
            _ => exec.action,
        };
    }
}

/// Which calls start a program, by architecture and number.
fn action(arch: &[u8], call: &[u8]) -> Option<&'static str> {
    let (execve, execveat): (&[u8], &[u8]) = match arch {
        b"c000003e" => (b"59", b"322"),
        b"40000003" => (b"11", b"358"),
        b"c00000b7" | b"c00000f3" => (b"221", b"281"),
        b"40000028" => (b"11", b"387"),
        b"80000016" => (b"11", b"354"),
        b"c0000015" | b"80000015" => (b"11", b"362"),
        _ => return None,
    };
    match call {
        call if call == execve => Some("execve"),
        call if call == execveat => Some("execveat"),
        _ => None,
    }
}

impl Arguments {
    fn add(&mut self, body: &[u8]) {
        for (key, value) in fields(body) {
            let Ok(key) = std::str::from_utf8(key) else { continue };
            if key == "argc" {
                self.count = std::str::from_utf8(value.raw()).ok().and_then(|count| count.parse().ok());
                continue;
            }
            let Some(key) = key.strip_prefix('a') else { continue };
            if let Ok(at) = key.parse::<usize>() {
                if at < MAX_ARGS {
                    self.args.insert(at, Argument::Whole(value.text()));
                }
            } else if let Some((at, piece)) = key.strip_suffix(']').and_then(|key| key.split_once('['))
                && let (Ok(at), Ok(piece)) = (at.parse::<usize>(), piece.parse::<usize>())
                && at < MAX_ARGS
            {
                let argument = self.args.entry(at).or_insert_with(|| Argument::Pieces(BTreeMap::new()));
                if let Argument::Pieces(pieces) = argument {
                    pieces.insert(piece, value.raw().to_vec());
                }
            }
        }
    }

    /// The arguments in order, and how many are missing.
    fn finish(self) -> (Vec<String>, usize) {
        let found = self.args.len();
        let missing = self.count.unwrap_or(found).saturating_sub(found);
        let args = self.args.into_values().map(|argument| match argument {
            Argument::Whole(text) => text.unwrap_or_default(),
            Argument::Pieces(pieces) => {
                let hex: Vec<u8> = pieces.into_values().flatten().collect();
                String::from_utf8_lossy(&from_hex(&hex).unwrap_or(hex)).into_owned()
            }
        });
        (args.collect(), missing)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Choice, Format, read};
    use super::*;
    use serde_json::{Value, json};

    fn events(log: &str) -> Vec<Result<Record, Damage>> {
        let choice = Choice { format: Some(Format::Auditd), source: None };
        read(Box::new(std::io::Cursor::new(log.to_owned())), "test", &choice).expect("readable").collect()
    }

    fn process(log: &str) -> Value {
        let mut events = events(log);
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0).expect("an event").event
    }

    const CALL: &str = r#"type=SYSCALL msg=audit(10.000:1): arch=c000003e syscall=59 success=yes exit=0 items=2 ppid=1 pid=2 auid=4294967295 uid=0 euid=0 gid=0 tty=(none) ses=4294967295 comm="x" exe="/bin/x" key=6101622B63"#;

    #[test]
    fn split_arguments_and_several_records_are_put_together() {
        let log = format!(
            "{CALL}\n{}\n{}\n{}\n",
            r#"type=EXECVE msg=audit(10.000:1): argc=5 a0="x" a1_len=12 a1[0]=4142"#,
            r#"type=EXECVE msg=audit(10.000:1):  a1[1]=4320 a1[2]=4445 a2="" a3=20"#,
            r#"type=EXECVE msg=audit(10.000:1):  a4=FF61"#
        );
        let event = process(&log);
        assert_eq!(event["process"]["args"], json!(["x", "ABC DE", "", " ", "\u{fffd}a"]));
        assert_eq!(event["process"]["args_count"], 5);
        assert_eq!(event["process"]["command_line"], "x ABC DE    \u{fffd}a");
        assert_eq!(event["rule"]["name"], json!(["a", "b+c"]));
        assert_eq!(event["user"], json!({"id": "0", "effective": {"id": "0"}}));
        assert_eq!(event["process"].get("tty").or(event["process"].get("session")), None);
        assert_eq!(event["@timestamp"], "1970-01-01T00:00:10.000Z");
    }

    #[test]
    fn events_interleave_and_serials_run_backwards() {
        let line = |serial: u32, kind: &str, body: &str| format!("type={kind} msg=audit(10.000:{serial}): {body}\n");
        let call = r#"arch=c000003e syscall=59 success=yes pid=2 ppid=1 exe="/bin/x""#;
        let log = [
            line(9, "SYSCALL", call),
            line(8, "SYSCALL", call),
            line(9, "BPRM_FCAPS", "fver=0"),
            line(8, "EXECVE", r#"argc=1 a0="eight""#),
            line(9, "EXECVE", r#"argc=1 a0="nine""#),
            line(9, "CWD", r#"cwd=2F612062"#),
            // The same serial at another time is another event.
            line(9, "EXECVE", r#"argc=1 a0="later""#).replace("10.000", "12.500"),
        ];
        let events: Vec<Value> = events(&log.concat()).into_iter().map(|e| e.expect("an event").event).collect();
        let names: Vec<&Value> = events.iter().map(|event| &event["process"]["args"][0]).collect();
        assert_eq!(names, ["nine", "eight", "later"]);
        assert_eq!(events[0]["process"]["working_directory"], "/a b");
    }

    #[test]
    fn failed_starts_have_no_arguments_and_the_title_is_not_asked() {
        let log = format!(
            "{}\n{}\n{}\n",
            CALL.replace("success=yes", "success=no"),
            r#"type=PATH msg=audit(10.000:1): item=0 name="/usr/bin/nc" nametype=UNKNOWN"#,
            "type=PROCTITLE msg=audit(10.000:1): proctitle=646F636B65720072756E"
        );
        let event = process(&log);
        assert_eq!(event["event"]["outcome"], "failure");
        assert_eq!((event["process"].get("args"), event["process"].get("command_line")), (None, None));
        assert_eq!(event["process"]["entry"]["path"], "/usr/bin/nc");
    }

    #[test]
    fn damage_is_reported_by_line_and_skipped() {
        let log = format!("garbage\n{CALL}\n\ntype=EXECVE msg=audit(10.000:1): argc=3 a0=\"x\" a1=\"y\n");
        let events = events(&log);
        let damage: Vec<(u64, &str)> =
            events.iter().filter_map(|e| e.as_ref().err()).map(|d| (d.line, d.reason.as_str())).collect();
        assert_eq!(damage, [(1, "the record's type is missing"), (2, "1 arguments of event 1 are missing")]);
        assert_eq!(events.iter().filter(|e| e.is_ok()).count(), 1);
    }

    #[test]
    fn parents_are_known_from_their_own_start() {
        let start = |serial: u32, pid: u32, ppid: u32, name: &str| {
            format!(
                "type=SYSCALL msg=audit(10.000:{serial}): arch=c000003e syscall=59 success=yes ppid={ppid} pid={pid} exe=\"/bin/{name}\"\n\
                 type=EXECVE msg=audit(10.000:{serial}): argc=2 a0=\"{name}\" a1=\"-x\"\n"
            )
        };
        let events = events(&(start(1, 10, 1, "bash") + &start(2, 11, 10, "ls")));
        let parent = &events[1].as_ref().expect("an event").event["process"]["parent"];
        assert_eq!(
            *parent,
            json!({"pid": 10, "name": "bash", "executable": "/bin/bash", "command_line": "bash -x", "args": ["bash", "-x"]})
        );
    }
}
