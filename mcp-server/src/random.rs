//! Names that nobody can guess: of tasks and of elicitations (XT-13, T-139).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use mcp_types::RpcError;

/// Makes a name of 192 random bits.
///
/// # Errors
///
/// Fails when the operating system gives no random bytes (−32603).
pub(crate) fn id() -> Result<String, RpcError> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|error| RpcError::internal(format!("no random bytes: {error}")))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xt_13_a_name_has_more_than_128_bits_and_is_never_the_same() {
        let (one, other) = (id().unwrap(), id().unwrap());
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(&one).unwrap().len(), 24);
        assert_ne!(one, other);
    }
}
