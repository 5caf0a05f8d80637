//! The probes, in the order of the table.

mod lines;
mod mass;
mod media;
mod pace;
mod run;
mod session;
mod unread;

use super::Probe;
use super::judge::WantedId;

/// Returns every probe.
pub(super) fn all() -> impl Iterator<Item = Probe> {
    let groups = [
        media::rules(),
        media::texts(),
        session::probes(),
        mass::probes(),
        pace::probes(),
        unread::probes(),
        lines::probes(),
        run::probes(),
    ];
    groups.into_iter().flatten()
}

/// Writes a number of bytes for people.
fn mebibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / MIB;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// Judges the memory that a probe has cost (O4).
fn judge_growth(before: Option<u64>, peak: Option<u64>, bound: u64) -> Result<String, String> {
    let (Some(before), Some(peak)) = (before, peak) else { return Ok("memory not seen here".to_owned()) };
    let growth = peak.saturating_sub(before);
    let shown = format!("peak +{}", mebibytes(growth));
    if growth <= bound { Ok(shown) } else { Err(format!("{shown}, more than {} (O4)", mebibytes(bound))) }
}

/// Which id the refusal of a response may carry over HTTP, where it is the answer to a POST and to nothing else.
fn of_posted_response() -> WantedId {
    WantedId::Perhaps(serde_json::json!(7))
}

const MIB: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_judged_by_the_peak_and_absent_where_it_cannot_be_seen() {
        assert_eq!(judge_growth(Some(MIB), Some(3 * MIB / 2), MIB), Ok("peak +0.5 MiB".to_owned()));
        assert!(judge_growth(Some(MIB), Some(3 * MIB), MIB).is_err());
        assert_eq!(judge_growth(None, Some(MIB), MIB), Ok("memory not seen here".to_owned()));
    }
}
