//! Tools that know the time and the calendar.
//!
//! The surprising thing: the timezone database is part of the program, so that an answer does not depend on what the
//! system has installed.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Unit, Zoned};
use mcp_server::{Args, Json, Partial, Vars};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

// What `get_current_time` takes.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CurrentTime {
    /// `short` is HH:MM, `long` is a sentence with date and zone, `iso` is ISO 8601 with the offset
    #[serde(default)]
    format: TimeFormat,
    /// An IANA timezone, such as `Europe/Vienna`
    #[serde(default = "utc")]
    timezone: String,
}

// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum TimeFormat {
    // `07:05`.
    #[default]
    Short,
    // `Friday, 20 November 2026, 07:05:09 UTC`.
    Long,
    // `2026-11-20T07:05:09+00:00`.
    Iso,
}

/// Tells the time.
pub(super) async fn get_current_time(Args(wanted): Args<CurrentTime>) -> Result<String, String> {
    let zone = zone(&wanted.timezone)?;
    Ok(wanted.format.write(&Timestamp::now().to_zoned(zone)))
}

impl TimeFormat {
    fn write(self, time: &Zoned) -> String {
        let pattern = match self {
            Self::Short => "%H:%M",
            Self::Long => "%A, %-d %B %Y, %H:%M:%S %Z",
            Self::Iso => "%Y-%m-%dT%H:%M:%S%:z",
        };
        time.strftime(pattern).to_string()
    }
}

// What `convert_time` takes.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Conversion {
    /// The time: `14:30` is today's, `2026-11-20T14:30` says the date too
    time: String,
    /// The IANA timezone that the time is in
    from: String,
    /// The IANA timezone to convert to
    to: String,
}

// What `convert_time` gives.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Converted {
    /// The given time as ISO 8601 with its offset
    from: String,
    /// The same moment in the other timezone
    to: String,
    /// By how many hours the other timezone is ahead
    hours_ahead: f64,
}

/// Converts a time.
pub(super) async fn convert_time(Args(wanted): Args<Conversion>) -> Result<Json<Converted>, String> {
    convert(&wanted, Timestamp::now()).map(Json)
}

fn convert(wanted: &Conversion, now: Timestamp) -> Result<Converted, String> {
    let (from, to) = (zone(&wanted.from)?, zone(&wanted.to)?);
    let today = now.to_zoned(from.clone()).date();
    let civil = match (wanted.time.parse::<DateTime>(), wanted.time.parse::<Time>()) {
        (Ok(civil), _) => civil,
        (_, Ok(time)) => today.to_datetime(time),
        _ => return Err(format!("`{}` is no time; write it like 14:30 or 2026-11-20T14:30", wanted.time)),
    };
    let there = civil.to_zoned(from).map_err(|error| format!("there is no such time: {error}"))?;
    let here = there.with_time_zone(to);
    let seconds = here.offset().seconds() - there.offset().seconds();
    let write = |time: &Zoned| TimeFormat::Iso.write(time);
    Ok(Converted { from: write(&there), to: write(&here), hours_ahead: f64::from(seconds) / 3600.0 })
}

// What `date_difference` takes.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Dates {
    /// The first date, such as `2026-11-20`
    from: String,
    /// The second date
    to: String,
}

// What `date_difference` gives.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Difference {
    /// The days from the first date to the second; negative when the second is earlier
    days: i64,
    /// The same in words
    text: String,
}

/// Counts the days between two dates.
pub(super) async fn date_difference(Args(dates): Args<Dates>) -> Result<Json<Difference>, String> {
    difference(&dates).map(Json)
}

fn difference(dates: &Dates) -> Result<Difference, String> {
    let date = |text: &str| text.parse::<Date>().map_err(|_| format!("`{text}` is no date; write it like 2026-11-20"));
    let (from, to) = (date(&dates.from)?, date(&dates.to)?);
    let failed = |error: jiff::Error| format!("cannot count from {from} to {to}: {error}");
    let days = from.until((Unit::Day, to)).map_err(failed)?.get_days();
    let span = from.until((Unit::Year, to)).map_err(failed)?.abs();
    let parts = [
        (i64::from(span.get_years()), "year"),
        (i64::from(span.get_months()), "month"),
        (i64::from(span.get_days()), "day"),
    ];
    let written = parts.into_iter().filter(|(count, _)| *count != 0);
    let written: Vec<String> =
        written.map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" })).collect();
    let text = match (written.is_empty(), days < 0) {
        (true, _) => "the same day".to_owned(),
        (false, false) => written.join(", "),
        (false, true) => format!("{} earlier", written.join(", ")),
    };
    Ok(Difference { days: i64::from(days), text })
}

