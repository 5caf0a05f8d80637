//! The query of a URL: `name=value&…`, percent-encoded.

/// Returns the last value of a parameter; one that is empty counts as absent.
pub(super) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = query.unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let value = decoded(pairs.rfind(|(key, _)| decoded(key) == name)?.1);
    (!value.is_empty()).then_some(value)
}

/// Reads the form of `application/x-www-form-urlencoded`; what is no code stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten().and_then(hexadecimal);
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match digits {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_and_decoded() {
        let check = |query: &str, expected: Option<&str>| {
            assert_eq!(parameter(Some(query), "server_id").as_deref(), expected, "{query}");
        };
        check("server_id=lab", Some("lab"));
        check("a=b&server_id=my+lab%2F1&c", Some("my lab/1"));
        check("server_id=a&server_id=b", Some("b"));
        check("server%5Fid=a", Some("a"));
        check("server_id=%e2%82%ac%zz%4", Some("€%zz%4"));
        check("server_id=", None);
        check("server_id", None);
        check("", None);
        check("xserver_id=a", None);
    }
}
