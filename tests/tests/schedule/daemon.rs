//! A slow reference: Debian cron's loop over minutes, written from what the daemon does and sharing
//! nothing with the code under test. Its zones are asked minute by minute, its fields are lists.

use jiff::tz::TimeZone;

/// The fields of crontab(5) as lists of what matches.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    fields: [Vec<bool>; 5],
    stars: [bool; 5],
}

impl Entry {
    /// Numbers, ranges, steps and lists; nothing is checked.
    pub(crate) fn read(text: &str) -> Self {
        let bounds = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
        let words: Vec<&str> = text.split(' ').collect();
        let fields = std::array::from_fn(|index| {
            let (low, high) = bounds[index];
            let mut matching = vec![false; 61];
            for item in words[index].split(',') {
                let (base, step) = item.split_once('/').unwrap_or((item, "1"));
                let (from, to) = match base.split_once('-') {
                    Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
                    None if base == "*" => (low, high),
                    None => (base.parse().unwrap(), base.parse().unwrap()),
                };
                (from..=to).step_by(step.parse().unwrap()).for_each(|number: usize| matching[number] = true);
            }
            matching
        });
        let mut entry = Self { fields, stars: std::array::from_fn(|index| words[index].starts_with('*')) };
        let sunday = entry.fields[4][0] || entry.fields[4][7];
        entry.fields[4][0] = sunday;
        entry
    }

    fn is_wild(&self) -> bool {
        self.stars[0] || self.stars[1]
    }

    fn matches(&self, local_minute: i64) -> bool {
        let number = |value: i64| usize::try_from(value).unwrap();
        let (minute, hour) = (number(local_minute.rem_euclid(60)), number(local_minute.div_euclid(60).rem_euclid(24)));
        if !self.fields[0][minute] || !self.fields[1][hour] {
            return false;
        }
        let date = jiff::Timestamp::from_second(local_minute * 60).unwrap().to_zoned(TimeZone::UTC).date();
        let day = self.fields[2][number(date.day().into())];
        let weekday = self.fields[4][number(date.weekday().to_sunday_zero_offset().into())];
        let is_day = if self.stars[2] || self.stars[4] { day && weekday } else { day || weekday };
        is_day && self.fields[3][number(date.month().into())]
    }
}

/// Minutes since 1970 at which each entry fires, from one minute on up to another. The daemon is
/// up to date when it starts: it has dealt with the minute before.
pub(crate) fn fired(entries: &[Entry], zone: &TimeZone, from: i64, until: i64) -> Vec<Vec<i64>> {
    let local = |minute: i64, offset: i64| (minute * 60 + offset).div_euclid(60);
    let offset_at =
        |minute: i64| i64::from(zone.to_offset(jiff::Timestamp::from_second(minute * 60).unwrap()).seconds());
    let mut fired = vec![Vec::new(); entries.len()];
    let mut reached = local(from - 1, offset_at(from - 1));
    let (mut hour, mut ends) = (None, (0, 0));
    for minute in from..until {
        // Offsets are asked for once an hour where both of its ends have the same.
        if hour != Some(minute.div_euclid(60)) {
            hour = Some(minute.div_euclid(60));
            ends = (offset_at(minute.div_euclid(60) * 60), offset_at(minute.div_euclid(60) * 60 + 59));
        }
        let running = local(minute, if ends.0 == ends.1 { ends.0 } else { offset_at(minute) });
        let jump = running - reached;
        for (entry, fired) in entries.iter().zip(&mut fired) {
            let is_due = match jump {
                1 => entry.matches(running),
                2..=5 => (reached + 1..=running).any(|minute| entry.matches(minute)),
                6..=180 if entry.is_wild() => entry.matches(running),
                6..=180 => (reached + 1..=running).any(|minute| entry.matches(minute)),
                -180..=0 => entry.is_wild() && entry.matches(running),
                _ => entry.matches(running),
            };
            if is_due {
                fired.push(minute);
            }
        }
        // Going back, the daemon waits until its clock has caught up.
        if !(-180..=0).contains(&jump) {
            reached = running;
        }
    }
    fired
}
