//! When a rule runs and what time each run looks at: whether there are events that no run ever sees.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::words::{DAY, HOUR, MINUTE, Seconds, each, time};

/// What events are never searched by a rule that runs as `cron` says, each run from `earliest` to `latest` (as Splunk
/// writes times); nothing if none are, or if one of the two times is not understood.
pub(super) fn never_searched(cron: &str, earliest: &str, latest: &str) -> Option<String> {
    let Some(runs) = runs(cron) else {
        return Some(format!(
            "`{cron}` is no cron expression (minute, hour, day, month and weekday): nothing starts the search, so that \
             it finds nothing"
        ));
    };
    let (from, to) = (Moment::read(earliest)?, Moment::read(latest)?);
    let lost = |pair: &[Seconds]| {
        let [first, second] = pair else { return None };
        let lost = from.at(*second) - to.at(*first);
        (lost > 0).then_some((lost, second - first, to.at(*second) - from.at(*second)))
    };
    let (lost, apart, window) = runs.windows(2).filter_map(lost).max()?;
    if window <= 0 {
        return Some(format!("it looks at no time at all (`{earliest}` to `{latest}`), so that it finds nothing"));
    }
    Some(format!(
        "it runs every {} (`{cron}`) and looks at {} each time (`{earliest}` to `{latest}`): what happens in the {} \
         between is never searched",
        each(apart),
        time(window),
        time(lost)
    ))
}

/// Whether a time as Splunk writes it is understood.
pub(super) fn is_read(time: &str) -> bool {
    // From the beginning of all time; and in real time, which leaves nothing out.
    time == "0" || time == "rt" || Moment::read(time.strip_prefix("rt").unwrap_or(time)).is_some()
}

/// The same of a rule that runs every `interval`, with times as Elastic writes them.
pub(super) fn never_searched_every(interval: &str, from: &str, to: &str) -> Option<String> {
    let apart = length(interval)?;
    let window = since_now(to)? - since_now(from)?;
    let lost = apart - window;
    (lost > 0).then(|| {
        format!(
            "it runs every {} (`interval: {interval}`) and looks at {} each time (`{from}` to `{to}`): what happens in \
             the {} between is never searched",
            each(apart),
            time(window.max(0)),
            time(lost)
        )
    })
}

/// A time relative to now as Elastic writes it: `now-9m`.
fn since_now(text: &str) -> Option<Seconds> {
    match text.trim().strip_prefix("now")? {
        "" => Some(0),
        by => match (by.strip_prefix('-'), by.strip_prefix('+')) {
            (Some(back), _) => Some(-length(back)?),
            (None, Some(on)) => length(on),
            (None, None) => None,
        },
    }
}

/// Whether a time as Elastic writes it is understood: relative to now, or a day from which on all is searched.
pub(super) fn is_read_by_elastic(time: &str) -> bool {
    since_now(time).is_some() || time.trim().get(..10).is_some_and(|day| day.parse::<Date>().is_ok())
}

/// A length of time such as `5m`.
pub(super) fn length(text: &str) -> Option<Seconds> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(end);
    count.parse::<Seconds>().ok()?.checked_mul(unit_length(unit)?)
}

fn unit_length(unit: &str) -> Option<Seconds> {
    Some(match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7 * DAY,
        _ => return None,
    })
}

/// A time as Splunk writes it, relative to now: `-9m@m`.
struct Moment(Vec<Step>);

enum Step {
    Move(Seconds),
    /// Back to the beginning of what lasts so long.
    Snap(Seconds),
}

impl Moment {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut rest = text.strip_prefix("now").unwrap_or(text);
        let mut steps = Vec::new();
        while let Some(sign) = rest.chars().next() {
            rest = rest.get(1..)?;
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let (count, tail) = rest.split_at(digits);
            let (unit, tail) = tail.split_at(tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len()));
            let length = unit_length(unit)?;
            let count = if count.is_empty() { 1 } else { count.parse().ok()? };
            steps.push(match sign {
                '-' => Step::Move(-length.checked_mul(count)?),
                '+' => Step::Move(length.checked_mul(count)?),
                // Weeks begin with Sunday, which is not when these seconds begin.
                '@' if digits == 0 && length <= DAY => Step::Snap(length),
                _ => return None,
            });
            rest = tail;
        }
        (!text.is_empty()).then_some(Self(steps))
    }

    fn at(&self, now: Seconds) -> Seconds {
        self.0.iter().fold(now, |time, step| match step {
            Step::Move(by) => time.saturating_add(*by),
            Step::Snap(to) => time.div_euclid(*to).saturating_mul(*to),
        })
    }
}

