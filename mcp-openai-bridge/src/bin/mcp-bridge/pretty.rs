//! Indents JSON.
//!
//! The surprising thing: it works on the text. Through a tree of values the order of members and the digits of large
//! numbers would be lost.

/// Indents a JSON text by two spaces; it must be valid.
pub(crate) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push(c);
                copy_string(&mut chars, &mut out);
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// Writes control characters, and those that turn the direction of a line, as JSON escapes.
pub(crate) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if crate::output::is_unsafe(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out
}

fn copy_string(chars: &mut impl Iterator<Item = char>, out: &mut String) {
    while let Some(c) = chars.next() {
        out.push(c);
        match c {
            '\\' => out.extend(chars.next()),
            '"' => return,
            _ => {}
        }
    }
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_digits_stay() {
        assert_eq!(
            pretty(r#"{"b":[1.0,{"x":12345678901234567890123}],"a":{ },"s":"{\"[,:"}"#),
            "{\n  \"b\": [\n    1.0,\n    {\n      \"x\": 12345678901234567890123\n    }\n  ],\n  \"a\": {},\n  \"s\": \"{\\\"[,:\"\n}"
        );
        assert_eq!(pretty("[]"), "[]");
        assert_eq!(pretty(" [ 1 , 2 ] "), "[\n  1,\n  2\n]");
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(escaped("\"\u{9b}31m\u{7f}ü\""), "\"\\u009b31m\\u007fü\"");
    }
}
