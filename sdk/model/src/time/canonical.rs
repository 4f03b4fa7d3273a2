//! The canonical form of times and durations.

/// Seconds since 1970 of `2022-04-05T07:38:00Z`.
pub fn timestamp(text: &str) -> Option<i64> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if punctuation.iter().any(|(at, byte)| bytes[*at] != *byte) {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0_i64, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days(year, month, day);
    let is_date = (1..=12).contains(&month) && date(days) == (year, month, day);
    (is_date && hour < 24 && minute < 60 && second < 60)
        .then_some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Seconds of `P5DT12H`.
pub fn duration(text: &str) -> Option<u64> {
    let (mut seconds, mut number, mut in_day, mut last) = (0_u64, None::<u64>, false, 0);
    let mut any = false;
    for byte in text.strip_prefix('P')?.bytes() {
        let (order, length) = match (byte, in_day) {
            (b'0'..=b'9', _) => {
                number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(byte - b'0'))?);
                continue;
            }
            (b'T', false) if number.is_none() => {
                (in_day, any) = (true, false);
                continue;
            }
            (b'D', false) => (1, 86_400),
            (b'H', true) => (2, 3_600),
            (b'M', true) => (3, 60),
            (b'S', true) => (4, 1),
            _ => return None,
        };
        if order <= last {
            return None;
        }
        seconds = seconds.checked_add(number.take()?.checked_mul(length)?)?;
        (last, any) = (order, true);
    }
    (any && number.is_none()).then_some(seconds)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that the leap day comes
/// last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date `days` days after 1970-01-01.
pub fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}
