//! Text on pages: whatever somebody wrote into a detection is shown and never obeyed. Characters that reorder or hide
//! what stands around them are shown by their numbers.

use std::fmt::Write as _;
use std::io::{self, Write};

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Whether a character changes how others are shown, or is none that a page may hold.
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}' | '\u{2028}' | '\u{2029}' => true,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => true,
        c => c.is_control() || ('\u{e0000}'..='\u{e007f}').contains(&c),
    }
}

/// The text with hidden characters shown by their numbers.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            _ = write!(shown, "⟨U+{:04X}⟩", c as u32);
        } else {
            shown.push(c);
        }
    }
    shown
}

/// What templates put every value through.
pub fn escape_to(text: &str, out: &mut dyn Write) -> io::Result<()> {
    tera::escape_html(&visible(text), out)
}

/// The text as it stands between tags or in quotes.
pub fn escape(text: &str) -> String {
    let mut out = Vec::new();
    // Memory takes everything.
    _ = escape_to(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Text that is copied from a page must be the text itself: hidden characters stay, each alone in an element that shows
/// its number and keeps its effect inside.
pub fn exact(text: &str) -> String {
    let mut out = String::new();
    let mut plain = String::new();
    for c in text.chars() {
        // A page cannot hold these; a carriage return is one only before a line feed, where it says nothing.
        if c == '\r' || c == '\0' {
            continue;
        }
        if is_hidden(c) {
            out.push_str(&escape(&std::mem::take(&mut plain)));
            _ = write!(out, "<span class=\"hidden-char\" data-code=\"U+{:04X}\">{c}</span>", c as u32);
        } else {
            plain.push(c);
        }
    }
    out + &escape(&plain)
}

/// Text of one paragraph, where what stands between backticks is code.
pub fn with_code(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // The last backtick of an odd number has no partner.
    let pairs = (parts.len() - 1) / 2 * 2;
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at > pairs {
            out.push('`');
        }
        if at % 2 == 1 && at < pairs {
            _ = write!(out, "<code>{}</code>", escape(part));
        } else {
            out.push_str(&escape(part));
        }
    }
    out
}

/// Markdown as HTML: of HTML in it, the text; of pictures, their titles; links lead to the web or to a mailbox.
pub fn markdown(text: &str) -> String {
    let text = visible(text);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut open_links: Vec<bool> = Vec::new();
    let events = Parser::new_ext(&text, options).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        // The text's own headings stand below those of the page.
        Event::Start(Tag::Heading { level, .. }) => {
            Some(Event::Start(Tag::Heading { level: lower(level), id: None, classes: Vec::new(), attrs: Vec::new() }))
        }
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lower(level)))),
        Event::Start(Tag::Link { link_type, dest_url, title, id: _ }) => {
            let may = web_address(&dest_url).is_some();
            open_links.push(may);
            may.then_some(Event::Start(Tag::Link { link_type, dest_url, title, id: CowStr::Borrowed("") }))
        }
        Event::End(TagEnd::Link) => open_links.pop().unwrap_or(false).then_some(Event::End(TagEnd::Link)),
        event => Some(event),
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// The address, if it is one that a page may lead to.
pub fn web_address(address: &str) -> Option<&str> {
    let scheme = address.split_once(':')?.0.to_ascii_lowercase();
    ["http", "https", "mailto"].contains(&scheme.as_str()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_holds_no_html_of_its_own() {
        let html = markdown("# A\n\n<script>alert(1)</script>\n\nb <img src=x onerror=y> c\n\n![p](http://x/p.png)\n");
        assert!(html.contains("<h3>A</h3>") && html.contains("&lt;script&gt;"), "{html}");
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        let html =
            markdown("[a](javascript:alert(1)) [b](https://e.org/?a=1&b=\"2\") <javascript:x> [c](JaVaScRiPt:x)");
        assert!(!html.to_lowercase().contains("href=\"java"), "{html}");
        assert_eq!(html.matches("<a ").count(), 1, "{html}");
        assert_eq!(html.matches("</a>").count(), 1, "{html}");
    }

    #[test]
    fn hidden_characters_are_seen() {
        assert_eq!(escape("a\u{202e}<b>\0"), "a⟨U+202E⟩&lt;b&gt;⟨U+0000⟩");
        assert_eq!(exact("a\u{202e}<"), "a<span class=\"hidden-char\" data-code=\"U+202E\">\u{202e}</span>&lt;");
        assert!(markdown("x\u{202e}y").contains("x⟨U+202E⟩y"));
    }

    #[test]
    fn backticks_make_code_in_pairs() {
        assert_eq!(with_code("a `b<` c"), "a <code>b&lt;</code> c");
        assert_eq!(with_code("a `b` c ` d"), "a <code>b</code> c ` d");
        assert_eq!(with_code("a ` d"), "a ` d");
        assert_eq!(with_code("plain"), "plain");
    }
}
