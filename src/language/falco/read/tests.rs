use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::language::FieldType;
use crate::logic::{Reading, evaluate};

fn fields() -> FieldTable {
    FieldTable::from([
        ("proc.name", FieldType::Text),
        ("proc.args", FieldType::Text),
        ("proc.pname", FieldType::Text),
        ("proc.aname", FieldType::TextList),
        ("proc.aname[*", FieldType::Text),
        ("proc.pid", FieldType::Number),
        ("container.privileged", FieldType::Boolean),
        ("ka.images", FieldType::TextList),
        ("fd.sip", FieldType::Address),
        ("fd.ip", FieldType::Address),
        ("fd.name", FieldType::Text),
    ])
}

fn definitions() -> Definitions {
    let mut definitions = Definitions::default();
    definitions.lists.insert("shells".into(), vec!["bash".into(), "my sh".into()]);
    let either = read_condition("proc.name = a or proc.name = b", &definitions, &fields()).expect("a macro");
    definitions.macros.insert("either".into(), either);
    definitions
}

fn matches(condition: &str, event: &Json) -> bool {
    let formula = read_condition(condition, &definitions(), &fields());
    evaluate(&formula.unwrap_or_else(|error| panic!("{condition}: {error}")), event, Reading::Must)
}

#[test]
fn conditions_mean_what_the_engine_says() {
    let name = |text: &str| json!({ "proc.name": text });
    let images = |list: &[&str]| json!({ "ka.images": list });
    let cases = [
        ("proc.name = docker", name("docker"), true),
        ("proc.name == docker", name("Docker"), false),
        // Missing values.
        ("proc.name != a", json!({}), false),
        ("proc.name != a", name("b"), true),
        ("proc.name != a", name("a"), false),
        ("not proc.name = a", json!({}), true),
        ("not (proc.name != a)", json!({}), true),
        ("proc.name = \"<NA>\"", name("<NA>"), false),
        ("proc.name exists", name(""), true),
        ("proc.name = \"\"", name(""), true),
        ("proc.name in ()", name("a"), false),
        // Operators on text.
        ("proc.name contains oc", name("docker"), true),
        ("proc.name contains OC", name("docker"), false),
        ("proc.name icontains OC", name("docker"), true),
        ("proc.name icontains \"É\"", name("é"), false),
        ("proc.name startswith do and proc.name endswith er", name("docker"), true),
        ("proc.name glob \"d*r\"", name("d/r"), true),
        ("proc.name glob d?cker", name("docker"), true),
        ("proc.name glob \"\\\\*\"", name("x"), false),
        ("proc.name iglob D*R", name("docker"), true),
        ("proc.name regex oc", name("docker"), false),
        ("proc.name regex \".*oc.*\"", name("docker"), true),
        ("proc.name regex \"a.b\"", name("a\nb"), false),
        ("proc.name regex \"[[:alpha:]]+[0-9]{2}\"", name("ab12"), true),
        ("proc.name regex \"(a|b)c\"", name("bc"), true),
        ("proc.name regex \"[+--]\"", name(","), true),
        ("proc.name regex \"[+--]\"", name("."), false),
        ("proc.name regex \"[--a][a-]\"", name("0-"), true),
        ("proc.name regex \"[]-a]\"", name("^"), true),
        ("proc.name regex \"[a&&b~]\"", name("&"), true),
        ("proc.name regex \"\\\\x{2028}[a\\\\x{85}-\\\\x{a0}]\\\\x41\"", name("\u{2028}\u{90}A"), true),
        ("proc.name regex \"a|bc\"", name("xa"), false),
        ("proc.name regex \"^a$\"", name("a"), true),
        ("proc.name bcontains 6f63", name("docker"), true),
        ("proc.name pmatch (/etc, /usr/bin)", name("/etc/shadow"), true),
        ("proc.name pmatch (/etc)", name("/etcd"), false),
        ("tolower(proc.name) startswith do", name("DOCKER"), true),
        ("tolower(proc.name) startswith Do", name("Docker"), false),
        ("toupper(proc.name) = DOCKER", name("docker"), true),
        ("tolower(proc.name) regex \"[a-c]+x\"", name("ABX"), true),
        ("tolower(proc.name) regex \"[A-C]+x\"", name("ABX"), false),
        ("tolower(proc.name) regex \"[^a]\"", name("A"), false),
        ("tolower(proc.name) in (a, b)", name("B"), true),
        // Lists.
        ("proc.name in (shells, zsh)", name("my sh"), true),
        ("proc.name in (\"shells\")", name("bash"), false),
        ("proc.name in(a,b)", name("b"), true),
        ("ka.images in (a, b)", images(&["a", "b"]), true),
        ("ka.images in (a, b)", images(&["a", "c"]), false),
        ("ka.images in (a, b)", images(&["a", "ab"]), false),
        ("ka.images in (a, b)", images(&[""]), false),
        ("ka.images in (a, b)", images(&[]), false),
        ("ka.images intersects (a, b)", images(&["c", "b"]), true),
        ("proc.name intersects (a, b)", name("b"), true),
        ("tolower(ka.images) intersects (a)", images(&["a"]), false),
        ("proc.aname = a", json!({"proc.aname": ["b", "a"]}), true),
        ("proc.aname != a", json!({"proc.aname": ["b", "a"]}), true),
        ("proc.aname != a", json!({"proc.aname": ["a"]}), false),
        ("not proc.aname = a", json!({"proc.aname": ["b", "a"]}), false),
        ("proc.aname[2] = a", json!({"proc.aname[2]": "a"}), true),
        // Numbers, truth values, addresses, other fields.
        ("proc.pid > 3 and proc.pid <= 5", json!({"proc.pid": 5}), true),
        ("proc.pid in (1, 2)", json!({"proc.pid": 2}), true),
        ("container.privileged = true", json!({"container.privileged": true}), true),
        ("container.privileged != true", json!({}), false),
        ("fd.sip = 10.0.0.1", json!({"fd.sip": "10.0.0.1"}), true),
        ("fd.snet = 10.0.0.0/8", json!({"fd.sip": "10.1.0.1"}), true),
        ("proc.name = val(proc.pname)", json!({"proc.name": "a", "proc.pname": "a"}), true),
        ("proc.name != val(proc.pname)", json!({"proc.name": "a"}), false),
        // Binding and macros.
        ("proc.name = a or proc.name = b and proc.pid = 1", name("a"), true),
        ("either and proc.pid = 1", name("a"), false),
        ("not either", name("b"), false),
        ("not not proc.name = a", name("a"), true),
        ("not(proc.name = a) and(proc.name = b)", name("b"), true),
        ("not proc.name = a and proc.name = b", name("b"), true),
        // Values.
        (r#"proc.args = "a\x5c""#, json!({"proc.args": "a\\"}), true),
        (r#"proc.args = 'a"\n'"#, json!({"proc.args": "a\"\n"}), true),
        ("proc.args = /a:b,", json!({}), true),
    ];
    for (condition, event, expected) in cases {
        if condition.ends_with(',') {
            assert!(read_condition(condition, &definitions(), &fields()).is_err(), "{condition}");
            continue;
        }
        assert_eq!(matches(condition, &event), expected, "{condition} on {event}");
    }
}

#[test]
fn what_the_engine_refuses_is_an_error_with_a_place() {
    let long = format!("proc.name = {}", "a".repeat(256));
    let cases = [
        ("proc.nome = a", 0, "unknown field"),
        ("evil and proc.name = a", 0, "unknown macro"),
        ("proc.name is a", 10, "expected an operator"),
        ("proc.name not in (a)", 10, "expected an operator"),
        ("proc.name istartswith a", 10, "expected an operator"),
        ("proc.name = a AND proc.pid = 1", 14, "expected `and`"),
        ("proc.name = \"a\\\"", 12, "not closed"),
        (r#"proc.name = "\.""#, 13, "unknown escape"),
        (r#"proc.name regex "\\d""#, 16, "POSIX"),
        (r#"proc.name regex "(?i)a""#, 16, "POSIX"),
        ("proc.name < 3", 0, "not supported"),
        ("proc.pid contains 3", 0, "not supported"),
        ("proc.pid = 0x10", 11, "whole decimal"),
        ("proc.pid = 1.5", 11, "whole decimal"),
        ("container.privileged = yes", 23, "`true`"),
        ("ka.images = a", 0, "not supported"),
        ("proc.pid intersects (1)", 0, "not supported"),
        ("fd.ip in (1.2.3.4)", 0, "never matches"),
        ("fd.sip = 10.0.0.0/8", 9, "fd.snet"),
        ("fd.snet in (10.0.0.0/8, 11.0.0.0/8)", 0, "first value"),
        ("basename(proc.name) = a", 0, "not supported"),
        ("proc.name regex \"[0----V]\"", 16, "a dash"),
        ("proc.name regex \"[a--]\"", 16, "not valid"),
        ("proc.name regex \"[a-c-e]\"", 16, "a dash"),
        ("proc.name regex \"[[:alpha:]-z]\"", 16, "a dash"),
        ("proc.name regex \"[a-[:digit:]]\"", 16, "a range"),
        ("proc.name regex \"\\\\x{110000}\"", 16, "hexadecimal"),
        ("proc.name regex \"\\\\x{}\"", 16, "hexadecimal"),
        ("proc.name regex \"\\\\x4\"", 16, "hexadecimal"),
        ("proc.name = shells", 12, "is a list"),
        ("proc.name in shells", 13, "in brackets"),
        ("(proc.name = a", 14, "expected `)`"),
        (long.as_str(), 12, "255 bytes"),
        ("", 0, "expected"),
    ];
    for (condition, offset, reason) in cases {
        let error = read_condition(condition, &definitions(), &fields()).expect_err(condition);
        assert_eq!(error.offset, offset, "{condition}: {error}");
        assert!(error.reason.contains(reason), "{condition}: {error}");
    }
}

const FILE: &str = r#"
- required_engine_version: 0.40.0
- list: base
  items: [bash, "my sh", '"quoted"']
- list: shells
  items: [base, zsh]
- macro: shell
  condition: proc.name in (shells) or proc.pname in (shells)
- rule: first
  desc: d
  condition: shell and proc.pid = 1
  output: "%proc.name"
  priority: WARNING
  tags: [container]
  exceptions:
    - name: pair
      fields: [proc.args, proc.pname]
      comps: [startswith, in]
      values:
        - [-c, [cron, "at d"]]
    - name: one
      fields: proc.args
      values: [--version]
    - name: none
      fields: [proc.args]
- rule: later
  desc: d
  condition: proc.name = x or proc.name = y
  output: o
  priority: INFO
  source: k8s_audit
  enabled: false
- list: shells
  items: [fish]
  append: true
- rule: later
  condition: and proc.pid = 2
  enabled: true
  override: { condition: append, enabled: replace }
"#;

#[test]
fn files_are_put_together_before_they_are_read() {
    let file = read_file(FILE, &fields()).expect("a file");
    let [first, later] = file.rules.as_slice() else { panic!("two rules") };
    assert_eq!(file.definitions.lists["shells"], ["bash", "my sh", "quoted", "zsh", "fish"]);
    assert_eq!((first.priority.as_str(), first.source.as_str(), first.enabled), ("WARNING", "syscall", true));
    assert_eq!((later.source.as_str(), later.enabled), ("k8s_audit", true));
    let holds =
        |rule: &Rule, event: Json| evaluate(rule.condition.as_ref().expect("a condition"), &event, Reading::Must);
    let cases = [
        (json!({"proc.name": "fish", "proc.pid": 1}), true),
        (json!({"proc.pname": "my sh", "proc.pid": 2}), false),
        (json!({"proc.name": "zsh", "proc.pid": 1, "proc.args": "--version"}), false),
        (json!({"proc.name": "zsh", "proc.pid": 1, "proc.args": "-c ls"}), true),
        (json!({"proc.name": "zsh", "proc.pid": 1, "proc.args": "-c ls", "proc.pname": "at d"}), false),
    ];
    for (event, expected) in cases {
        assert_eq!(holds(first, event.clone()), expected, "{event}");
    }
    // What is appended is appended as text.
    assert!(holds(later, json!({"proc.name": "x"})) && !holds(later, json!({"proc.name": "y"})));
}

#[test]
fn faults_of_files_say_where() {
    let fault = |text: &str| read_file(text, &fields()).expect_err(text);
    assert!(fault("a: b").reason.contains("list of rules"));
    assert_eq!(fault("- list: a\n  items: [x]\n- thing: b").entry, Some(1));
    assert!(fault("- rule: a\n  append: true\n  condition: and x").reason.contains("not defined"));
    assert!(fault("- list: a\n  items: [\"x=y\"]").reason.contains("quoted"));
    // A rule knows the macros after it, a macro does not.
    let rule = "- rule: r\n  condition: m\n  desc: d\n  output: o\n  priority: INFO\n";
    let late = &format!("{rule}- macro: early\n  condition: m\n- macro: m\n  condition: proc.name = a");
    let file = read_file(late, &fields()).expect("a file");
    assert!(file.rules[0].condition.is_ok());
    let silent = late.replace("  output: o\n", "");
    let silent = read_file(&silent, &fields()).expect("a file");
    assert!(silent.rules[0].condition.as_ref().is_err_and(|error| error.reason.contains("no `output`")));
    assert!(file.broken_macros.iter().any(|(name, error)| name == "early" && error.reason.contains("unknown macro")));
}

#[test]
fn deep_and_growing_conditions_end() {
    let deep = format!("{}proc.name = a{}", "(".repeat(5000), ")".repeat(5000));
    assert!(read_condition(&deep, &definitions(), &fields()).is_err());
    let mut file = String::from("- macro: m0\n  condition: proc.name = a or proc.name = b\n");
    for i in 1..60 {
        file.push_str(&format!("- macro: m{i}\n  condition: m{0} and m{0}\n", i - 1));
    }
    let file = read_file(&file, &fields()).expect("a file");
    assert!(!file.broken_macros.is_empty());
    let long = "b".repeat(255);
    assert!(matches(&format!("not ka.images in ({long}, c)"), &json!({"ka.images": ["c", "bb"]})));
    assert!(matches(&format!("ka.images in ({long}, c)"), &json!({"ka.images": ["c", long]})));
}

proptest! {
    #[test]
    fn no_text_panics(
        text in r#"([a-z:*()"'?~.<>=, \\]|proc\.name |proc\.pid |ka\.images |in \(|regex | and | or |not |tolower\(){0,40}"#
    ) {
        let _ = read_condition(&text, &definitions(), &fields());
        let _ = read_file(&text, &fields());
    }
    #[test]
    fn nor_does_any_other(text in any::<String>()) {
        let _ = read_condition(&text, &definitions(), &fields());
        let _ = read_file(&text, &fields());
    }
    #[test]
    fn no_expression_panics(source in r#"[ab\\\[\]()|+?*{},0-9^$.:-]{0,30}"#) {
        if let Ok(regex) = text::regex(&source) {
            let _ = Transform::Lower.before(&regex);
        }
    }
    #[test]
    fn none_of_is_the_complement(texts in prop::collection::vec("[ab^-]{0,4}", 1..5), other in "[abc^-]{0,5}") {
        let listed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let set = crate::logic::TextSet::new(vec![text::none_of(&listed)], crate::logic::Case::Sensitive);
        prop_assert_eq!(set.is_match(&other, false), !texts.contains(&other));
        for text in &texts {
            prop_assert!(!set.is_match(text, false));
        }
    }
}

#[test]
fn lists_and_macros_are_known_as_the_engine_knows_them() {
    let read = |text: &str| read_file(text, &fields()).expect("a file").definitions;
    // A list before another one gives what is written in it, and no more.
    let lists = "- list: a\n  items: [x]\n- list: b\n  items: [a]\n- list: c\n  items: [b, y]\n";
    assert_eq!(read(lists).lists["c"], ["a", "y"]);
    // Names of lists behind it are found in the condition.
    let lists = "- list: c\n  items: [b, y]\n- list: b\n  items: [a]\n- list: a\n  items: [x, z]\n";
    assert_eq!(read(lists).lists["c"], ["x", "z", "y"]);
    let lists = "- list: c\n  items: [run b now]\n- list: b\n  items: [x]\n";
    assert!(read_file(lists, &fields()).expect_err("a word").reason.contains("`b` in `run b now` is a list"));
    // In a text, too.
    let of = |condition: &str| read_condition(condition, &definitions(), &fields());
    let error = of("proc.name in (shells) and proc.args = \"in shells now\"").expect_err("a word");
    assert!(error.offset == 42 && error.reason.contains("`shells` is a list"), "{error}");
    assert!(of("proc.name in (shells) and proc.args = \"in shells\"").is_ok(), "a quote is not where a word ends");

    // A macro that is changed later knows what was defined before that.
    let changed = "- macro: m\n  condition: proc.pid = 1\n- macro: late\n  condition: m or proc.pid = 3\n\
                   - macro: mine\n  condition: proc.pid = 2\n- macro: m\n  condition: mine\n";
    let definitions = read(changed);
    let holds = |pid: u32| evaluate(&definitions.macros["late"], &json!({ "proc.pid": pid }), Reading::Must);
    assert_eq!([1, 2, 3].map(holds), [false, true, true]);
    let circle = "- macro: m\n  condition: proc.pid = 1\n- macro: n\n  condition: m\n- macro: m\n  condition: n\n";
    let file = read_file(circle, &fields()).expect("a file");
    assert_eq!((file.definitions.macros.len(), file.broken_macros.len()), (0, 2));
}
