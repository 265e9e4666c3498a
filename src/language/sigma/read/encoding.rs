//! Modifiers that rewrite a value before it is compared: base64, UTF-16, and the dashes of Windows.

use crate::logic::Piece;

/// How many spellings a value may have under `windash`.
const SPELLINGS: usize = 625;

/// An encoding that a modifier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    WideLittle,
    WideBig,
    WideMarked,
    Base64,
    Base64Offset,
}

/// The value through its encodings; each result is an alternative.
pub(super) fn encoded(pieces: Vec<Piece>, encodings: &[Encoding]) -> Result<Vec<Vec<Piece>>, String> {
    if encodings.is_empty() {
        return Ok(vec![pieces]);
    }
    if encodings.len() > 4 {
        return Err("too many encodings follow each other".to_owned());
    }
    let mut bytes = match pieces.as_slice() {
        [Piece::Literal(text)] if !text.is_empty() => vec![text.clone().into_bytes()],
        _ => return Err("a value with wildcards, or an empty one, cannot be encoded".to_owned()),
    };
    for encoding in encodings {
        let mut next = Vec::new();
        for value in bytes {
            let wide = |to: fn(u16) -> [u8; 2]| -> Result<Vec<u8>, String> {
                let text = str::from_utf8(&value).map_err(|_| "the encodings do not fit together")?;
                Ok(text.encode_utf16().flat_map(to).collect())
            };
            match encoding {
                Encoding::WideLittle => next.push(wide(u16::to_le_bytes)?),
                Encoding::WideBig => next.push(wide(u16::to_be_bytes)?),
                Encoding::WideMarked => next.push([vec![0xFF, 0xFE], wide(u16::to_le_bytes)?].concat()),
                Encoding::Base64 => next.push(base64(&value).into_bytes()),
                Encoding::Base64Offset => next.extend((0..3).map(|shift| base64_inside(&value, shift).into_bytes())),
            }
        }
        bytes = next;
    }
    bytes
        .into_iter()
        .map(|bytes| match String::from_utf8(bytes) {
            Ok(text) => Ok(vec![Piece::Literal(text)]),
            Err(_) => Err("the encoded value is no text".to_owned()),
        })
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * place)) as usize & 63).copied().unwrap_or(b'=');
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// What is sure of the base64 text of something that holds `bytes` after `shift` bytes, modulo three.
fn base64_inside(bytes: &[u8], shift: usize) -> String {
    let text = base64(&[vec![b' '; shift], bytes.to_vec()].concat());
    let start = [0, 2, 3].get(shift).copied().unwrap_or(0);
    let cut = [0, 3, 2].get((bytes.len() + shift) % 3).copied().unwrap_or(0);
    text.get(start..text.len().saturating_sub(cut)).unwrap_or("").to_owned()
}

/// Every spelling of a value in which a dash or slash that begins an option is any of those Windows takes for one.
pub(super) fn dashes(globs: Vec<Vec<Piece>>) -> Result<Vec<Vec<Piece>>, String> {
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let mut out = Vec::new();
    for glob in globs {
        let mut spellings: Vec<Vec<Piece>> = vec![Vec::new()];
        for piece in glob {
            let Piece::Literal(text) = &piece else {
                spellings.iter_mut().for_each(|spelling| spelling.push(piece.clone()));
                continue;
            };
            let mut before = None;
            let mut rest = text.chars().peekable();
            while let Some(c) = rest.next() {
                let begins =
                    matches!(c, '-' | '/') && !before.as_ref().is_some_and(is_word) && rest.peek().is_some_and(is_word);
                let marks = if begins { vec!['-', '/', '–', '—', '―'] } else { vec![c] };
                if spellings.len() * marks.len() > SPELLINGS {
                    return Err("the value has too many spellings under `windash`".to_owned());
                }
                spellings = spellings
                    .iter()
                    .flat_map(|spelling| {
                        marks.iter().map(|mark| {
                            let mut spelling = spelling.clone();
                            match spelling.last_mut() {
                                Some(Piece::Literal(text)) => text.push(*mark),
                                _ => spelling.push(Piece::Literal(mark.to_string())),
                            }
                            spelling
                        })
                    })
                    .collect();
                before = Some(c);
            }
        }
        out.extend(spellings);
    }
    Ok(out)
}