/// When something runs that a cron expression starts, over a time in which all that it can say comes round.
fn runs(cron: &str) -> Option<Vec<Seconds>> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let parts: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = parts.as_slice() else { return None };
    let (minutes, hours) = (field(minute, 0, 59, &[])?, field(hour, 0, 23, &[])?);
    let (days, months) = (field(day, 1, 31, &[])?, field(month, 1, 12, &MONTHS)?);
    let mut weekdays = field(weekday, 0, 7, &DAYS)?;
    if weekdays.remove(&7) {
        weekdays.insert(0);
    }
    let length = match (*day, *month, *weekday) {
        ("*", "*", "*") => 3,
        ("*", "*", _) => 15,
        // So far that the 29th of February comes twice.
        _ => 1600,
    };
    let mut runs = Vec::new();
    let mut date = Date::constant(2024, 1, 1);
    for index in 0..length {
        let in_month = u32::try_from(date.month()).is_ok_and(|month| months.contains(&month));
        let on_day = u32::try_from(date.day()).is_ok_and(|day| days.contains(&day));
        let on_weekday =
            u32::try_from(date.weekday().to_sunday_zero_offset()).is_ok_and(|weekday| weekdays.contains(&weekday));
        // A day of the month and one of the week are alternatives where both are said.
        let is_on = match (*day, *weekday) {
            ("*", _) => on_weekday,
            (_, "*") => on_day,
            _ => on_day || on_weekday,
        };
        if in_month && is_on {
            for hour in &hours {
                runs.extend(
                    minutes.iter().map(|m| index * DAY + Seconds::from(*hour) * HOUR + Seconds::from(*m) * MINUTE),
                );
            }
        }
        date = date.tomorrow().ok()?;
    }
    Some(runs)
}

/// The numbers that a part of a cron expression stands for.
fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<BTreeSet<u32>> {
    let number = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let number = match named {
            Some(at) => least + u32::try_from(at).ok()?,
            None => text.parse().ok()?,
        };
        (least..=most).contains(&number).then_some(number)
    };
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (number(from)?, number(to).filter(|to| number(from) <= Some(*to))?),
            None => (number(range)?, if step.is_some() { most } else { number(range)? }),
        };
        let step = step.map_or(Some(1), |step| step.parse::<usize>().ok().filter(|step| *step > 0))?;
        all.extend((from..=to).step_by(step));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_between_two_runs_that_none_looks_at_is_told() {
        for (cron, earliest, latest, lost) in [
            ("*/10 * * * *", "-5m@m", "now", "5 minutes between"),
            ("*/5 * * * *", "-1h@h", "@h", ""),
            ("0 * * * *", "-30m", "now", "it runs every hour (`0 * * * *`) and looks at 30 minutes"),
            ("0 9-17 * * *", "-1h", "now", "15 hours between"),
            ("0 9 * * mon-fri", "-1d", "now", "2 days between"),
            ("0 0 1 * *", "-30d@d", "@d", "1 day between"),
            ("*/7 * * * *", "-7m", "now", ""),
            ("*/7 * * * *", "-8m@m", "-2m@m", "1 minute between"),
            ("0,30 * * * *", "-30m", "now", ""),
            ("0,20 * * * *", "-30m", "now", "10 minutes between"),
            ("*/5 * * * *", "-9m@m", "now", ""),
            ("0 0 29 2 *", "-1d", "now", "1460 days between"),
            ("*/5 * * * *", "now", "now", "it looks at no time at all (`now` to `now`)"),
            ("*/5 * * * *", "-9m@m", "-1h", "it looks at no time at all"),
            ("5,65 * * * *", "-5m", "now", "`5,65 * * * *` is no cron expression"),
            ("* * * *", "-5m", "now", "is no cron expression"),
            ("@daily", "-5m", "now", "is no cron expression"),
            ("*/0 * * * *", "-5m", "now", "is no cron expression"),
            ("5-1 * * * *", "0", "now", "is no cron expression"),
            // What is not understood is not judged.
            ("*/5 * * * *", "0", "now", ""),
            ("*/5 * * * *", "rt-5m", "rt", ""),
        ] {
            let told = never_searched(cron, earliest, latest).unwrap_or_default();
            assert_eq!(told.is_empty(), lost.is_empty(), "{cron} {earliest} {latest}: {told}");
            assert!(told.contains(lost), "{cron} {earliest} {latest}: {told}");
        }
    }

    #[test]
    fn the_same_in_words_of_elastic() {
        for (interval, from, to, lost) in [
            ("5m", "now-9m", "now", ""),
            ("5m", "now-300s", "now", ""),
            ("15m", "now-10m", "now", "5 minutes between"),
            ("1h", "now-2h", "now-90m", "30 minutes between"),
            ("1h", "now/d", "now", ""),
        ] {
            let told = never_searched_every(interval, from, to).unwrap_or_default();
            assert_eq!(told.is_empty(), lost.is_empty(), "{interval} {from} {to}: {told}");
            assert!(told.contains(lost), "{interval} {from} {to}: {told}");
        }
    }
}
