//! Base64 as providers want it, so that one damaged picture does not make them refuse the whole request.
//!
//! Nothing is decoded; servers that leave out the padding, use the URL alphabet or break lines are put right.

/// Returns the text in the standard alphabet with padding, or `None` when it is no base64.
pub(super) fn standard(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 3);
    for c in text.chars().filter(|c| !matches!(c, '\r' | '\n' | ' ' | '\t')) {
        out.push(match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' | '=' => c,
            '-' => '+',
            '_' => '/',
            _ => return None,
        });
    }
    let digits = out.trim_end_matches('=').len();
    let padding = match digits % 4 {
        0 => 0,
        2 => 2,
        3 => 1,
        _ => return None,
    };
    if digits == 0 || out.get(..digits)?.contains('=') {
        return None;
    }
    out.truncate(digits);
    out.push_str("==".get(..padding)?);
    Some(out)
}

/// Returns the number of bytes that [`standard`] base64 holds.
pub(super) fn decoded_len(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_put_right_or_refused() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(standard(text).as_deref(), expected, "{text}");
        check("aGVsbG8=", Some("aGVsbG8="));
        check("aGVsbG8", Some("aGVsbG8="));
        check("aGVs\nbG8=\n", Some("aGVsbG8="));
        check("-_-_", Some("+/+/"));
        check("YQ==", Some("YQ=="));
        check("", None);
        check("====", None);
        check("a", None);
        check("YQ==YQ==", None);
        check("data:image/png;base64,YQ==", None);
        check("é", None);
        assert_eq!(decoded_len("aGVsbG8="), 5);
    }
}
