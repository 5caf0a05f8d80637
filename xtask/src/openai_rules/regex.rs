//! Whether Python's `re` compiles a pattern, which is what decides over `pattern` in a schema: the API checks the format
//! `regex` with it.
//!
//! The surprising thing: much of what JavaScript writes is refused, such as `\p{L}` and `(?<name>…)`. Lookaround is
//! compiled, but newer models refuse it, so it is a fault too.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Peekable,
    str::Chars,
};

/// Says what is wrong with a pattern.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let mut reader =
        Reader { rest: pattern.chars().peekable(), groups: BTreeMap::new(), count: 0, closed: BTreeSet::new() };
    reader.alternatives(0)?;
    match reader.rest.next() {
        None => Ok(()),
        Some(_) => Err("unbalanced parenthesis".to_owned()),
    }
}

struct Reader<'p> {
    rest: Peekable<Chars<'p>>,
    /// The names of groups so far, and their numbers.
    groups: BTreeMap<String, u32>,
    /// How many groups have begun.
    count: u32,
    /// The numbers of the groups that have ended, which alone can be referred to.
    closed: BTreeSet<u32>,
}

impl Reader<'_> {
    /// Reads up to the end, or to the parenthesis that ends a group.
    fn alternatives(&mut self, depth: u32) -> Result<(), String> {
        if depth > 90 {
            return Err("too many groups inside each other".to_owned());
        }
        // Whether there is something that a repetition can repeat.
        let mut has_item = false;
        while let Some(&next) = self.rest.peek() {
            if next == ')' {
                return Ok(());
            }
            self.rest.next();
            has_item = match next {
                // A place is no item.
                '|' | '^' | '$' => false,
                '[' => self.class()?,
                '(' if self.is_comment()? => has_item,
                '(' => self.group(depth)?,
                '\\' => {
                    let is_place = self.rest.peek().is_some_and(|c| "AbBZ".contains(*c));
                    self.escape(OUTSIDE)?;
                    !is_place
                }
                '*' | '+' | '?' if !has_item => return Err("nothing to repeat".to_owned()),
                '*' | '+' | '?' => self.repeated()?,
                '{' => self.braces(has_item)?,
                _ => true,
            };
        }
        Ok(())
    }

    /// After a repetition: `?` makes it lazy and `+` possessive, a third sign is an error.
    fn repeated(&mut self) -> Result<bool, String> {
        if matches!(self.rest.peek(), Some('?' | '+')) {
            self.rest.next();
        }
        match self.rest.peek() {
            Some('*' | '+' | '?') => Err("multiple repeat".to_owned()),
            Some('{') => {
                self.rest.next();
                if self.bounds()?.is_some() { Err("multiple repeat".to_owned()) } else { Ok(true) }
            }
            _ => Ok(true),
        }
    }

    /// `{2}`, `{2,}`, `{,3}` and `{2,3}` repeat; every other brace is itself.
    fn braces(&mut self, has_item: bool) -> Result<bool, String> {
        match self.bounds()? {
            None => Ok(true),
            Some(_) if !has_item => Err("nothing to repeat".to_owned()),
            Some((least, most)) if most.is_some_and(|most| most < least) => {
                Err("min repeat greater than max repeat".to_owned())
            }
            Some(_) => self.repeated(),
        }
    }

    /// Reads the bounds behind a brace, when that is what it begins.
    fn bounds(&mut self) -> Result<Option<(u64, Option<u64>)>, String> {
        let mut ahead = self.rest.clone();
        let text: String = ahead.by_ref().take_while(|&c| c != '}').collect();
        let is_closed = self.rest.clone().any(|c| c == '}');
        let is_bound = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        let (least, most) = text.split_once(',').unwrap_or((&text, &text));
        if !is_closed || text.is_empty() || !is_bound(least) || !is_bound(most) {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| "the repetition number is too large".to_owned());
        let least = if least.is_empty() { 0 } else { number(least)? };
        let most = if most.is_empty() { None } else { Some(number(most)?) };
        self.rest = ahead;
        Ok(Some((least, most)))
    }

    /// Reads over a comment, when that is what a parenthesis begins.
    fn is_comment(&mut self) -> Result<bool, String> {
        let mut ahead = self.rest.clone();
        if (ahead.next(), ahead.next()) != (Some('?'), Some('#')) {
            return Ok(false);
        }
        self.rest = ahead;
        if self.rest.any(|c| c == ')') { Ok(true) } else { Err("missing ), unterminated comment".to_owned()) }
    }

    fn group(&mut self, depth: u32) -> Result<bool, String> {
        let mut number = None;
        let is_question = self.rest.next_if_eq(&'?').is_some();
        if is_question {
            match self.rest.next() {
                Some(':' | '>') => {}
                Some('=' | '!') => return Err("lookaround is not supported".to_owned()),
                Some('<') if matches!(self.rest.peek(), Some('=' | '!')) => {
                    return Err("lookaround is not supported".to_owned());
                }
                Some('P') => match self.rest.next() {
                    Some('<') => number = Some(self.named_group()?),
                    Some('=') => return self.named_reference(),
                    _ => return Err("unknown extension ?P".to_owned()),
                },
                Some(flag) if "aiLmsux-".contains(flag) => return Err("flags are not portable".to_owned()),
                other => return Err(format!("unknown extension ?{}", other.map(String::from).unwrap_or_default())),
            }
        } else {
            self.count += 1;
            number = Some(self.count);
        }
        self.alternatives(depth + 1)?;
        if self.rest.next() != Some(')') {
            return Err("missing ), unterminated subpattern".to_owned());
        }
        self.closed.extend(number);
        Ok(true)
    }

    fn named_group(&mut self) -> Result<u32, String> {
        let name: String = self.rest.by_ref().take_while(|&c| c != '>').collect();
        let is_identifier = name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && name.chars().next().is_some_and(|first| !first.is_ascii_digit());
        if !is_identifier || self.groups.contains_key(&name) {
            return Err(format!("bad or repeated group name {name:?}"));
        }
        self.count += 1;
        self.groups.insert(name, self.count);
        Ok(self.count)
    }

    fn named_reference(&mut self) -> Result<bool, String> {
        let name: String = self.rest.by_ref().take_while(|&c| c != ')').collect();
        let is_closed = self.groups.get(&name).is_some_and(|number| self.closed.contains(number));
        if is_closed { Ok(true) } else { Err(format!("unknown group name {name:?}")) }
    }

    fn class(&mut self) -> Result<bool, String> {
        self.rest.next_if_eq(&'^');
        // A first bracket is itself.
        let mut is_first = true;
        // What a range can begin with.
        let mut low = None;
        loop {
            match self.rest.next() {
                None => return Err("unterminated character set".to_owned()),
                Some(']') if !is_first => return Ok(true),
                Some('\\') => {
                    let is_class = self.rest.peek().is_some_and(|c| CLASSES.contains(*c));
                    self.escape(INSIDE)?;
                    low = Some(if is_class { Low::Class } else { Low::Escaped });
                }
                Some('-') if low.is_some() => {
                    self.range(low)?;
                    low = None;
                }
                Some(c) => low = Some(Low::Character(c)),
            }
            is_first = false;
        }
    }

    /// The end of a range, whose begin was read; a dash before the end of the class is itself.
    fn range(&mut self, low: Option<Low>) -> Result<(), String> {
        let bad = || Err("bad character range".to_owned());
        match (self.rest.peek().copied(), low) {
            (Some(']') | None, _) => Ok(()),
            (_, Some(Low::Class)) => bad(),
            (Some('\\'), _) => {
                self.rest.next();
                if self.rest.peek().is_some_and(|c| CLASSES.contains(*c)) {
                    bad()
                } else {
                    self.escape(INSIDE).map(drop)
                }
            }
            (Some(high), Some(Low::Character(low))) if low > high => bad(),
            _ => {
                self.rest.next();
                Ok(())
            }
        }
    }

    /// What follows a backslash. Letters that mean nothing are refused; other characters stand for themselves.
    fn escape(&mut self, letters: &str) -> Result<bool, String> {
        let Some(next) = self.rest.next() else { return Err("bad escape (end of pattern)".to_owned()) };
        let hexadecimal = match next {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '1'..='9' if letters == OUTSIDE => return self.reference(next),
            c if c.is_ascii_alphabetic() && !letters.contains(c) => return Err(format!("bad escape \\{c}")),
            _ => 0,
        };
        for _ in 0..hexadecimal {
            if self.rest.next_if(char::is_ascii_hexdigit).is_none() {
                return Err(format!("incomplete escape \\{next}"));
            }
        }
        Ok(true)
    }

    /// A reference to a group by its number, which must have ended.
    fn reference(&mut self, first: char) -> Result<bool, String> {
        let mut number = first.to_digit(10).unwrap_or_default();
        if let Some(second) = self.rest.next_if(char::is_ascii_digit) {
            number = number * 10 + second.to_digit(10).unwrap_or_default();
        }
        if self.closed.contains(&number) { Ok(true) } else { Err(format!("invalid group reference {number}")) }
    }
}

