//! Finds keys in JSON without parsing it into values.

use memchr::memchr2;

/// Iterates over the entries of a JSON object without allocating. Ends where the text is not JSON.
pub(crate) struct JsonScanner<'a> {
    rest: &'a [u8],
}

impl<'a> JsonScanner<'a> {
    /// Scans an object; `rest` starts after its `{`.
    pub(crate) fn object(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The next key and its value, both as written. `None` at the end of the object, and where the
    /// text is not JSON.
    pub(crate) fn next_entry(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        self.skip_space();
        // Between entries; accepted before the first one, too.
        if self.rest.first() == Some(&b',') {
            self.rest = &self.rest[1..];
            self.skip_space();
        }
        let key = self.string()?;
        self.skip_space();
        self.take(b':')?;
        self.skip_space();
        Some((key, self.value()?))
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        (*first == byte).then(|| self.rest = rest)
    }

    /// The content of a string, escapes not resolved.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let text = self.rest;
        let mut at = 0;
        loop {
            at += memchr2(b'"', b'\\', text.get(at..)?)?;
            if text[at] == b'"' {
                self.rest = &text[at + 1..];
                return Some(&text[..at]);
            }
            at += 2;
        }
    }

    /// A value as written.
    fn value(&mut self) -> Option<&'a [u8]> {
        let start = self.rest;
        // A counter instead of recursion: a line can nest arbitrarily deep.
        let mut depth = 0_usize;
        loop {
            match *self.rest.first()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.rest = &self.rest[1..];
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.rest = &self.rest[1..];
                }
                b',' | b'}' | b']' if depth == 0 => break,
                byte if depth == 0 && byte.is_ascii_whitespace() => break,
                _ => {
                    self.rest = &self.rest[1..];
                    continue;
                }
            }
            if depth == 0 {
                break;
            }
        }
        Some(&start[..start.len() - self.rest.len()])
    }
}
