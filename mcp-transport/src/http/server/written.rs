//! An encoded answer, on its way into a body.
//!
//! The surprising thing: a large result is not copied into its envelope. It goes out in parts, which the socket takes by
//! one write, so a list that was rendered once is written from where it was rendered.

use bytes::{Bytes, BytesMut};
use mcp_types::{RawJson, RequestId, rpc};

use crate::service::Answer;

/// A message that answers, encoded as far as is good before it is known how it goes out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Written {
    /// A large result and the id of its request.
    Large(RequestId, RawJson),
    /// The whole message.
    Whole(Bytes),
}

impl Written {
    /// Writes the answer to a request.
    pub(super) fn answer(id: RequestId, answer: Answer) -> Self {
        let mut message = BytesMut::new();
        match answer {
            Ok(result) if result.as_bytes().len() >= LARGE => return Self::Large(id, result),
            Ok(result) => rpc::response(&mut message, &id, &result),
            Err(error) => rpc::error_response(&mut message, Some(&id), &error),
        }
        Self::Whole(message.freeze())
    }

    /// Returns the message in one piece, and as one line.
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Large(id, result) => {
                let mut message = BytesMut::new();
                rpc::response(&mut message, &id, &result);
                message.freeze()
            }
            Self::Whole(message) => message,
        }
    }

    /// Returns the parts of the message; those that it does not have are empty and come first.
    pub(super) fn into_parts(self) -> [Bytes; 3] {
        match self {
            Self::Large(id, result) => {
                let mut start = BytesMut::with_capacity(START);
                rpc::response_start(&mut start, &id);
                [start.freeze(), result.into_bytes(), Bytes::from_static(rpc::RESPONSE_END)]
            }
            Self::Whole(message) => [Bytes::new(), Bytes::new(), message],
        }
    }
}

/// A result of so many bytes costs more to copy than two more parts of a body.
const LARGE: usize = 8 * 1024;
/// The bytes before the result of a request whose id is a number.
const START: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// An array whose text has so many bytes.
    fn result(length: usize) -> RawJson {
        RawJson::parse(format!("[\n{}]", " ".repeat(length - 3))).unwrap()
    }

    #[track_caller]
    fn check(length: usize, parts: usize) {
        let written = Written::answer(7.into(), Ok(result(length)));
        let (whole, split) = (written.clone().into_bytes(), written.into_parts());
        assert_eq!(split.iter().filter(|part| !part.is_empty()).count(), parts, "{length}");
        let joined = String::from_utf8(split.concat()).unwrap();
        assert_eq!(joined.replace('\n', " "), String::from_utf8(whole.to_vec()).unwrap(), "{length}");
        assert!(joined.starts_with(r#"{"jsonrpc":"2.0","id":7,"result":["#) && joined.ends_with("]}"), "{length}");
    }

    #[test]
    fn a_large_result_goes_out_as_it_is_between_what_is_around_it() {
        check(3, 1);
        check(LARGE - 1, 1);
        check(LARGE, 3);
    }

    #[test]
    fn a_large_result_is_not_copied() {
        let result = result(LARGE);
        let text = result.clone().into_bytes();
        let [_, middle, _] = Written::answer(7.into(), Ok(result)).into_parts();
        assert_eq!(middle.as_ptr(), text.as_ptr());
    }
}
