//! How command line tools read their options and start each other: the data of `catalogue/commands.yml`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use crate::logic::{Grammar, Launchers};

/// What is known about command line tools.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    launchers: Arc<Launchers>,
    entries: Vec<Entry>,
}

/// One way to read options, and the commands that read them so.
#[derive(Clone, Debug)]
struct Entry {
    /// File names of programs; empty for any.
    programs: BTreeSet<String>,
    /// Subcommands; empty for any.
    words: Vec<Vec<String>>,
    grammar: Arc<Grammar>,
}

impl Commands {
    /// How a command reads its options: what is known of the program and the words, else of the program, else of
    /// the words.
    pub fn grammar(&self, program: Option<&str>, words: &[String]) -> Arc<Grammar> {
        let is_program = |entry: &&Entry| match program {
            Some(program) => entry.programs.contains(program),
            None => true,
        };
        let is_words = |entry: &&Entry| entry.words.iter().any(|known| known == words);
        let any_words = |entry: &&Entry| entry.words.is_empty();
        let entries = || self.entries.iter();
        let found = entries()
            .find(|entry| is_program(entry) && is_words(entry))
            .or_else(|| entries().find(|entry| program.is_some() && is_program(entry) && any_words(entry)))
            .or_else(|| entries().find(|entry| entry.programs.is_empty() && is_words(entry)));
        match found {
            Some(entry) => Arc::clone(&entry.grammar),
            None => Arc::new(Grammar { interspersed: true, ..Grammar::default() }),
        }
    }

    /// The programs that start the command they are given.
    pub fn launchers(&self) -> Arc<Launchers> {
        Arc::clone(&self.launchers)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    launchers: WrittenLaunchers,
    grammars: Vec<WrittenGrammar>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLaunchers {
    wrappers: BTreeSet<String>,
    shells: BTreeSet<String>,
    texts: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGrammar {
    /// For the reader of the file.
    #[serde(rename = "title")]
    _title: String,
    #[serde(default)]
    programs: BTreeSet<String>,
    #[serde(default)]
    words: Vec<Vec<String>>,
    #[serde(default)]
    interspersed: bool,
    flags: BTreeSet<String>,
    #[serde(default)]
    values: BTreeSet<String>,
}

/// Reads the data.
pub fn read(text: &str) -> Result<Commands, serde_yaml::Error> {
    let written: Written = serde_yaml::from_str(text)?;
    let entries = written.grammars.into_iter().map(|written| Entry {
        programs: written.programs,
        words: written.words,
        grammar: Arc::new(Grammar { flags: written.flags, values: written.values, interspersed: written.interspersed }),
    });
    let WrittenLaunchers { wrappers, shells, texts } = written.launchers;
    Ok(Commands { entries: entries.collect(), launchers: Arc::new(Launchers { wrappers, shells, texts }) })
}

#[cfg(test)]
mod tests {
    use crate::logic::{Command, OptionTest, OptionValue};
    use crate::source::Catalogue;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Whether the switch `name` is on in the command line for the command `program words`.
    fn is_on(name: &str, program: Option<&str>, subcommand: &str, line: &[&str]) -> bool {
        let catalogue = Catalogue::builtin();
        let command = Command {
            program: program.map(str::to_owned),
            words: words(subcommand),
            grammar: catalogue.grammar(program, &words(subcommand)),
        };
        let test = OptionTest {
            commands: vec![command],
            names: vec![name.to_owned()],
            value: OptionValue::Switch,
            launchers: catalogue.launchers(),
        };
        test.is_given(line)
    }

    #[test]
    fn options_end_where_the_tool_says() {
        let run = |line: &[&str]| is_on("--privileged", Some("docker"), "run", line);
        assert!(run(&["docker", "run", "-it", "--rm", "--name", "x", "--privileged", "alpine"]));
        assert!(!run(&["docker", "run", "--rm", "alpine", "tool", "--privileged"]));
        assert!(is_on(
            "--privileged",
            Some("kubectl"),
            "run",
            &["kubectl", "run", "x", "--rm", "--image=a", "--privileged"]
        ));
        assert!(!is_on(
            "--privileged",
            Some("kubectl"),
            "run",
            &["kubectl", "run", "x", "--image=a", "--", "--privileged"]
        ));
        assert!(is_on("--privileged", None, "run", &["/opt/engine", "run", "--rm", "--privileged", "a"]));
        assert!(!is_on("--privileged", None, "run", &["/opt/engine", "run", "--rm", "a", "--privileged"]));
    }

    #[test]
    fn commands_are_found_behind_those_that_start_them() {
        let run = |line: &[&str]| is_on("--privileged", Some("docker"), "run", line);
        assert!(run(&["sudo", "-u", "root", "docker", "run", "--privileged", "a"]));
        assert!(run(&["env", "A=1", "timeout", "5", "docker", "run", "--privileged", "a"]));
        assert!(run(&["/usr/bin/python3", "/usr/local/bin/docker", "run", "--privileged", "a"]));
        assert!(run(&["bash", "-c", "cd /tmp && docker run --privileged a"]));
        assert!(!run(&["echo", "docker", "run", "--privileged", "a"]));
    }

    #[test]
    fn the_value_of_an_option_is_no_subcommand() {
        let exec = |line: &[&str]| is_on("-i", Some("kubectl"), "exec", line);
        assert!(exec(&["kubectl", "-n", "exec", "exec", "-i", "web", "sh"]));
        assert!(exec(&["kubectl", "-v", "8", "--match-server-version", "exec", "-i", "web", "sh"]));
        assert!(exec(&["kubectl", "--namespace=exec", "exec", "-i", "web", "sh"]));
        assert!(exec(&["minikube", "-p", "dev", "kubectl", "--", "exec", "-i", "web", "sh"]));
        assert!(!exec(&["minikube", "kubectl", "--", "run", "exec", "-i"]));
        assert!(!exec(&["kubectl", "-n", "exec", "run", "-i", "web"]));
        assert!(!exec(&["kubectl", "--context", "exec", "run", "-i", "web"]));
    }

    #[test]
    fn what_is_not_known_takes_options_anywhere() {
        let grammar = Catalogue::builtin().grammar(Some("never-heard-of-it"), &words("do it"));
        assert!(grammar.flags.is_empty() && grammar.interspersed);
        assert!(!Catalogue::builtin().grammar(Some("docker"), &words("container run")).interspersed);
        assert!(Catalogue::builtin().grammar(Some("kubectl"), &words("debug")).flags.contains("--share-processes"));
        assert!(Catalogue::builtin().grammar(Some("podman"), &words("create")).flags.contains("--rootfs"));
    }
}
