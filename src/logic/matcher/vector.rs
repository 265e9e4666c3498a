//! Options on an argument vector, many tests at once: the vector is looked at once per event for all names that any
//! test asks for, and once for every command; only a test whose name and command are both there reads the vector as a
//! command line.

use std::collections::HashMap;
use std::sync::Arc;

use regex::Regex;

use crate::logic::bits::Bits;
use crate::logic::option::{Command, Grammar, Launchers, MAX_NESTING, OptionTest, file_name};

/// What the option tests of a program have in common.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// Names of more than one letter.
    long: Words,
    /// The letters of names of one letter, with the number of their bit.
    letters: Vec<(char, usize)>,
    names: usize,
    /// Programs that commands name.
    programs: Words,
    /// The words that come first after a command's program.
    firsts: Words,
    /// Commands; of their grammar what is read before their words.
    commands: Vec<KnownCommand>,
    launchers: Vec<Shells>,
}

/// A command, and what a vector has to hold for it.
#[derive(Debug)]
struct KnownCommand {
    command: Command,
    launchers: usize,
    program: Option<usize>,
    first: Option<usize>,
}

/// Words by the numbers of their bits, and what lets most others be told from them at a glance.
#[derive(Debug, Default)]
struct Words {
    bits: HashMap<Box<str>, usize>,
    lengths: u64,
}

impl Words {
    fn add(&mut self, word: &str, new: usize) -> usize {
        self.lengths |= 1 << word.len().min(63);
        *self.bits.entry(word.into()).or_insert(new)
    }

    fn find(&self, word: &str) -> Option<usize> {
        if self.lengths >> word.len().min(63) & 1 == 0 { None } else { self.bits.get(word).copied() }
    }
}

/// Launchers, and what lets most words be told from their shells at a glance.
#[derive(Debug)]
struct Shells {
    launchers: Arc<Launchers>,
    /// The last letters of their names, as bits.
    endings: u128,
}

impl Shells {
    fn new(launchers: &Arc<Launchers>) -> Self {
        let endings = launchers.shells.iter().chain(&launchers.texts).filter_map(|shell| shell.bytes().last());
        Self { launchers: launchers.clone(), endings: endings.fold(0, |all, byte| all | bit_of(byte)) }
    }

    fn any_in(&self, words: &[&str]) -> bool {
        let mut ends = words.iter().filter(|word| word.bytes().last().is_none_or(|b| self.endings & bit_of(b) != 0));
        ends.any(|word| self.launchers.runs_text(file_name(word)))
    }
}

/// The bit of an ASCII byte; all others share the last one.
fn bit_of(byte: u8) -> u128 {
    1 << byte.min(127)
}

/// An option test in one reading.
#[derive(Debug)]
pub(super) struct OptionCheck {
    test: Arc<OptionTest>,
    /// Its names by their bits, without those that no argument can give.
    names: Vec<usize>,
    commands: Vec<(usize, Arc<Grammar>)>,
    launchers: usize,
    loose: Option<Loose>,
}

/// The reading of the joined line.
#[derive(Debug)]
struct Loose {
    regex: Regex,
    /// Texts, in lower case, one of which a line of ASCII holds if it matches; with none, any line may.
    needed: Vec<String>,
}

/// What is known of the vector of one event.
#[derive(Debug, Default)]
pub(super) struct Memory {
    facts: Facts,
    /// The vectors that shells in it are told to run, by launchers, if they were looked for.
    nested: Vec<Option<Vec<Nested>>>,
    line: Option<Line>,
}

/// What is known of one vector.
#[derive(Debug, Default)]
struct Facts {
    /// The names that may be given.
    names: Bits,
    /// The programs that it may start.
    programs: Bits,
    /// The first words of commands that are in it.
    firsts: Bits,
    /// Where the arguments of a command begin, if it was looked for.
    starts: Vec<(bool, Vec<usize>)>,
}

/// A vector within a vector.
#[derive(Debug)]
struct Nested {
    words: Vec<String>,
    facts: Facts,
}

#[derive(Debug)]
struct Line {
    joined: String,
    lower: String,
}

