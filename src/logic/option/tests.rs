//! Options in vectors and in lines.

use proptest::prelude::*;

use super::line::{CLUSTER, OPTIONS, SWITCHED_ON, commands_regex};
use super::*;
use crate::logic::pattern::{Case, Glob, Pattern, Piece};

fn launchers() -> Arc<Launchers> {
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    Arc::new(Launchers {
        wrappers: set(&["sudo", "env", "timeout", "nohup"]),
        shells: set(&["sh", "bash"]),
        texts: set(&["ssh"]),
    })
}

fn command(program: Option<&str>, words: &[&str]) -> Command {
    let flags = ["-d", "-i", "-t", "--rm", "--privileged"].iter().map(|f| (*f).to_owned()).collect();
    Command {
        program: program.map(str::to_owned),
        words: words.iter().map(|w| (*w).to_owned()).collect(),
        grammar: Arc::new(Grammar { flags, values: ["--name".to_owned()].into(), interspersed: false }),
    }
}

fn test(names: &[&str], value: OptionValue) -> OptionTest {
    OptionTest {
        commands: vec![command(Some("docker"), &["run"]), command(Some("docker"), &["container", "run"])],
        names: names.iter().map(|n| (*n).to_owned()).collect(),
        value,
        launchers: launchers(),
    }
}

fn etc(read_only: Option<bool>, form: ValueForm) -> OptionValue {
    let set = TextSet::new(vec![Pattern::Path { path: "/etc".into(), below: true }], Case::Sensitive);
    let mut tests = vec![ValueTest::Key(vec!["source".into(), "src".into()], set)];
    tests.extend(read_only.map(ValueTest::ReadOnly));
    OptionValue::Given { form, tests }
}

/// Whether the vector, the strict and the loose line reading find it.
fn readings(test: &OptionTest, argv: &[&str]) -> (bool, bool, bool) {
    let line = argv.join(" ");
    let line_matches =
        |regex: String| regex::Regex::new(&format!("^(?:{regex})$")).expect("an expression").is_match(&line);
    (test.is_given(argv), line_matches(test.strict_regex()), line_matches(test.loose_regex()))
}

#[test]
fn switches() {
    let privileged = test(&["--privileged"], OptionValue::Switch);
    for line in [
        "docker run --privileged alpine",
        "/usr/bin/docker run --rm --privileged alpine",
        "docker run --privileged=true alpine",
        "docker --context x run -it --name a --privileged alpine",
        "docker container run --privileged alpine",
        "sudo docker run --privileged alpine",
        "timeout -s TERM 6 docker run --privileged alpine",
    ] {
        let argv: Vec<&str> = line.split(' ').collect();
        assert_eq!(readings(&privileged, &argv), (true, true, true), "{line}");
    }
    for line in [
        "docker run --privileged=false alpine",
        "docker run alpine echo --privileged",
        "docker run --name privileged alpine",
        "docker ps --filter label=privileged",
        "grep -- --privileged notes",
        "docker build --privileged .",
    ] {
        let argv: Vec<&str> = line.split(' ').collect();
        let (vector, strict, _) = readings(&privileged, &argv);
        assert_eq!((vector, strict), (false, false), "{line}");
    }
    assert!(privileged.is_given(&["sh", "-c", "cd /tmp && docker run --privileged 'a b'"]));
    assert!(privileged.is_given(&["sudo", "-E", "bash", "-lc", "docker run --privileged a"]));
    assert!(!privileged.is_given(&["docker", "build", "echo docker run --privileged"]));
    assert!(!privileged.is_given(&["docker", "run", "-e", "--privileged", "alpine"]));
}

#[test]
fn values_in_every_spelling() {
    let mount = test(&["-v", "--volume"], etc(None, ValueForm::Volume));
    for line in [
        "docker run -v /etc:/etc a",
        "docker run -v=/etc:/etc a",
        "docker run -v/etc:/etc a",
        "docker run -itv /etc:/x a",
        "docker run -itv/etc:/x a",
        "docker run --volume /etc/:/x a",
        "docker run --volume=//etc/shadow:/x a",
        "docker run -v /data:/data:ro -v /etc:/x a",
    ] {
        let argv: Vec<&str> = line.split(' ').collect();
        assert_eq!(readings(&mount, &argv), (true, true, true), "{line}");
    }
    for line in [
        "docker run -v /etcd:/etc a",
        "docker run -v /srv:/etc a",
        "docker run a -v /etc:/etc",
        "docker run -v etc:/etc a",
        "docker run -v /etc a",
    ] {
        let argv: Vec<&str> = line.split(' ').collect();
        let (vector, strict, _) = readings(&mount, &argv);
        assert_eq!((vector, strict), (false, false), "{line}");
    }
}