/// What stands before a dash in a character class.
#[derive(Debug, Clone, Copy)]
enum Low {
    Character(char),
    /// A class of its own, such as `\d`, which is no end of a range.
    Class,
    /// A character whose number is not looked at.
    Escaped,
}

/// The letters of classes of their own.
const CLASSES: &str = "dDsSwW";
/// The letters that mean something behind a backslash.
const OUTSIDE: &str = "AbBdDsSwWZafnrtvxuU";
/// Those of them that mean something in a character class.
const INSIDE: &str = "bdDsSwWafnrtvxuU";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_compiles_is_legal() {
        for pattern in [
            "",
            "^[a-z0-9-]{1,64}$",
            r"^\d{4}-\d{2}-\d{2}$",
            "(?:a|b)+?c*+",
            "(?P<year>[0-9]+)-(?P=year)",
            r"(a)(b)\2\1",
            "[]a]",
            "[^]a]",
            "[a-]",
            r"[\w.-]+@[\w.-]+",
            "a{,3}b{2,}c{x}d{",
            r"\x41\u00e9\.\/\-\#",
            "(?#a note)x",
            "x{2}?",
            r"\w(?#one or more)+",
            r"[\d-]",
            r"[\x41-Z]",
        ] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_python_or_a_model_refuses_is_a_fault() {
        for (pattern, fault) in [
            (r"^\p{L}+$", "bad escape \\p"),
            (r"[\p{Cc}]", "bad escape \\p"),
            ("(?<year>[0-9]+)", "unknown extension ?<"),
            ("^(?=.*[A-Z]).*$", "lookaround"),
            ("^(?!x)", "lookaround"),
            ("(?<=a)b", "lookaround"),
            ("(?<!a)b", "lookaround"),
            ("*a", "nothing to repeat"),
            ("a**", "multiple repeat"),
            ("a{2}{3}", "multiple repeat"),
            ("(|*)", "nothing to repeat"),
            ("(a", "unterminated subpattern"),
            ("a)", "unbalanced"),
            ("[a", "unterminated character set"),
            ("[z-a]", "bad character range"),
            (r"[a-\d]", "bad character range"),
            (r"[\d-z]", "bad character range"),
            ("^*", "nothing to repeat"),
            (r"\b+", "nothing to repeat"),
            ("a(?#never closed", "comment"),
            ("a\\", "end of pattern"),
            (r"\u{1F600}", "incomplete escape"),
            (r"a\z", "bad escape \\z"),
            (r"\1(a)", "invalid group reference 1"),
            (r"[\A]", "bad escape \\A"),
            ("x{3,2}", "min repeat"),
            ("(?i)abc", "flags"),
            ("(?P=no)", "unknown group name"),
            ("(?P<open>(?P=open))", "unknown group name"),
        ] {
            let said = check(pattern).unwrap_err();
            assert!(said.contains(fault), "{pattern}: {said}");
        }
    }
}
