//! Options on an argument vector: how the command line tools themselves read `-v X`, `-vX`, `-itv X`,
//! `--volume=X`, where their options end, and what that amounts to in a joined command line.
//!
//! Two readings belong to every test (DESIGN: *Option*, *Must and may*): the vector's own, [`OptionTest::is_given`],
//! and the text's, [`OptionTest::loose_regex`]. Between them lie the conditions that a target without the vector
//! can be given: [`OptionTest::strict_regex`], which is exact on lines whose arguments hold no blanks, and
//! [`OptionTest::loose_globs`], for languages that know wildcards only.
//!
//! The vector's reading is in this file and in [`value`], that of a line in [`line`]; [`shell`] splits what shells run.

mod line;
mod shell;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::pattern::TextSet;

use shell::{EXPANSION, shell_text};

/// An option that is given on a command line, with a value that satisfies conditions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OptionTest {
    /// On which commands the option counts. None: on any, anywhere before a `--`.
    pub commands: Vec<Command>,
    /// The option's names with their dashes, short and long: `-v`, `--volume`. None: the command itself is enough.
    pub names: Vec<String>,
    /// What its value has to be.
    pub value: OptionValue,
    /// Programs that start the command they are given.
    pub launchers: Arc<Launchers>,
}

/// A command whose options are meant: a program and the words that must follow it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// The program's file name (`docker`); `None` for any program.
    pub program: Option<String>,
    /// The subcommand, word by word: `container`, `run`.
    pub words: Vec<String>,
    /// How its options are read.
    pub grammar: Arc<Grammar>,
}

/// How a command reads its options.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Grammar {
    /// Options that never take the next argument as their value: `-d`, `--rm`, `--privileged`.
    pub flags: BTreeSet<String>,
    /// Options that always take it, even if it looks like an option or like the next word of the command: `--name`,
    /// `--label`, `-n`. Long ones that are in neither list take it if it does not; so do short ones before the command's
    /// words, which are not always the command's own.
    pub values: BTreeSet<String>,
    /// Whether options may follow the first operand (`kubectl run NAME --image=X`; not `docker run IMAGE …`).
    pub interspersed: bool,
}

/// Programs whose operands are a command line of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Launchers {
    /// File names of programs that run the command in their arguments: `sudo`, `env`, `timeout`, `xargs`.
    pub wrappers: BTreeSet<String>,
    /// File names of shells, which run the text after `-c`, and of `env`, which runs that after `-S`.
    pub shells: BTreeSet<String>,
    /// File names of programs that hand a command to a shell, as one argument or several: `ssh`, `watch`.
    pub texts: BTreeSet<String>,
}

/// What a test asks of an option's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OptionValue {
    /// The option is a switch that is on: given alone or with a true value.
    Switch,
    /// One occurrence's value satisfies all of these. With no test, any value will do.
    Given {
        /// How the value is built.
        form: ValueForm,
        /// What holds for one and the same occurrence.
        tests: Vec<ValueTest>,
    },
}

/// How an option's value is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueForm {
    /// Plain text.
    Plain,
    /// `SOURCE:TARGET[:OPTIONS]`, as `docker run --volume` takes it.
    Volume,
    /// `key=value,key=value,word`, as `docker run --mount` takes it.
    Keys,
}

/// A condition on one part of an option's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ValueTest {
    /// The whole value.
    Whole(TextSet),
    /// The value of a key under any of its names (`src`, `source`); for [`ValueForm::Volume`], `source` and
    /// `target` are its first and second field.
    Key(Vec<String>, TextSet),
    /// Whether the mount is read-only: `ro` or `readonly` among its options. An item that only looks like one of these
    /// (`readonly=maybe`, `rox`), which the tools refuse, is neither, and so is `ro` among containerd's
    /// `options=rbind:ro`.
    ReadOnly(bool),
}

/// Spellings of "true" in Go's `strconv.ParseBool`, which docker, podman and kubectl use.
const TRUE_WORDS: [&str; 6] = ["1", "t", "T", "true", "TRUE", "True"];
/// How deep command lines inside command lines are followed.
pub(super) const MAX_NESTING: usize = 3;