#[test]
fn an_expression_for_the_whole_value_ends_where_the_value_does() {
    let home = TextSet::new(vec![Pattern::Regex("^/+home/+[^/: ]+/*$".into())], Case::Sensitive);
    let tests = vec![ValueTest::Key(vec!["source".into()], home)];
    let mounted = test(&["-v"], OptionValue::Given { form: ValueForm::Volume, tests });
    for (line, expected) in [
        ("docker run -v /home/a:/x i", true),
        ("docker run -v /home/a/:/x:ro i", true),
        ("docker run -v /home/a/b:/x i", false),
        ("docker run -v /mnt/home/a:/x i", false),
    ] {
        let argv: Vec<&str> = line.split(' ').collect();
        assert_eq!(readings(&mounted, &argv), (expected, expected, expected), "{line}");
    }
    for word in [r"\bhome\b", r"\<home\>", r"\b{start}home"] {
        assert!(!test(&["-v"], whole(&[Pattern::Regex(word.into())])).has_regex(), "{word}");
    }
}

#[test]
fn a_target_alone_is_a_volume_without_a_name() {
    let on_etc = |read_only: Option<bool>| {
        let set = TextSet::new(vec![Pattern::Path { path: "/etc".into(), below: true }], Case::Sensitive);
        let mut tests = vec![ValueTest::Key(vec!["target".into()], set)];
        tests.extend(read_only.map(ValueTest::ReadOnly));
        test(&["-v"], OptionValue::Given { form: ValueForm::Volume, tests })
    };
    for (line, expected) in [
        ("docker run -v /etc i", [true, true, false]),
        ("docker run -v/etc/x", [true, true, false]),
        ("docker run -v data:/etc i", [true, true, false]),
        ("docker run -v data:/etc:ro i", [true, false, true]),
        ("docker run -v /etc:/x i", [false, false, false]),
        ("docker run -v /x /etc", [false, false, false]),
    ] {
        let argv: Vec<&str> = line.split(' ').collect();
        let found = [None, Some(false), Some(true)].map(|read_only| readings(&on_etc(read_only), &argv));
        assert_eq!(found, expected.map(|found| (found, found, found)), "{line}");
    }
}

fn whole(patterns: &[Pattern]) -> OptionValue {
    let set = TextSet::new(patterns.to_vec(), Case::Sensitive);
    OptionValue::Given { form: ValueForm::Plain, tests: vec![ValueTest::Whole(set)] }
}

#[test]
fn a_pattern_that_holds_what_ends_a_value_goes_beyond_it() {
    let source = |pattern: Pattern, form| {
        let set = TextSet::new(vec![pattern], Case::Sensitive);
        OptionValue::Given { form, tests: vec![ValueTest::Key(vec!["source".into()], set)] }
    };
    let regex = |text: &str| Pattern::Regex(text.into());
    let text = |text: &str| Pattern::Glob(Glob::new([Piece::Any, Piece::Literal(text.into())]));
    for (value, stays) in [
        (OptionValue::Switch, true),
        (etc(Some(true), ValueForm::Volume), true),
        (whole(&[regex(r"^(?:[^ ,]*,)*SYS_(?:ADMIN|RAWIO)(?:,[^ ]*)?$"), regex("a+b"), text("c:d,e")]), true),
        (whole(&[regex("^tcp://.*$")]), false),
        (whole(&[regex(r"^a\s?b$")]), false),
        (whole(&[regex("^[^/]+$")]), false),
        (whole(&[regex("a( b)?")]), false),
        (whole(&[text("a"), text("b c")]), false),
        (source(regex("^/home/[^/: ]+$"), ValueForm::Volume), true),
        (source(regex("^/home/[^/ ]+$"), ValueForm::Volume), false),
        (source(regex("^/home/[^/, ]+$"), ValueForm::Keys), true),
        (source(regex("^/home/[^/: ]+$"), ValueForm::Keys), false),
        (source(text("a:b"), ValueForm::Volume), false),
    ] {
        assert_eq!(test(&["-v"], value.clone()).stays_in_its_value(), stays, "{value:?}");
    }
}

