//! One file of the tree, and a small lexer that tells code, comments and tests apart.
//!
//! A rule must not trip over a word in a comment or a string. `code` is the text with both blanked by spaces, byte for
//! byte, so a position in it is a position in the text. It is a lexer, not a parser: macros that build items are
//! opaque to it, which is fine for rules that look for words.

use std::ops::Range;

/// One file of the tree.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path below the top of the tree, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// `text` with comments, strings and character literals blanked. Equal to `text` for what is not Rust.
    pub(crate) code: String,
    /// Where the string literals are, without their quotes.
    pub(crate) strings: Vec<Range<usize>>,
    /// The byte ranges of `#[cfg(test)]` items; the whole file where the path says so.
    tests: Vec<Range<usize>>,
}

impl Source {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let (code, strings) = if is_rust(&path) { blank(&text) } else { (text.clone(), Vec::new()) };
        let tests = if !is_rust(&path) {
            Vec::new()
        } else if is_test_path(&path) {
            std::iter::once(0..text.len()).collect()
        } else {
            test_items(&code)
        };
        Self { path, text, code, strings, tests }
    }

    pub(crate) fn is_rust(&self) -> bool {
        is_rust(&self.path)
    }

    /// Whether the byte at `position` belongs to a test.
    pub(crate) fn is_test(&self, position: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&position))
    }

    /// The parts of the file that are tests.
    pub(crate) fn tests(&self) -> &[Range<usize>] {
        &self.tests
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, position: usize) -> usize {
        self.text.as_bytes().iter().take(position).filter(|&&byte| byte == b'\n').count() + 1
    }

    /// How many lines are no tests.
    pub(crate) fn lines_without_tests(&self) -> usize {
        let all = self.text.lines().count();
        let tests: usize =
            self.tests.iter().map(|range| self.text.get(range.clone()).map_or(0, |t| t.lines().count())).sum();
        all.saturating_sub(tests)
    }

    /// The positions in the code, outside tests, where `words` stands as whole words.
    pub(crate) fn find_in_production<'a>(&'a self, words: &'a str) -> impl Iterator<Item = usize> + 'a {
        find_words(&self.code, words).filter(|&position| !self.is_test(position))
    }
}

/// The positions where `words` stands in `text` and is no part of a longer identifier.
pub(crate) fn find_words<'a>(text: &'a str, words: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_identifier = |byte: Option<&u8>| byte.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let bytes = text.as_bytes();
    text.match_indices(words).map(|(position, _)| position).filter(move |&position| {
        let before = position.checked_sub(1).and_then(|before| bytes.get(before));
        let after = bytes.get(position + words.len());
        let first = words.as_bytes().first();
        let last = words.as_bytes().last();
        let goes_on_before = is_identifier(first) && is_identifier(before);
        let goes_on_after = is_identifier(last) && is_identifier(after);
        !goes_on_before && !goes_on_after
    })
}

/// Returns the position after the bracket that closes the one at `open`.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (position, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return position + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

fn is_test_path(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').rev().skip(1).any(|folder| folder == "tests" || folder == "benches")
}

/// Finds the items that `#[cfg(test)]` stands on, from the attribute to the closing brace or semicolon.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    for attribute in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (start, _) in code.match_indices(attribute) {
            let mut position = closing(code, start + 1);
            // Other attributes may stand between this one and its item.
            while let Some(next) = next_attribute(code, position) {
                position = closing(code, next + 1);
            }
            let body = code.get(position..).and_then(|rest| rest.find(['{', ';']));
            let end = match body.map(|offset| position + offset) {
                Some(at) if code.as_bytes().get(at) == Some(&b'{') => closing(code, at),
                Some(at) => at + 1,
                None => code.len(),
            };
            items.push(start..end);
        }
    }
    items
}

fn next_attribute(code: &str, position: usize) -> Option<usize> {
    let rest = code.get(position..)?;
    let trimmed = rest.trim_start();
    trimmed.starts_with("#[").then(|| position + rest.len() - trimmed.len())
}

/// Blanks comments, strings and character literals; returns the code and where the strings are.
fn blank(text: &str) -> (String, Vec<Range<usize>>) {
    let mut lexer = Lexer { bytes: text.as_bytes(), position: 0, code: text.as_bytes().to_vec(), strings: Vec::new() };
    while lexer.step() {}
    let code = String::from_utf8(lexer.code).expect("whole tokens are blanked, so no character is cut");
    (code, lexer.strings)
}

struct Lexer<'a> {
    bytes: &'a [u8],
    position: usize,
    code: Vec<u8>,
    strings: Vec<Range<usize>>,
}