impl Options {
    /// Takes a test in; `may` for the wider reading.
    pub(super) fn add(&mut self, test: &Arc<OptionTest>, may: bool) -> OptionCheck {
        let launchers =
            self.launchers.iter().position(|known| known.launchers == test.launchers).unwrap_or_else(|| {
                self.launchers.push(Shells::new(&test.launchers));
                self.launchers.len() - 1
            });
        let names = test.names.iter().filter_map(|name| self.name(name)).collect();
        let commands =
            test.commands.iter().map(|command| (self.command(command, launchers), command.grammar.clone())).collect();
        let loose = may.then(|| Loose::new(test)).flatten();
        OptionCheck { test: test.clone(), names, commands, launchers, loose }
    }

    /// The bit of a name; `None` if no argument gives it, whatever it is.
    fn name(&mut self, name: &str) -> Option<usize> {
        let mut chars = name.strip_prefix('-')?.chars();
        let new = self.names;
        let bit = match (chars.next(), chars.next()) {
            (None, _) => return None,
            (Some(letter), None) => match self.letters.iter().find(|(known, _)| *known == letter) {
                Some((_, bit)) => *bit,
                None => {
                    self.letters.push((letter, new));
                    new
                }
            },
            _ => self.long.add(name, new),
        };
        self.names += usize::from(bit == new);
        Some(bit)
    }

    fn command(&mut self, command: &Command, launchers: usize) -> usize {
        let values = command.grammar.values.clone();
        let bare = Command { grammar: Arc::new(Grammar { values, ..Grammar::default() }), ..command.clone() };
        let known = self.commands.iter().position(|known| known.launchers == launchers && known.command == bare);
        known.unwrap_or_else(|| {
            let (programs, firsts) = (self.programs.bits.len(), self.firsts.bits.len());
            let program = bare.program.as_deref().map(|program| self.programs.add(program, programs));
            let first = bare.words.first().map(|word| self.firsts.add(word, firsts));
            self.commands.push(KnownCommand { command: bare, launchers, program, first });
            self.commands.len() - 1
        })
    }

    /// Looks at a new vector.
    pub(super) fn look(&self, words: &[&str], memory: &mut Memory) {
        self.learn(words, &mut memory.facts);
        memory.nested.clear();
        memory.nested.resize_with(self.launchers.len(), || None);
        memory.line = None;
    }

    /// Whether the option is given on `words`, which is the vector that was looked at last.
    pub(super) fn is_given(&self, check: &OptionCheck, words: &[&str], memory: &mut Memory) -> bool {
        let test = &check.test;
        if test.commands.is_empty() {
            if check.is_named(&memory.facts) && test.is_given_in(words.get(1..).unwrap_or_default(), None) {
                return true;
            }
        } else if self.is_given_on(check, words, &mut memory.facts) {
            return true;
        } else {
            for Nested { words, facts } in self.nested(check.launchers, words, &mut memory.nested) {
                if check.is_named(facts) {
                    let words: Vec<&str> = words.iter().map(String::as_str).collect();
                    if self.is_given_on(check, &words, facts) {
                        return true;
                    }
                }
            }
        }
        check.loose.as_ref().is_some_and(|loose| {
            let line = memory.line.get_or_insert_with(|| {
                let joined = words.join(" ");
                Line { lower: joined.to_ascii_lowercase(), joined }
            });
            loose.is_match(line)
        })
    }

    /// Whether a command in `words` itself gives the option.
    fn is_given_on(&self, check: &OptionCheck, words: &[&str], facts: &mut Facts) -> bool {
        check.is_named(facts)
            && check.commands.iter().any(|(command, grammar)| {
                let starts = self.starts(*command, words, facts);
                let mut rests = starts.iter().map(|start| words.get(*start..).unwrap_or_default());
                rests.any(|rest| check.test.is_given_in(rest, Some(grammar)))
            })
    }

