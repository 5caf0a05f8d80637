//! Regular expressions that every engine compiles and reads alike: the part that Python, JavaScript and RE2 share.
//!
//! OpenAI compiles each `pattern` and refuses the request when that fails. The surprising thing: what is legal in JSON
//! Schema, such as `\p{L}` and `(?<name>…)`, is an error there. Looking around is no error, but some models stop at it.

/// Whether a pattern is in that part.
pub(super) fn is_common(pattern: &str) -> bool {
    let mut reader = Reader { rest: pattern, open: 0 };
    pattern.len() <= BYTES && reader.alternatives() && reader.rest.is_empty()
}

struct Reader<'a> {
    rest: &'a str,
    /// Groups that are open.
    open: usize,
}

impl Reader<'_> {
    /// Reads up to the end of the pattern or of the group. Groups are counted and not recursed into, so that their depth
    /// costs no stack.
    fn alternatives(&mut self) -> bool {
        // Whether something stands before a quantifier; each group remembers nothing else.
        let mut repeatable = false;
        while let Some(c) = self.next() {
            repeatable = match c {
                '(' => {
                    if self.eat('?') && !self.eat(':') {
                        return false;
                    }
                    self.open += 1;
                    false
                }
                ')' => {
                    if self.open == 0 {
                        return false;
                    }
                    self.open -= 1;
                    true
                }
                '|' | '^' => false,
                '*' | '+' | '?' | '{' => {
                    if !repeatable || (c == '{' && !self.count()) {
                        return false;
                    }
                    self.eat('?');
                    false
                }
                '[' => {
                    if !self.class() {
                        return false;
                    }
                    true
                }
                '\\' => match self.escape() {
                    Some('b' | 'B') => false,
                    Some(_) => true,
                    None => return false,
                },
                // A lone one is a text for some engines and an error for others.
                '}' | ']' => return false,
                '$' => false,
                _ => true,
            };
        }
        self.open == 0
    }

    /// Reads `2}`, `2,}` or `2,3}`.
    fn count(&mut self) -> bool {
        let Some((inside, rest)) = self.rest.split_once('}') else { return false };
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number <= REPETITIONS);
        self.rest = rest;
        match inside.split_once(',') {
            None => number(inside).is_some(),
            Some((least, "")) => number(least).is_some(),
            Some((least, most)) => matches!((number(least), number(most)), (Some(least), Some(most)) if least <= most),
        }
    }

    /// Reads a set of characters up to its end.
    fn class(&mut self) -> bool {
        self.eat('^');
        let mut is_empty = true;
        loop {
            let first = match self.next() {
                Some(']') => return !is_empty,
                // Sets in sets are read in more than one way.
                None | Some('[') => return false,
                Some('\\') => match self.escape() {
                    None | Some('B') => return false,
                    Some(c) => c,
                },
                Some(c) => c,
            };
            is_empty = false;
            if !self.rest.starts_with('-') || self.rest.starts_with("-]") {
                continue;
            }
            self.eat('-');
            let last = match self.next() {
                None | Some('[' | ']') => return false,
                Some('\\') => match self.escape() {
                    // A class of characters is no end of a range.
                    None | Some('b' | 'B' | 'd' | 'D' | 'w' | 'W' | 's' | 'S') => return false,
                    Some(c) => c,
                },
                Some(c) => c,
            };
            if first > last {
                return false;
            }
        }
    }

    /// Reads what follows a backslash: the character that it means, or the letter of a class.
    fn escape(&mut self) -> Option<char> {
        match self.next()? {
            c @ ('d' | 'D' | 'w' | 'W' | 's' | 'S' | 'b' | 'B') => Some(c),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'f' => Some('\u{c}'),
            'v' => Some('\u{b}'),
            'u' => self.code(4),
            'x' => self.code(2),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        }
    }

    fn code(&mut self, digits: usize) -> Option<char> {
        let code = self.rest.get(..digits)?;
        self.rest = self.rest.get(digits..)?;
        if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        char::from_u32(u32::from_str_radix(code, 16).ok()?)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// Bytes of a pattern.
const BYTES: usize = 1024;

/// How many times a part may be repeated by a count.
const REPETITIONS: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_engines_share_is_common() {
        for pattern in [
            "",
            "^[a-z0-9._%+-]+@[^@\\s]+$",
            "^(?:a|b)*c{2}d{1,}e{1,3}?$",
            r"^\d{4}-\d{2}\.\/\\x\u00e9\x41$",
            r"[\w\-.]+",
            r"[\]\[]",
            "é+",
            "a||b",
            "^(a(b)?)+$",
            r"\bword\b",
        ] {
            assert!(is_common(pattern), "{pattern}");
        }
    }

    #[test]
    fn what_some_engine_refuses_or_reads_otherwise_is_not() {
        for pattern in [
            "[unclosed",
            "(",
            ")",
            "a)",
            "*a",
            "a**",
            "+",
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?<n>a)",
            "(?P<n>a)",
            "(?i)a",
            r"\p{L}",
            r"(a)\1",
            r"\k<n>",
            r"\z",
            r"\",
            "a{2,1}",
            "a{x}",
            "{",
            "}",
            "]",
            "[]",
            "[]a]",
            "[z-a]",
            r"[a-\d]",
            "[[:alpha:]]",
            r"\u00g0",
            r"\ud800",
            "a{100000}",
            "^*",
            "(*a)",
            "$?",
        ] {
            assert!(!is_common(pattern), "{pattern}");
        }
        assert!(!is_common(&"a".repeat(1025)));
        assert!(is_common(&"()".repeat(500)));
    }
}