impl Lexer<'_> {
    /// Passes one token that matters or one byte; `false` at the end.
    fn step(&mut self) -> bool {
        let start = self.position;
        let Some(&byte) = self.bytes.get(start) else {
            return false;
        };
        match byte {
            b'/' if self.starts_with("//") => {
                let end = self.find(start, b"\n");
                self.blank_to(end);
            }
            b'/' if self.starts_with("/*") => {
                let end = self.block_comment();
                self.blank_to(end);
            }
            b'"' => self.string(start + 1),
            b'r' | b'b' | b'c' if !self.follows_identifier() => self.prefixed(),
            b'\'' => self.quote(),
            _ => self.position += 1,
        }
        true
    }

    fn starts_with(&self, text: &str) -> bool {
        self.bytes.get(self.position..).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    fn follows_identifier(&self) -> bool {
        let before = self.position.checked_sub(1).and_then(|before| self.bytes.get(before));
        before.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    /// The position of `needle` at or after `from`, or the end.
    fn find(&self, from: usize, needle: &[u8]) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        rest.windows(needle.len()).position(|window| window == needle).map_or(self.bytes.len(), |at| from + at)
    }

    fn blank_to(&mut self, end: usize) {
        let end = end.min(self.bytes.len());
        for byte in self.code.iter_mut().take(end).skip(self.position) {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        self.position = end;
    }

    fn block_comment(&self) -> usize {
        let mut depth = 0usize;
        let mut position = self.position;
        while position < self.bytes.len() {
            match self.bytes.get(position..position + 2) {
                Some(b"/*") => (depth, position) = (depth + 1, position + 2),
                Some(b"*/") if depth == 1 => return position + 2,
                Some(b"*/") => (depth, position) = (depth - 1, position + 2),
                _ => position += 1,
            }
        }
        position
    }

    /// A string whose text begins at `from`; escapes count.
    fn string(&mut self, from: usize) {
        let mut position = from;
        while let Some(&byte) = self.bytes.get(position) {
            match byte {
                b'\\' => position += 2,
                b'"' => break,
                _ => position += 1,
            }
        }
        self.strings.push(from..position.min(self.bytes.len()));
        self.blank_to(position + 1);
    }

    /// `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`, `b'…'`, or just an identifier.
    fn prefixed(&mut self) {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let hashes = rest.iter().skip(letters).take_while(|&&byte| byte == b'#').count();
        let prefix = rest.get(..letters).unwrap_or_default();
        let quote = rest.get(letters + hashes);
        let is_raw = matches!(prefix, b"r" | b"br" | b"cr");
        if is_raw && quote == Some(&b'"') {
            let from = self.position + letters + hashes + 1;
            let mut end = vec![b'"'];
            end.resize(hashes + 1, b'#');
            let close = self.find(from, &end);
            self.strings.push(from..close);
            self.blank_to(close + end.len());
        } else if matches!(prefix, b"b" | b"c") && hashes == 0 && quote == Some(&b'"') {
            self.string(self.position + letters + 1);
        } else if prefix == b"b" && hashes == 0 && quote == Some(&b'\'') {
            self.position += 1;
            self.quote();
        } else {
            self.position += letters.max(1);
        }
    }

    /// A character literal, or the quote of a lifetime.
    fn quote(&mut self) {
        let start = self.position;
        let literal_end = match self.bytes.get(start + 1) {
            Some(b'\\') => Some(self.find(start + 3, b"'") + 1),
            Some(_) => {
                // One character and a quote is a literal; anything else is a lifetime or a label.
                let rest = std::str::from_utf8(self.bytes.get(start + 1..).unwrap_or_default()).unwrap_or_default();
                let width = rest.chars().next().map_or(0, char::len_utf8);
                (self.bytes.get(start + 1 + width) == Some(&b'\'')).then_some(start + width + 2)
            }
            None => None,
        };
        match literal_end {
            Some(end) => self.blank_to(end),
            None => self.position += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str) {
        assert_eq!(Source::new("a/src/lib.rs", text).code, code);
    }

    #[test]
    fn comments_are_blanked_also_when_they_nest() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", &format!("a{}e", " ".repeat(19)));
        check("a /* never closed", "a                ");
    }

    #[test]
    fn strings_of_every_kind_are_blanked() {
        check(r#"f("x\"y")"#, "f(      )");
        check(r##"f(r#"x"y"#)"##, "f(        )");
        check(r#"f(b"x", c"y")"#, "f(    ,     )");
        check(r#"f(br"\")"#, "f(     )");
    }

    #[test]
    fn a_character_is_a_literal_and_a_lifetime_is_not() {
        check("'\"' 'a", "    'a");
        check(r"'\'' b'\\' 'é' &'static str", "     b          &'static str");
    }

    #[test]
    fn an_identifier_that_begins_like_a_prefix_is_code() {
        check("bar br r#type", "bar br r#type");
    }

    #[test]
    fn a_test_module_ends_with_its_brace() {
        let source = Source::new("a/src/lib.rs", "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n}\nfn b() {}\n");
        assert_eq!(source.lines_without_tests(), 2);
        assert!(source.is_test(source.text.find("mod").unwrap()));
        assert!(!source.is_test(source.text.find("fn b").unwrap()));
    }

    #[test]
    fn the_declaration_of_a_test_file_is_one_test_line() {
        let source = Source::new("a/src/lib.rs", "#[cfg(test)]\nmod tests;\nfn b() {}\n");
        assert_eq!(source.lines_without_tests(), 1);
    }

    #[test]
    fn a_file_in_a_test_folder_is_all_tests() {
        for path in ["a/tests/x.rs", "a/src/b/tests.rs", "a/src/tests/b.rs", "a/benches/x.rs"] {
            assert!(Source::new(path, "fn a() {}").is_test(0), "{path}");
        }
        assert!(!Source::new("a/src/latests.rs", "fn a() {}").is_test(0));
    }

    #[test]
    fn words_are_found_whole() {
        let found: Vec<_> = find_words("sleep(a); my_sleep(b); sleep(c)", "sleep(").collect();
        assert_eq!(found, [0, 23]);
    }
}