    /// Where the arguments of a command begin.
    fn starts<'m>(&self, command: usize, words: &[&str], facts: &'m mut Facts) -> &'m [usize] {
        let at = command;
        let Some(KnownCommand { command, launchers, program, first }) = self.commands.get(at) else { return &[] };
        if program.is_some_and(|program| !facts.programs.has(program))
            || first.is_some_and(|first| !facts.firsts.has(first))
        {
            return &[];
        }
        facts.starts.resize_with(self.commands.len(), Default::default);
        let Some((known, starts)) = facts.starts.get_mut(at) else { return &[] };
        if !*known {
            *known = true;
            starts.clear();
            if let Some(Shells { launchers, .. }) = self.launchers.get(*launchers) {
                starts.extend(launchers.starts_of(command, words).map(|rest| words.len() - rest.len()));
                // From several words on, the same arguments may be reached.
                starts.dedup();
            }
        }
        starts
    }

    fn nested<'m>(&self, launchers: usize, words: &[&str], memory: &'m mut [Option<Vec<Nested>>]) -> &'m mut [Nested] {
        let (Some(place), Some(launchers)) = (memory.get_mut(launchers), self.launchers.get(launchers)) else {
            return &mut [];
        };
        place.get_or_insert_with(|| {
            let mut found = Vec::new();
            if launchers.any_in(words) {
                self.nest(&launchers.launchers, words, MAX_NESTING, &mut found);
            }
            found
        })
    }

    fn nest(&self, launchers: &Launchers, words: &[&str], depth: usize, found: &mut Vec<Nested>) {
        if depth == 0 {
            return;
        }
        for text in launchers.shell_texts(words) {
            for words in launchers.commands_in(text) {
                let inner: Vec<&str> = words.iter().map(String::as_str).collect();
                self.nest(launchers, &inner, depth - 1, found);
                let mut facts = Facts::default();
                self.learn(&inner, &mut facts);
                found.push(Nested { words, facts });
            }
        }
    }

    fn learn(&self, words: &[&str], facts: &mut Facts) {
        facts.names.clear(self.names);
        facts.programs.clear(self.programs.bits.len());
        facts.firsts.clear(self.firsts.bits.len());
        facts.starts.iter_mut().for_each(|(known, _)| *known = false);
        let wraps = |first: &str| self.launchers.iter().any(|known| known.launchers.starts_others(first));
        let is_wrapped = words.first().is_some_and(|first| wraps(first));
        for (at, word) in words.iter().enumerate() {
            if (at == 0 || is_wrapped)
                && let Some(program) = self.programs.find(file_name(word))
            {
                facts.programs.add(program);
            }
            if let Some(first) = self.firsts.find(word) {
                facts.firsts.add(first);
            }
            if let Some(tail) = word.strip_prefix('-') {
                self.learn_names(word, tail, &mut facts.names);
            }
        }
    }

    /// The names that `word`, a dash and `tail`, may give, in whatever grammar.
    fn learn_names(&self, word: &str, tail: &str, names: &mut Bits) {
        // `--name=value`, where the name has at least its dashes, and `-name=value`.
        let named = tail.strip_prefix('-').unwrap_or(tail);
        let equals = memchr::memchr(b'=', named.as_bytes());
        let name = equals.and_then(|equals| word.get(..word.len() - named.len() + equals)).unwrap_or(word);
        if let Some(bit) = self.long.find(name) {
            names.add(bit);
        }
        let is_long = tail.starts_with('-');
        let mut letters = 0;
        if !is_long {
            letters = tail.bytes().fold(0, |all, byte| all | bit_of(byte));
        } else if equals == Some(0) {
            // `--=value` names the letter `-`.
            letters = bit_of(b'-');
        }
        if letters == 0 {
            return;
        }
        for (letter, bit) in &self.letters {
            // What is not ASCII is looked for by its first byte.
            let first = letter.encode_utf8(&mut [0; 4]).bytes().next().unwrap_or_default();
            if letters & bit_of(first) != 0 {
                names.add(*bit);
            }
        }
    }
}

impl OptionCheck {
    fn is_named(&self, facts: &Facts) -> bool {
        self.test.names.is_empty() || self.names.iter().any(|name| facts.names.has(*name))
    }
}

impl Loose {
    fn new(test: &OptionTest) -> Option<Self> {
        let fold = if test.folds(true) { "(?i)" } else { "" };
        let regex = Regex::new(&format!("{fold}^(?:{})$", test.loose_regex())).ok()?;
        // Every name stands in the line as it is, short ones perhaps in a cluster.
        let needed = |name: &String| match name.chars().count() {
            2 => name.chars().skip(1).collect::<String>().to_ascii_lowercase(),
            _ => name.to_ascii_lowercase(),
        };
        let all_ascii = test.names.iter().all(|name| name.is_ascii());
        let needed = if all_ascii { test.names.iter().map(needed).collect() } else { Vec::new() };
        Some(Self { regex, needed })
    }

    fn is_match(&self, line: &Line) -> bool {
        let may = self.needed.is_empty()
            || !line.joined.is_ascii()
            || self.needed.iter().any(|needed| line.lower.contains(needed.as_str()));
        may && self.regex.is_match(&line.joined)
    }
}