impl OptionTest {
    /// Whether `other` asks for the same option with more alternatives, of commands or of texts: it is given wherever this
    /// one is.
    pub fn is_within(&self, other: &Self) -> bool {
        let values = match (&self.value, &other.value) {
            (OptionValue::Given { form, tests }, OptionValue::Given { form: same, tests: more }) => {
                form == same
                    && tests.len() == more.len()
                    && tests.iter().zip(more).all(|(test, more)| test.is_within(more))
            }
            (one, other) => one == other,
        };
        let commands = self.commands.is_empty() == other.commands.is_empty()
            && self.commands.iter().all(|command| other.commands.contains(command));
        // What no expression says is found in no line.
        let is_said = other.has_regex() || !self.has_regex();
        values && commands && is_said && self.names == other.names && self.launchers == other.launchers
    }

    /// The vector's own reading: some command in `argv` gives the option with a value that satisfies the test.
    pub fn is_given(&self, argv: &[&str]) -> bool {
        self.is_given_at_depth(argv, MAX_NESTING)
    }

    fn is_given_at_depth(&self, argv: &[&str], depth: usize) -> bool {
        if self.commands.is_empty() {
            return self.is_given_in(argv.get(1..).unwrap_or_default(), None);
        }
        let launchers = &self.launchers;
        if self.commands.iter().any(|command| {
            launchers.starts_of(command, argv).any(|rest| self.is_given_in(rest, Some(&command.grammar)))
        }) {
            return true;
        }
        depth > 0
            && launchers.shell_texts(argv).any(|text| {
                launchers.commands_in(text).iter().any(|inner| {
                    let inner: Vec<&str> = inner.iter().map(String::as_str).collect();
                    self.is_given_at_depth(&inner, depth - 1)
                })
            })
    }

    /// Whether the option is given in `rest`, the arguments after a command's words.
    pub(super) fn is_given_in(&self, rest: &[&str], grammar: Option<&Grammar>) -> bool {
        if self.names.is_empty() {
            return true;
        }
        let generic = Grammar { interspersed: true, ..Grammar::default() };
        let grammar = grammar.unwrap_or(&generic);
        let is_switch = self.value == OptionValue::Switch;
        let takes_no_value = |name: &str| grammar.flags.contains(name) || (is_switch && self.is_name(name));
        let mut at = 0;
        while let Some(word) = rest.get(at) {
            at += 1;
            if *word == "--" {
                return false;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.find('=') {
                    Some(equals) => word.split_at(equals + 2),
                    None => (*word, ""),
                };
                if let Some(value) = value.strip_prefix('=') {
                    if self.is_name(name) && self.holds(Some(value)) {
                        return true;
                    }
                } else if takes_no_value(name) {
                    if self.is_name(name) && self.holds(None) {
                        return true;
                    }
                } else {
                    let takes = self.is_name(name) || grammar.values.contains(name);
                    let value = rest.get(at).filter(|_| takes || !self.ends_generic(rest, at));
                    if self.is_name(name) && self.holds(value.copied()) {
                        return true;
                    }
                    at += usize::from(value.is_some());
                }
            } else if word.len() > 1 && word.starts_with('-') {
                // A word such as `-privileged` that is a name of its own comes before a cluster of letters.
                let (whole, whole_value) =
                    word.split_once('=').map_or((*word, None), |(name, value)| (name, Some(value)));
                if whole.len() > 2 && self.is_name(whole) {
                    let value = whole_value.or_else(|| if is_switch { None } else { rest.get(at).copied() });
                    if self.holds(value) {
                        return true;
                    }
                    at += usize::from(whole_value.is_none() && !is_switch);
                    continue;
                }
                for (start, letter) in word.char_indices().skip(1) {
                    let name = format!("-{letter}");
                    let tail = word.get(start + letter.len_utf8()..).unwrap_or_default();
                    // Without a table of flags, letters and digits before ours are taken for flags.
                    let may_be_flag = grammar.flags.is_empty() && letter.is_ascii_alphanumeric();
                    let flag = takes_no_value(&name) || (may_be_flag && !self.is_name(&name) && !tail.is_empty());
                    if flag {
                        let switched = tail.strip_prefix('=').filter(|_| self.is_name(&name));
                        if self.is_name(&name) && self.holds(switched) {
                            return true;
                        }
                        if switched.is_some() {
                            break;
                        }
                        continue;
                    }
                    if tail.is_empty() {
                        let value = rest.get(at);
                        if self.is_name(&name) && self.holds(value.copied()) {
                            return true;
                        }
                        at += 1;
                    } else if self.is_name(&name) && self.holds(Some(tail.strip_prefix('=').unwrap_or(tail))) {
                        return true;
                    }
                    break;
                }
            } else if !grammar.interspersed && !word.starts_with(EXPANSION) {
                return false;
            }
        }
        false
    }

