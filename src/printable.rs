//! Text that somebody else wrote (logs, files, pull requests), as it can be shown: a terminal obeys nothing in it, and
//! nothing in it hides.

/// Characters that are not seen, or make a text look like another one.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffd}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text on one line, with hidden characters as escapes.
pub fn one_line(text: &str) -> String {
    escaped(text, is_hidden)
}

/// The text with hidden characters as escapes, line ends left as they are.
pub fn lines(text: &str) -> String {
    escaped(text, |c| c != '\n' && is_hidden(c))
}

fn escaped(text: &str, is_hidden: impl Fn(char) -> bool) -> String {
    if !text.contains(&is_hidden) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_shown_as_an_escape() {
        let text = "a\tä 漢\u{1b}[31m\u{202e}\u{200b}\u{85}\nb";
        assert_eq!(one_line(text), "a\\tä 漢\\u{1b}[31m\\u{202e}\\u{200b}\\u{85}\\nb");
        assert_eq!(lines(text), "a\\tä 漢\\u{1b}[31m\\u{202e}\\u{200b}\\u{85}\nb");
    }
}