#[test]
fn an_option_with_more_alternatives_is_given_wherever_it_was() {
    let texts =
        |texts: &[&str]| whole(&texts.iter().map(|text| Pattern::Glob(Glob::equals(*text))).collect::<Vec<_>>());
    let with = |names: &[&str], value: OptionValue| test(names, value);
    let few = with(&["-v"], texts(&["a", "b"]));
    let fewer_commands = OptionTest { commands: vec![command(Some("docker"), &["run"])], ..few.clone() };
    let any_command = OptionTest { commands: Vec::new(), ..few.clone() };
    assert!(few.is_within(&few) && few.is_within(&with(&["-v"], texts(&["c", "b", "a"]))));
    assert!(fewer_commands.is_within(&few));
    for (one, other) in [
        (&few, &with(&["-v"], texts(&["a", "c", "d"]))),
        (&few, &with(&["-v", "--volume"], texts(&["a", "b"]))),
        (&few, &with(&["-v"], whole(&[]))),
        (&few, &fewer_commands),
        (&few, &any_command),
        (&any_command, &few),
        (
            &few,
            &with(
                &["-v"],
                whole(&[
                    Pattern::Glob(Glob::equals("a")),
                    Pattern::Glob(Glob::equals("b")),
                    Pattern::Regex(r"\bc".into()),
                ]),
            ),
        ),
    ] {
        assert!(!one.is_within(other), "{other:?}");
    }
}

#[test]
fn conditions_hold_for_one_occurrence() {
    let (v, m) = (["-v", "--volume"], ["--mount"]);
    let written = test(&v, etc(Some(false), ValueForm::Volume));
    let read = test(&v, etc(Some(true), ValueForm::Volume));
    let mounted = test(&m, etc(Some(false), ValueForm::Keys));
    let mounted_ro = test(&m, etc(Some(true), ValueForm::Keys));
    for (line, expected) in [
        ("docker run -v /data:/data:ro -v /etc:/etc a", [true, false, false, false]),
        ("docker run -v /data:/data -v /etc:/etc:ro a", [false, true, false, false]),
        ("docker run -v /etc:/etc:rw,z a", [true, false, false, false]),
        ("docker run -v /etc:/etc:z,ro a", [false, true, false, false]),
        ("docker run -v /etc:/etc:readonly a", [true, false, false, false]),
        ("docker run -v /etc:/etc:O a", [false, true, false, false]),
        ("docker run -v /etc:/etc:z,O a", [false, true, false, false]),
        ("docker run -v /etc:/etc:OO,U a", [true, false, false, false]),
        ("docker run --mount type=bind,src=/etc,dst=/x a", [false, false, true, false]),
        ("docker run --mount readonly,type=bind,source=/etc,dst=/x a", [false, false, false, true]),
        ("docker run --mount type=bind,source=/etc,dst=/x,ro=true a", [false, false, false, true]),
        ("docker run --mount type=bind,source=/etc,dst=/x,readonly=false a", [false, false, true, false]),
        ("docker run --mount type=bind,source=/etcd,dst=/etc a", [false, false, false, false]),
    ] {
        let argv: Vec<&str> = line.split(' ').collect();
        for (test, expected) in [&written, &read, &mounted, &mounted_ro].into_iter().zip(expected) {
            let (vector, strict, loose) = readings(test, &argv);
            assert_eq!((vector, strict), (expected, expected), "{line} {:?}", test.value);
            assert!(loose || !strict);
        }
    }
}

