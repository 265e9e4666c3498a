//! What a shell is told to run, and the simple commands in it.

/// Programs with `-c TEXT` that take it after operands, too: `su root -c TEXT`, `flock FILE -c TEXT`. What a shell's
/// first operand is followed by belongs to the script that it names.
const TEXT_ANYWHERE: [&str; 4] = ["su", "runuser", "flock", "script"];

/// The text that the shell `name` with these arguments is told to run: its first operand where `-c` is among the
/// options before it.
pub(super) fn shell_text<'b>(name: &str, rest: &[&'b str]) -> Option<&'b str> {
    let anywhere = TEXT_ANYWHERE.contains(&name);
    let mut told = false;
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if let Some(text) = word.strip_prefix("--command=").filter(|_| anywhere) {
            return Some(text);
        } else if word.starts_with("--") {
            match *word {
                "--command" if anywhere => told = true,
                "--rcfile" | "--init-file" => _ = words.next(),
                _ => {}
            }
        } else if word.starts_with(['-', '+']) {
            if let Some(text) = word.strip_prefix("-c").filter(|text| anywhere && !text.is_empty()) {
                return Some(text);
            }
            told |= word.starts_with('-') && word.contains('c');
            // `-o NAME`, `-euo NAME`, `-O NAME`: what a shell is set to.
            if !anywhere && word.contains(['o', 'O']) {
                words.next();
            }
        } else if told {
            return Some(word);
        } else if !anywhere {
            return None;
        }
    }
    None
}

/// Splits what a shell is told to run into the simple commands in it, each into its words, as POSIX sh quotes them.
///
/// Enough of a shell to see which programs are started with which words: operators and newlines end a command;
/// redirections, expansions and assignments stay words.
pub fn split_shell(text: &str) -> Vec<Vec<String>> {
    let mut commands: Vec<Vec<String>> = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    let end_word = |word: &mut Option<String>, commands: &mut Vec<Vec<String>>| {
        if let (Some(done), Some(command)) = (word.take(), commands.last_mut()) {
            // Assignments and reserved words before a command are no part of it.
            let assigns = done.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            });
            let reserved = ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "exec", "command", "eval"]
                .contains(&done.as_str());
            if !(command.is_empty() && (assigns || reserved)) {
                command.push(done);
            }
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                word.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                let word = word.get_or_insert_default();
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => match chars.next() {
                            Some('\n') | None => {}
                            Some(c @ ('$' | '`' | '"' | '\\')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            // A line that goes on in the next one.
            '\\' if chars.peek() == Some(&'\n') => _ = chars.next(),
            '\\' => word.get_or_insert_default().extend(chars.next()),
            ' ' | '\t' => end_word(&mut word, &mut commands),
            ';' | '&' | '|' | '\n' | '(' | ')' | '`' => {
                end_word(&mut word, &mut commands);
                commands.push(Vec::new());
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    end_word(&mut word, &mut commands);
    commands.retain(|command| !command.is_empty());
    commands
}
