//! The objects of a JSON array, one by one, without holding the array: a top-level array, or `items` of a top-level
//! object.

use std::io::{self, BufRead};

use super::input::Input;

/// Elements longer than this are damage.
const MAX_ELEMENT: usize = 16 << 20;

/// One object of the array.
pub struct Element {
    /// Its text; `None` if it is too long.
    pub text: Option<Vec<u8>>,
    /// The line where it begins, from 1.
    pub line: u64,
}

/// Scans for the objects of an array.
pub struct Elements {
    input: Input,
    line: u64,
    depth: usize,
    /// How deep the objects of the array lie, once it was found.
    base: Option<usize>,
    in_string: bool,
    escaped: bool,
    /// The last text directly in the top-level object: a key, if a colon follows.
    key: Vec<u8>,
    element: Option<Element>,
}

impl Elements {
    pub fn new(input: Input) -> Self {
        Self { input, line: 1, depth: 0, base: None, in_string: false, escaped: false, key: Vec::new(), element: None }
    }

    /// The line that is being read, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next object. An array that is cut off gives its last object as it is.
    pub fn next(&mut self) -> io::Result<Option<Element>> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(self.element.take());
            }
            // The buffer is copied because the scan changes `self`; the copy is as small as the buffer.
            let buffer = buffer.to_vec();
            for (at, byte) in buffer.iter().enumerate() {
                if let Some(element) = self.scan(*byte) {
                    self.input.consume(at + 1);
                    return Ok(Some(element));
                }
            }
            self.input.consume(buffer.len());
        }
    }

    fn scan(&mut self, byte: u8) -> Option<Element> {
        if byte == b'\n' {
            self.line += 1;
        }
        if self.base == Some(self.depth) && byte == b'{' && !self.in_string && self.element.is_none() {
            self.element = Some(Element { text: Some(Vec::new()), line: self.line });
        }
        if let Some(element) = &mut self.element
            && let Some(text) = &mut element.text
        {
            text.push(byte);
            if text.len() > MAX_ELEMENT {
                element.text = None;
            }
        }
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ if self.depth == 1 && self.key.len() < 64 => self.key.push(byte),
                _ => {}
            }
            return None;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if self.depth == 1 {
                    self.key.clear();
                }
            }
            b'[' | b'{' => {
                let opens = byte == b'[' && (self.depth == 0 || (self.depth == 1 && self.key == b"items"));
                self.depth = self.depth.saturating_add(1);
                if opens && self.base.is_none() {
                    self.base = Some(self.depth);
                }
            }
            b']' | b'}' => {
                if self.base == Some(self.depth) {
                    // The end of the array: another one may follow.
                    self.base = None;
                }
                self.depth = self.depth.saturating_sub(1);
                if self.base == Some(self.depth) {
                    return self.element.take();
                }
            }
            b',' if self.depth == 1 => self.key.clear(),
            _ => {}
        }
        None
    }
}
