//! How lengths of time are said in messages and on pages.

/// Seconds.
pub type Seconds = i64;

/// One minute.
pub const MINUTE: Seconds = 60;
/// One hour.
pub const HOUR: Seconds = 60 * MINUTE;
/// One day.
pub const DAY: Seconds = 24 * HOUR;

/// A length of time in the largest unit that it is a whole number of: `90 minutes`, `1 hour`.
pub fn time(seconds: Seconds) -> String {
    let units = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")];
    let fits = |(length, _): &(Seconds, &str)| seconds != 0 && seconds % length == 0;
    let (length, name) = units.into_iter().find(fits).unwrap_or((1, "second"));
    match seconds / length {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

/// The same behind "every" and "the last": `hour`, `2 hours`.
pub fn each(seconds: Seconds) -> String {
    let said = time(seconds);
    said.strip_prefix("1 ").map(str::to_owned).unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_do() {
        let said = [0, 1, 59, 60, 90, 300, 5400, 3600, 7200, DAY, 2 * DAY].map(time);
        let wanted = [
            "0 seconds",
            "1 second",
            "59 seconds",
            "1 minute",
            "90 seconds",
            "5 minutes",
            "90 minutes",
            "1 hour",
            "2 hours",
            "1 day",
            "2 days",
        ];
        assert_eq!(said, wanted);
        assert_eq!([60, 300, 3600, DAY].map(each), ["minute", "5 minutes", "hour", "day"]);
    }
}