#[test]
fn an_item_that_only_looks_like_read_only_is_neither() {
    let mounted = |read_only| test(&["--mount"], etc(Some(read_only), ValueForm::Keys));
    for (item, expected) in [
        ("ro", [true, false]),
        ("readonly=1", [true, false]),
        ("readonly=false", [false, true]),
        ("ro=0", [false, true]),
        ("readonly=maybe", [false, false]),
        ("rox", [false, false]),
        ("readon", [false, false]),
        ("relabel=shared", [false, true]),
        ("rw", [false, true]),
        ("re", [false, false]),
        ("", [false, true]),
    ] {
        for value in [format!("src=/etc,{item}"), format!("{item},src=/etc"), format!("a=b,{item},src=/etc,c=d")] {
            let argv = ["docker", "run", "--mount", &value, "alpine"];
            for (read_only, expected) in [true, false].into_iter().zip(expected) {
                let (vector, strict, _) = readings(&mounted(read_only), &argv);
                assert_eq!((vector, strict), (expected, expected), "{value} {read_only}");
            }
        }
    }
}

/// Commands of any program are written shorter than others, and mean the same.
#[test]
fn a_command_of_any_program_is_any_words_before_its_own() {
    use crate::logic::decide::{Answer, Budget, Schema, equivalent};
    use crate::logic::{Formula, Path, Predicate, Reading};

    let line = |regex: &str| {
        let set = TextSet::new(vec![Pattern::Regex(format!("^(?:{regex})$"))], Case::Sensitive);
        Formula::test(&Path::from_segments(["line"]), Predicate::Text(set))
    };
    for commands in [vec![], vec![vec!["run"]], vec![vec!["run"], vec!["container", "run"], vec!["create"]]] {
        for names in [&["--privileged"][..], &[]] {
            let mut option = test(names, OptionValue::Switch);
            option.commands = commands.iter().map(|words| command(None, words)).collect();
            if commands.is_empty() && names.is_empty() {
                continue;
            }
            let (general, last) = match commands.len() {
                0 => ("[^ ]+".to_owned(), "(?: [^ ]+)*"),
                _ => (commands_regex(&option.commands.iter().collect::<Vec<_>>(), "[^ ]+", OPTIONS), OPTIONS),
            };
            let given = match names {
                [] => String::new(),
                _ => format!("{last} {}", option.given_regex(SWITCHED_ON, CLUSTER, false)),
            };
            let general = format!("(?:[^ ]+ )*(?:[^ ]*/)?{general}{given}(?: (?s:.*))?");
            let answer = equivalent(
                &line(&general),
                &line(&option.strict_regex()),
                Reading::Must,
                &Schema::default(),
                &Budget::default(),
            );
            assert_eq!(answer, Answer::Holds, "{general}\n{}", option.strict_regex());
        }
    }
}

#[test]
fn several_expressions_say_what_one_says() {
    let mounted = test(&["--mount"], etc(Some(true), ValueForm::Keys));
    let all = mounted.strict_regexes();
    assert_eq!(all.len(), 2);
    let whole = regex::Regex::new(&format!("^(?:{})$", mounted.strict_regex())).expect("an expression");
    let parts: Vec<_> =
        all.iter().map(|part| regex::Regex::new(&format!("^(?:{part})$")).expect("an expression")).collect();
    for value in ["src=/etc,ro", "ro,src=/etc", "a,ro,b,src=/etc,c", "src=/etc", "ro", "src=/etcd,ro"] {
        let line = format!("docker run --mount {value} alpine");
        assert_eq!(parts.iter().any(|part| part.is_match(&line)), whole.is_match(&line), "{line}");
    }
}

#[test]
fn a_command_without_names_is_enough() {
    let mut run = test(&[], OptionValue::Switch);
    run.commands = vec![command(Some("kubectl"), &["exec"])];
    for (line, expected) in [
        ("kubectl -n kube-system exec etcd-0 -- sh", true),
        ("sudo kubectl exec x", true),
        ("kubectl get exec", false),
        ("echo kubectl exec x", false),
    ] {
        let argv: Vec<&str> = line.split(' ').collect();
        assert_eq!(run.is_given(&argv), expected, "{line}");
        assert!(!expected || readings(&run, &argv) == (true, true, true), "{line}");
    }
}

#[test]
fn wildcards_lie_between_the_readings() {
    let privileged = test(&["--privileged"], OptionValue::Switch);
    let globs = privileged.loose_globs().expect("a switch");
    let set = TextSet::new(globs.into_iter().map(Pattern::Glob).collect(), Case::Sensitive);
    assert!(set.is_match("sudo docker run -it --privileged alpine", false));
    assert!(set.is_match("docker run --privileged=true alpine", false));
    assert!(!set.is_match("docker run --privileged=false alpine", false));
}