// The variable of `time://{timezone}`.
#[derive(Debug, Deserialize)]
pub(super) struct Place {
    timezone: String,
}

/// Reads `time://{timezone}`.
pub(super) async fn read_time(Vars(place): Vars<Place>) -> Result<String, String> {
    let zone = zone(&place.timezone)?;
    Ok(TimeFormat::Iso.write(&Timestamp::now().to_zoned(zone)))
}

/// Completes the name of a timezone.
pub(super) async fn complete_timezone(typed: Partial) -> Vec<String> {
    typed.among(names())
}

fn names() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect()
}

fn zone(name: &str) -> Result<TimeZone, String> {
    if let Ok(zone) = TimeZoneDatabase::bundled().get(name) {
        return Ok(zone);
    }
    let wanted = name.to_lowercase().replace(' ', "_");
    let meant = names().into_iter().find(|known| {
        let known = known.to_lowercase();
        !wanted.is_empty() && known.rsplit('/').next() == Some(wanted.as_str())
    });
    Err(match meant {
        Some(meant) => format!("there is no timezone `{name}`; did you mean `{meant}`?"),
        None => format!("there is no timezone `{name}`; give an IANA name, such as `Europe/Vienna`"),
    })
}

fn utc() -> String {
    "UTC".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T07:05:09Z".parse().unwrap()
    }

    #[test]
    fn a_time_has_three_forms() {
        let check = |format: TimeFormat, zone_name: &str, expected: &str| {
            assert_eq!(format.write(&now().to_zoned(zone(zone_name).unwrap())), expected);
        };
        check(TimeFormat::Short, "UTC", "07:05");
        check(TimeFormat::Long, "UTC", "Friday, 20 November 2026, 07:05:09 UTC");
        check(TimeFormat::Iso, "UTC", "2026-11-20T07:05:09+00:00");
        check(TimeFormat::Iso, "Asia/Kolkata", "2026-11-20T12:35:09+05:30");
        check(TimeFormat::Short, "America/New_York", "02:05");
    }

    #[test]
    fn a_timezone_that_does_not_exist_is_refused_with_what_was_meant() {
        assert_eq!(zone("tokyo").unwrap_err(), "there is no timezone `tokyo`; did you mean `Asia/Tokyo`?");
        assert_eq!(zone("new york").unwrap_err(), "there is no timezone `new york`; did you mean `America/New_York`?");
        assert_eq!(
            zone("Mars/Olympus").unwrap_err(),
            "there is no timezone `Mars/Olympus`; give an IANA name, such as `Europe/Vienna`"
        );
        assert!(zone("").is_err());
    }

    #[test]
    fn a_time_of_today_or_of_a_date_is_converted() {
        let check = |time: &str, from: &str, to: &str| {
            let wanted = Conversion { time: time.to_owned(), from: from.to_owned(), to: to.to_owned() };
            convert(&wanted, now()).map(|done| (done.to, done.hours_ahead))
        };
        assert_eq!(check("14:30", "Europe/Vienna", "Asia/Tokyo"), Ok(("2026-11-20T22:30:00+09:00".to_owned(), 8.0)));
        assert_eq!(check("2026-07-01T09:00", "UTC", "Asia/Kolkata"), Ok(("2026-07-01T14:30:00+05:30".to_owned(), 5.5)));
        assert!(check("noon", "UTC", "UTC").unwrap_err().starts_with("`noon` is no time"));
    }

    #[test]
    fn days_are_counted_in_both_directions() {
        let check = |from: &str, to: &str, days: i64, text: &str| {
            let dates = Dates { from: from.to_owned(), to: to.to_owned() };
            assert_eq!(difference(&dates), Ok(Difference { days, text: text.to_owned() }));
        };
        check("2026-11-20", "2026-12-25", 35, "1 month, 5 days");
        check("2024-02-28", "2024-03-01", 2, "2 days");
        check("2026-11-20", "2025-11-19", -366, "1 year, 1 day earlier");
        check("2026-11-20", "2026-11-20", 0, "the same day");
        let dates = Dates { from: "20.11.2026".to_owned(), to: "2026-11-20".to_owned() };
        assert_eq!(difference(&dates).unwrap_err(), "`20.11.2026` is no date; write it like 2026-11-20");
    }
}
