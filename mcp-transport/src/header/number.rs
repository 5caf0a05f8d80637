//! Compares numbers by value and not by spelling: `42.0` is `42` (H-36).
//!
//! The surprising thing: no floating point is involved, because through it `9007199254740993` and
//! `9007199254740992` would be equal.

/// A number in decimal: its digits without zeros at either end, times a power of ten.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads a number in the grammar of JSON; none if it is not one, or if its exponent is absurd.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, is_digits(fraction).then_some(fraction)?),
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let zeros = i64::try_from(all.len() - digits.len()).ok()?;
        let exponent = exponent - i64::try_from(fraction.len()).ok()? + zeros;
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        Some(Self { negative, digits, exponent })
    }

    /// Returns the value if it is an integer within ±(2^53 − 1), which every JSON reader keeps exactly (H-31).
    pub(super) fn safe_integer(&self) -> Option<i64> {
        let power = u32::try_from(self.exponent).ok()?;
        let digits: i64 = if self.digits.is_empty() { 0 } else { self.digits.parse().ok()? };
        let value = digits.checked_mul(10_i64.checked_pow(power)?)?;
        (value <= MAX_SAFE_INTEGER).then_some(if self.negative { -value } else { value })
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !is_digits(digits) || digits.len() > MAX_EXPONENT_DIGITS {
        return None;
    }
    text.parse().ok()
}

const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;
const MAX_EXPONENT_DIGITS: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_value_h_36() {
        for (one, other) in
            [("42", "42.0"), ("42", "4.2e1"), ("0", "-0.00"), ("-1", "-10E-1"), ("100", "1e+2"), ("0.5", "5e-1")]
        {
            assert_eq!(Decimal::parse(one), Decimal::parse(other), "{one} = {other}");
            assert!(Decimal::parse(one).is_some());
        }
        for (one, other) in
            [("42", "-42"), ("42", "420"), ("9007199254740993", "9007199254740992"), ("1", "1.0000000000000000000001")]
        {
            assert_ne!(Decimal::parse(one), Decimal::parse(other), "{one} and {other}");
        }
    }

    #[test]
    fn what_json_does_not_call_a_number_is_none() {
        for text in [
            "",
            "-",
            "+1",
            "01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "e1",
            "0x1",
            "1 ",
            "NaN",
            "1e9999999999",
            "1.5.2",
            "--1",
            "1_0",
            "\u{661}",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_integer_is_safe_up_to_2_to_the_53_minus_1_h_31() {
        let safe = |text: &str| Decimal::parse(text).and_then(|number| number.safe_integer());
        assert_eq!(safe("9007199254740990"), Some(9_007_199_254_740_990));
        assert_eq!(safe("9007199254740991"), Some(9_007_199_254_740_991));
        assert_eq!(safe("-9007199254740991.0"), Some(-9_007_199_254_740_991));
        assert_eq!(safe("9007199254740992"), None);
        assert_eq!(safe("-9007199254740992"), None);
        assert_eq!(safe("4.2e1"), Some(42));
        assert_eq!(safe("0e999999999"), Some(0));
        assert_eq!(safe("1e999999999"), None);
        assert_eq!(safe("1.5"), None);
    }
}