#[test]
fn shells_are_told_what_to_run_in_many_ways() {
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    let launchers = Launchers {
        wrappers: set(&["sudo"]),
        shells: set(&["sh", "bash", "su", "flock", "script", "env"]),
        texts: set(&["ssh", "watch"]),
    };
    for (line, expected) in [
        (&["sh", "-c", "X"][..], Some("X")),
        (&["sh", "-c", "X", "name", "-c"], Some("X")),
        (&["bash", "-euo", "pipefail", "-c", "X"], Some("X")),
        (&["bash", "-o", "pipefail", "-ec", "X"], Some("X")),
        (&["bash", "-ce", "X"], Some("X")),
        (&["bash", "-c", "--", "X"], Some("X")),
        (&["bash", "--norc", "--rcfile", "file", "-c", "X"], Some("X")),
        (&["sudo", "sh", "-xc", "X"], Some("X")),
        (&["su", "-", "root", "-c", "X"], Some("X")),
        (&["su", "-c", "X", "root"], Some("X")),
        (&["su", "root", "--command=X"], Some("X")),
        (&["su", "-s", "/bin/sh", "--command", "X"], Some("X")),
        (&["flock", "-n", "/lock", "-c", "X"], Some("X")),
        (&["script", "-qc", "X", "/dev/null"], Some("X")),
        (&["ssh", "-p", "22", "host", "X Y"], Some("X Y")),
        (&["watch", "--exec=X Y"], Some("X Y")),
        (&["env", "-S", "X"], Some("X")),
        (&["env", "-i", "-u", "HOME", "A=1", "-vSX Y"], Some("X Y")),
        (&["env", "--unset", "HOME", "--split-string=X"], Some("X")),
        (&["env", "-uS", "X"], None),
        (&["env", "A=1", "tool", "-S", "X"], None),
        (&["ssh", "host", "X"], None),
        (&["bash", "script.sh", "-c", "X"], None),
        (&["bash", "-x", "script.sh"], None),
        (&["sh"], None),
        (&["sh", "-c"], None),
        (&["ls", "-c", "X"], None),
    ] {
        assert_eq!(launchers.shell_texts(line).next(), expected, "{line:?}");
    }
}

fn split(text: &str) -> Vec<Vec<String>> {
    launchers().commands_in(text)
}

#[test]
fn a_line_of_a_shell_goes_on_in_the_next_one() {
    assert_eq!(split("docker run -d \\\n  --privileged a"), [["docker", "run", "-d", "--privileged", "a"]]);
    assert_eq!(split("echo \"a\\\nb\\n\" 'c\\\nd'"), [["echo", "ab\\n", "c\\\nd"]]);
}

