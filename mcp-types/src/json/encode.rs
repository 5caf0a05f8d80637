//! Writing Rust values as raw JSON that keeps what raw JSON promises.
//!
//! The surprising thing: the bound on depth is one lower than that of the scan. What is encoded goes into an envelope,
//! and the message as a whole must be one that the receiver reads.

use std::io;

use serde::Serialize;
use serde::ser::Error as _;
use serde_json::ser::{Formatter, Serializer};

use super::scan::{MAX_DEPTH, Scanner};

/// The greatest number of nested containers of a value that [`RawJson::encode`](super::RawJson::encode) makes.
///
/// It is one less than [`MAX_DEPTH`](super::scan::MAX_DEPTH), which holds for a whole message: the envelope is one of
/// them. So what is encoded can be the parameters or the result of a message, and what came in a message can be encoded
/// again.
pub const MAX_ENCODED_DEPTH: u32 = MAX_DEPTH - 1;

/// Writes `value`, which may have `most` nested containers.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, most: u32) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::with_capacity(128);
    let mut serializer = Serializer::with_formatter(&mut text, Bounded { depth: MAX_DEPTH.saturating_sub(most) });
    match value.serialize(&mut serializer) {
        Ok(()) => Ok(text),
        // A list of bytes takes all that is written, so an error of writing is one of ours.
        Err(error) if error.is_io() => Err(serde_json::Error::custom(error)),
        Err(error) => Err(error),
    }
}

/// Compact JSON, refused where it breaks a promise. The rest of the promises the serializer keeps by itself: texts are
/// UTF-8, and its numbers fit.
struct Bounded {
    /// The containers that are open, those around the value included.
    depth: u32,
}

impl Bounded {
    fn open(&mut self) -> io::Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(io::Error::other(format!(
                "the value is nested too deep: a message has at most {MAX_DEPTH} containers in each other, its envelope \
                 among them"
            )));
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

impl Formatter for Bounded {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open()?;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close();
        writer.write_all(b"]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open()?;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close();
        writer.write_all(b"}")
    }

    /// Numbers come as texts only where a program asks `serde_json` for arbitrary precision.
    fn write_number_str<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: &str) -> io::Result<()> {
        self.write_raw_fragment(writer, value)
    }

    /// Raw JSON inside of the value: ours, which may be too deep at this place, or a `RawValue`, which proves little.
    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut scanner = Scanner::new(fragment.as_bytes()).map_err(io::Error::other)?;
        scanner.space();
        scanner.value(self.depth).map_err(|error| io::Error::other(format!("raw JSON in the value: {error}")))?;
        scanner.end().map_err(io::Error::other)?;
        writer.write_all(fragment.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;
    use crate::CallToolResult;
    use crate::json::RawJson;

    fn encode(value: &Value) -> Result<Vec<u8>, serde_json::Error> {
        write(value, MAX_ENCODED_DEPTH)
    }

    fn nested(depth: u32) -> String {
        format!("{}{}", "[".repeat(depth as usize), "]".repeat(depth as usize))
    }

    fn tree(depth: u32) -> Value {
        (1..depth).fold(Value::Array(Vec::new()), |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn what_is_encoded_is_what_serde_json_writes() {
        let value = serde_json::json!({"a": [1, -2.5, 1e300, null, true, {}, []], "b\n\"é": "\u{1}\u{7f}"});
        assert_eq!(encode(&value).unwrap(), serde_json::to_vec(&value).unwrap());
    }

    #[test]
    fn a_value_at_the_limit_is_encoded_and_one_container_more_is_refused() {
        assert_eq!(encode(&tree(MAX_ENCODED_DEPTH)).unwrap(), nested(MAX_ENCODED_DEPTH).into_bytes());
        let error = RawJson::encode(&tree(MAX_ENCODED_DEPTH + 1)).unwrap_err();
        assert!(!error.is_io());
        assert!(error.to_string().starts_with("the value is nested too deep"), "{error}");
        let side_by_side = Value::Array(vec![tree(MAX_ENCODED_DEPTH - 1); 3]);
        assert!(encode(&side_by_side).is_ok(), "depth is not number");
    }

    #[test]
    fn raw_json_counts_where_it_stands() {
        for (depth, fits) in [(MAX_ENCODED_DEPTH - 1, true), (MAX_ENCODED_DEPTH, false), (MAX_DEPTH, false)] {
            let inner = RawJson::parse(nested(depth)).unwrap();
            let result = CallToolResult::new().structured_content(inner);
            assert_eq!(RawJson::encode(&result).is_ok(), fits, "{depth}");
        }
    }

    #[test]
    fn a_raw_value_of_serde_json_is_scanned_before_it_is_raw_json() {
        for text in [r#""\ud800""#, "1e400", &nested(MAX_ENCODED_DEPTH + 1)] {
            let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
            assert!(RawJson::encode(&raw).is_err(), "{text}");
        }
        let raw: Box<RawValue> = serde_json::from_str(" [1.50] ").unwrap();
        assert_eq!(RawJson::encode(&raw).unwrap().as_str(), "[1.50]");
    }
}
