//! Dates as articles carry them, and the periods that they fall in.

use jiff::civil::{Date, ISOWeekDate, Weekday, date};

/// A length of time that articles are gathered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// `2022-01-06`
    Day,
    /// `2022-W01`: the week of ISO 8601, from Monday; the first of a year holds its first Thursday.
    Week,
    /// `2022-01`
    Month,
    /// `2022`
    Year,
}

impl Period {
    /// The period of this name: day, week, month or year.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "day" => Some(Period::Day),
            "week" => Some(Period::Week),
            "month" => Some(Period::Month),
            "year" => Some(Period::Year),
            _ => None,
        }
    }

    /// The period that a date falls in, named as above. The date is taken as it is written, in whatever
    /// time zone: `2022-01-06`, `2022/01/06`, `20220106`, `2022-01-06T23:30:00+06:00`, `2022-01-06 23:30`.
    ///
    /// # Errors
    /// Why the date cannot be read, and what can.
    pub fn of(self, date: &str) -> Result<String, String> {
        let date = day(date).ok_or_else(|| {
            format!("«{date}» is no date; write it as 2022-01-06, 2022/01/06 or 2022-01-06T12:00:00+03:00")
        })?;
        let (year, month, day) = (date.year(), date.month(), date.day());
        Ok(match self {
            Period::Day => format!("{year:04}-{month:02}-{day:02}"),
            Period::Week => {
                let week = date.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Period::Month => format!("{year:04}-{month:02}"),
            Period::Year => format!("{year:04}"),
        })
    }

    /// The first day of a period that [`Period::of`] named, in days from 1970-01-01; `None` for
    /// another text.
    pub fn start(self, name: &str) -> Option<i64> {
        let date = match self {
            Period::Day => day(name)?,
            Period::Week => {
                let (year, week) = name.split_once("-W")?;
                ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, Weekday::Monday).ok()?.date()
            }
            Period::Month => {
                let (year, month) = name.split_once('-')?;
                Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?
            }
            Period::Year => Date::new(name.parse().ok()?, 1, 1).ok()?,
        };
        Some(number(date))
    }
}

/// Days since the first of January 1970, before it negative.
pub fn number(day: Date) -> i64 {
    day.duration_since(date(1970, 1, 1)).as_hours() / 24
}

/// The day that a field names, as [`Period::of`] reads it; `None` for anything else: whether 03/04 is in
/// March or in April cannot be known.
pub fn day(given: &str) -> Option<Date> {
    let given = given.trim();
    if let [year, month, day] = given.splitn(3, '/').collect::<Vec<_>>()[..] {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // What stands behind the day is a time of that day.
        let day = day.split([' ', 'T']).next().unwrap_or_default();
        if year.len() != 4 || !(digits(year) && digits(month) && digits(day)) {
            return None;
        }
        return Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok();
    }
    // A date without a zone is not read from a moment in UTC, which has one; here only its day is wanted.
    let local = given.strip_suffix(['Z', 'z']).filter(|rest| rest.len() > 10).unwrap_or(given);
    local.parse().ok().filter(|date: &Date| date.year() >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        let same = [
            "2022-01-06",
            " 2022-01-06 ",
            "20220106",
            "2022/01/06",
            "2022/1/6",
            "2022/01/06 11:30",
            "2022-01-06T23:30:00Z",
            "2022-01-06T23:30:00.250Z",
            "2022-01-06T23:30:00+06:00",
            "2022-01-06T00:10:00-11:00",
            "2022-01-06 23:30:00",
            "2022-01-06T23:30",
        ];
        for date in same {
            assert_eq!(Period::Day.of(date).as_deref(), Ok("2022-01-06"), "{date}");
        }
        let wrong = [
            "",
            "yesterday",
            "06/01/2022",
            "2022-13-01",
            "2022-02-30",
            "2022/02/30",
            "2022",
            "1641463200",
            "Z",
            "2022/01",
            "٢٠٢٢-٠١-٠٦",
            "-2022-01-06",
            "2022-01-06T25:00:00",
        ];
        for date in wrong {
            let said = Period::Week.of(date).expect_err(date);
            assert!(said.contains("is no date") && said.contains(date.trim()), "{said}");
        }
    }

    #[test]
    fn weeks_are_those_of_iso_8601() {
        // The calendar's own edge cases: the first week of a year holds its first Thursday.
        for (date, week) in [
            ("2022-01-02", "2021-W52"),
            ("2022-01-03", "2022-W01"),
            ("2022-01-09", "2022-W01"),
            ("2022-01-10", "2022-W02"),
            ("2020-12-31", "2020-W53"),
            ("2021-01-03", "2020-W53"),
            ("2019-12-30", "2020-W01"),
        ] {
            assert_eq!(Period::Week.of(date).as_deref(), Ok(week), "{date}");
        }
        assert_eq!(Period::Month.of("2022-01-06").as_deref(), Ok("2022-01"));
        assert_eq!(Period::Year.of("2022-01-06").as_deref(), Ok("2022"));
    }

    #[test]
    fn periods_begin_on_their_first_day() {
        // 2022-01-01 is day 18993.
        for (period, name, day) in [
            (Period::Day, "1970-01-01", 0),
            (Period::Day, "2022-01-06", 18998),
            (Period::Week, "2022-W01", 18995),
            (Period::Week, "2020-W01", 18260),
            (Period::Month, "2022-01", 18993),
            (Period::Year, "2022", 18993),
        ] {
            assert_eq!(period.start(name), Some(day), "{name}");
        }
        assert_eq!(Period::Week.start("2022-W54"), None);
        assert_eq!(Period::Month.start("January"), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".{0,20}") {
            let _ = day(&text);
            let _ = Period::Week.start(&text);
        }
    }
}
