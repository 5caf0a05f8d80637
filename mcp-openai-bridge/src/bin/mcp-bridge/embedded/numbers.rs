//! A tool that calculates.

use mcp_server::{Args, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

// What `add` takes.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Add {
    /// The first number
    #[schemars(with = "f64")]
    a: Number,
    /// The second number
    #[schemars(with = "f64")]
    b: Number,
}

// What `add` gives.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sum {
    /// The sum of both
    #[schemars(with = "f64")]
    sum: Number,
}

/// Adds two numbers; whole ones stay whole.
pub(super) async fn add(Args(Add { a, b }): Args<Add>) -> Result<Json<Sum>, &'static str> {
    sum(&a, &b).map(|sum| Json(Sum { sum })).ok_or("the sum is too large")
}

fn sum(a: &Number, b: &Number) -> Option<Number> {
    let whole = a.as_i64().zip(b.as_i64()).and_then(|(a, b)| a.checked_add(b));
    whole.map(Number::from).or_else(|| Number::from_f64(a.as_f64()? + b.as_f64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_stay_whole_and_others_do_not_overflow() {
        let check = |a: &str, b: &str, expected: Option<&str>| {
            let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
            assert_eq!(sum(&number(a), &number(b)).map(|sum| sum.to_string()).as_deref(), expected);
        };
        check("1", "2", Some("3"));
        check("1", "0.5", Some("1.5"));
        check("1e308", "1e308", None);
        assert_eq!(sum(&Number::from(i64::MAX), &Number::from(1)).unwrap().as_f64(), Some(9_223_372_036_854_775_808.0));
    }
}