    /// Whether the word at `at` is no value, where it is not known if the option before it takes one.
    fn ends_generic(&self, rest: &[&str], at: usize) -> bool {
        rest.get(at).is_none_or(|word| word.starts_with('-') && word.len() > 1)
    }

    fn is_name(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    /// Whether one occurrence with this value satisfies the test.
    fn holds(&self, value: Option<&str>) -> bool {
        match (&self.value, value) {
            (OptionValue::Switch, None) => true,
            (OptionValue::Switch, Some(value)) => TRUE_WORDS.contains(&value),
            (OptionValue::Given { .. }, None) => false,
            (OptionValue::Given { form, tests }, Some(value)) => tests.iter().all(|test| test.holds(*form, value)),
        }
    }
}

impl Launchers {
    /// A program that starts others, for examples; none if there is none.
    pub(super) fn example(&self) -> Option<&str> {
        self.wrappers.get("sudo").or_else(|| self.wrappers.iter().min()).map(String::as_str)
    }

    /// What follows `command` in `argv`, for every place where it may begin.
    pub(super) fn starts_of<'a, 'b: 'a>(
        &'a self,
        command: &'a Command,
        argv: &'a [&'b str],
    ) -> impl Iterator<Item = &'a [&'b str]> {
        let launched = argv.first().is_some_and(|first| self.starts_others(first));
        let last = if launched { argv.len() } else { argv.len().min(1) };
        (0..last).filter_map(move |at| {
            let program = argv.get(at)?;
            if command.program.as_ref().is_some_and(|name| name != file_name(program)) {
                return None;
            }
            after_words(argv.get(at + 1..)?, &command.words, &command.grammar)
        })
    }

    /// Whether a command that begins with `first` may start the one that follows: `sudo`, and `$SUDO` in a script.
    pub(super) fn starts_others(&self, first: &str) -> bool {
        first.starts_with(EXPANSION) || self.wrappers.contains(file_name(first))
    }

    /// Whether a program of this name may run a text that it is given.
    pub(super) fn runs_text(&self, name: &str) -> bool {
        self.shells.contains(name) || self.texts.contains(name)
    }

    /// Texts that a shell in `argv` is told to run.
    pub(super) fn shell_texts<'a, 'b: 'a>(&'a self, argv: &'a [&'b str]) -> impl Iterator<Item = &'b str> + 'a {
        argv.iter().enumerate().flat_map(|(at, word)| {
            let name = file_name(word);
            let rest = argv.get(at + 1..).unwrap_or_default();
            let told = if self.shells.contains(name) { shell_text(name, rest) } else { None };
            let handed = if self.texts.contains(name) { rest } else { &[] };
            told.into_iter().chain(handed.iter().filter_map(|word| handed_text(word)))
        })
    }
}

/// What a program such as `ssh` hands to a shell with this argument. A single word is what it is without a shell.
fn handed_text(word: &str) -> Option<&str> {
    let text = if word.starts_with('-') { word.split_once('=')?.1 } else { word };
    text.contains(char::is_whitespace).then_some(text)
}

/// The last segment of a path: how a program is named.
pub(super) fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// What follows `words` in `rest`, with options (and one value each) allowed before the first of them.
fn after_words<'a, 'b>(rest: &'a [&'b str], words: &[String], grammar: &Grammar) -> Option<&'a [&'b str]> {
    let Some((word, others)) = words.split_first() else { return Some(rest) };
    let mut rest = rest;
    loop {
        let (first, tail) = rest.split_first()?;
        rest = tail;
        if first == word {
            break;
        }
        if first.starts_with(EXPANSION) {
            continue;
        }
        // `minikube kubectl -- exec`: what is the tool's own comes after the mark.
        if *first == "--" {
            continue;
        }
        if !first.starts_with('-') {
            return None;
        }
        let takes_any = grammar.values.contains(*first);
        if let Some((value, tail)) = rest.split_first()
            && !first.contains('=')
            && (takes_any || (!value.starts_with('-') && value != word))
        {
            rest = tail;
        }
    }
    let (next, tail) = rest.split_at_checked(others.len())?;
    (next.iter().eq(others.iter())).then_some(tail)
}