#[test]
fn shells_split_words() {
    assert_eq!(
        split(r#"A=b docker run 'x y' "z\"" && echo a;b|c"#),
        [vec!["docker", "run", "x y", "z\""], vec!["echo", "a"], vec!["b"], vec!["c"]]
    );
    assert_eq!(split("if ! a; then { b; }; fi # c"), [["a"], ["b"]]);
    assert_eq!(split("a#b '#' c"), [["a#b", "#", "c"]]);
}

#[test]
fn redirections_are_no_words() {
    assert_eq!(split("a >f b 2>&1 c"), [["a", "b", "c"]]);
    assert_eq!(split("a 2>/dev/null b &>f&c <<<d"), [vec!["a", "b"], vec!["c"]]);
    assert_eq!(split("a 12 >> f x2>g"), [["a", "12", "x2"]]);
    assert_eq!(split("a <(b c) d"), [vec!["b", "c"], vec!["a", "/dev/fd/63", "d"]]);
}

#[test]
fn commands_in_substitutions_are_commands() {
    assert_eq!(split("x=$(a b)"), [["a", "b"]]);
    assert_eq!(split("a \"$(b \"$(c)\")\" d"), [vec!["c"], vec!["b", "$()"], vec!["a", "$()", "d"]]);
    assert_eq!(split("a -v $(pwd):/x `b` c"), [vec!["pwd"], vec!["b"], vec!["a", "-v", "\0$():/x", "\0$()", "c"]]);
    assert_eq!(
        split("a '$(b)' $((1+2)) ${x:-y z} \"$x\""),
        [vec!["1+2"], vec!["a", "$(b)", "\0$()", "\0${x:-y z}", "$x"]]
    );
    // As deep as one likes, and never closed.
    assert!(!split(&"$(a ".repeat(10_000)).is_empty());
    assert!(!split(&"\"`${".repeat(10_000)).is_empty());
}

#[test]
fn here_documents_are_commands_where_a_shell_reads_them() {
    assert_eq!(split("cat <<EOF >f\ndocker run\nEOF\na"), [["cat"], ["a"]]);
    assert_eq!(split("ssh h <<-'E'\n\ta b\n\tE\nc"), [vec!["ssh", "h"], vec!["a", "b"], vec!["c"]]);
    assert_eq!(split("bash <<E\na b"), [vec!["bash"], vec!["a", "b"]]);
}

#[test]
fn expansions_may_be_options() {
    let privileged = test(&["--privileged"], OptionValue::Switch);
    for (script, expected) in [
        ("docker run $OPTS --privileged a", true),
        ("docker run ${OPTS} --privileged a", true),
        ("docker run \"${OPTS[@]}\" --privileged a", true),
        ("docker run --network $NET --privileged a", true),
        ("docker run -v $(pwd):/x --privileged a", true),
        ("$SUDO docker $GLOBAL run --privileged a", true),
        ("docker run \"$IMAGE\" --privileged", false),
        ("docker run '$IMAGE' --privileged", false),
        ("docker run a $ARGS --privileged", false),
        ("echo \"docker run $OPTS --privileged\"", false),
    ] {
        assert_eq!(privileged.is_given(&["sh", "-c", script]), expected, "{script}");
    }
    assert!(!privileged.is_given(&["docker", "run", "$OPTS", "--privileged", "a"]));
}

#[test]
fn what_an_option_takes_is_no_option() {
    let privileged = test(&["--privileged"], OptionValue::Switch);
    assert!(!privileged.is_given(&["docker", "run", "--name", "--privileged", "a"]));
    assert!(privileged.is_given(&["docker", "run", "--name", "x", "--privileged", "a"]));
    assert!(privileged.is_given(&["docker", "run", "--never-heard-of", "--privileged", "a"]));
}

#[test]
fn a_dash_alone_is_a_value() {
    let privileged = test(&["--privileged"], OptionValue::Switch);
    // In a line it may be an option, too: what is written so is hardly ever meant otherwise, and the expression is short.
    for (line, vector, strict) in [
        ("docker run --env-file - --privileged a", true, true),
        ("docker run -w - -u 0 --privileged a", true, true),
        ("docker run a - --privileged", false, false),
        ("docker run --rm a - --privileged", false, true),
    ] {
        let (given, line_strict, loose) = readings(&privileged, &line.split(' ').collect::<Vec<_>>());
        assert_eq!((given, line_strict), (vector, strict), "{line}");
        assert!(loose || !line_strict);
    }
}

#[test]
fn items_of_a_mount_have_other_spellings() {
    let mounted = test(&["--mount"], etc(Some(false), ValueForm::Keys));
    let mounted_ro = test(&["--mount"], etc(Some(true), ValueForm::Keys));
    for (value, expected) in [
        ("type=bind,src=/etc,dst=/x,options=rbind:rw", (true, false)),
        ("type=bind,src=/etc,dst=/x,options=rbind:ro", (false, false)),
        ("type=bind,options=rbind:ro:nosuid,src=/etc,dst=/x", (false, false)),
        ("type=bind,options=rbind,src=/etc,dst=/x", (true, false)),
        ("type=bind,options=,src=/etc", (true, false)),
        ("type=bind,source=/etc,rw,relabel=shared,ro=false", (true, false)),
        ("type=bind,source=/etc,re", (false, false)),
        // Comma-separated values know quotes.
        ("type=bind,\"src=/etc\",dst=/x", (true, false)),
        ("type=bind,\"source=/etc/ssh\",dst=/x,readonly", (false, true)),
        ("type=bind,src=/srv,\"dst=/etc\"", (false, false)),
    ] {
        let argv = ["docker", "run", "--mount", value, "a"];
        for (test, expected) in [(&mounted, expected.0), (&mounted_ro, expected.1)] {
            let (vector, strict, loose) = readings(test, &argv);
            assert_eq!((vector, strict), (expected, expected), "{value}");
            assert!(loose || !strict);
        }
    }
}

/// Arguments as they come on command lines, without blanks in them.
fn arguments() -> impl Strategy<Value = Vec<String>> {
    let words = [
        "docker",
        "/usr/bin/docker",
        "sudo",
        "run",
        "container",
        "alpine",
        "-d",
        "-it",
        "--rm",
        "--name",
        "--",
        "-",
        "-v",
        "--volume",
        "-p",
        "--pull",
        "-pull",
        "-itv",
        "-dp",
        "-itp=1",
        "-p=0",
        "-pv/etc:/x",
        "-#v",
        "-#p",
        "-x=v",
        "-e=p",
        "--volume=",
        "-v=",
        "--pull=true",
        "--pull=false",
        "/etc",
        "/etc:/x",
        "/etc:/x:ro",
        "/etc:/x:rw,z",
        "x:/etc",
        ":/etc",
        "/etc:",
        "src=/etc",
        "type=bind,source=/etc,ro",
        "readonly=0,src=/etc",
        "\"src=/etc\"",
        "ro",
        "=",
    ];
    let word = prop::sample::select(words.map(str::to_owned).to_vec());
    let glued = (prop::sample::select(vec!["-v", "-v=", "--volume=", "-itv", "-p", "--pull="]), word.clone());
    let word = prop_oneof![3 => word, 1 => glued.prop_map(|(name, value)| format!("{name}{value}"))];
    (any::<bool>(), prop::collection::vec(word, 1..6)).prop_map(|(is_run, words)| {
        let start = if is_run { ["docker", "run"].as_slice() } else { &["docker"] };
        start.iter().map(|word| (*word).to_owned()).chain(words).collect()
    })
}

/// Conditions on a value of each form.
fn values() -> impl Strategy<Value = OptionValue> {
    let glob = |glob| TextSet::new(vec![Pattern::Glob(glob)], Case::Sensitive);
    let etc = TextSet::new(vec![Pattern::Path { path: "/etc".into(), below: true }], Case::Sensitive);
    let sets = vec![etc, glob(Glob::contains("e")), glob(Glob::equals("")), glob(Glob::new([Piece::Any]))];
    let set = prop::sample::select(sets);
    let keys: [&[&str]; 2] = [&["source", "src"], &["target"]];
    let key = prop::sample::select(keys.map(|names| names.iter().map(|name| (*name).to_owned()).collect()).to_vec());
    let test = prop_oneof![
        set.clone().prop_map(ValueTest::Whole),
        (key, set).prop_map(|(names, set)| ValueTest::Key(names, set)),
        any::<bool>().prop_map(ValueTest::ReadOnly),
    ];
    let forms = vec![ValueForm::Plain, ValueForm::Volume, ValueForm::Keys];
    let given = (prop::sample::select(forms), prop::collection::vec(test, 0..3));
    prop_oneof![
        1 => Just(OptionValue::Switch),
        4 => given.prop_map(|(form, tests)| OptionValue::Given { form, tests }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A rule that is given the line finds what the vector says, and nothing beyond the loose reading.
    #[test]
    fn what_is_given_is_found_in_the_line(
        argv in arguments(),
        value in values(),
        names in prop::sample::subsequence(vec!["-v", "--volume", "-p", "--pull", "-pull"], 0..4),
        commands in 0_usize..5,
    ) {
        let mut option = test(&names, value);
        match commands {
            0 if !names.is_empty() => option.commands.clear(),
            1 => option.commands.push(command(None, &["run"])),
            2 => option.commands = vec![Command { grammar: Arc::new(Grammar { interspersed: true, flags: ["-#".to_owned()].into(), ..Grammar::default() }), ..command(Some("docker"), &[]) }],
            _ => {}
        }
        if !option.has_regex() {
            return Ok(());
        }
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let (given, strict, loose) = readings(&option, &argv);
        prop_assert!(!given || strict, "not in the line: {}", option.strict_regex());
        prop_assert!(!strict || loose, "not loosely: {}", option.loose_regex());
    }
}
