//! Reads the items of one field: numbers, names, ranges, steps, and days that depend on the month.

use super::fault::ExpressionFault;
use super::field::{Field, MONTHS, WEEKDAYS};
use super::parse::Word;

/// One item of a field's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// Every `step`th number from `from` to `to`; a single number is a range of one.
    Range { from: i64, to: i64, step: i64 },
    /// `L` as a day of month.
    LastDay,
    /// `LW`.
    LastWorkingDay,
    /// `15W`.
    NearestWorkingDay(i64),
    /// `5L`; 0 is Sunday.
    LastWeekday(i64),
    /// `5#3`; `nth` counts from 0.
    NthWeekday { weekday: i64, nth: usize },
}

/// Reads the items of a field, which commas separate.
pub(super) fn read_items(field: Field, word: Word<'_>) -> Result<Vec<Item>, ExpressionFault> {
    let mut at = word.at;
    let mut items = Vec::new();
    for text in word.text.split(',') {
        let item = Word { at, text };
        if text.is_empty() {
            let comma = Word { at: if at == word.at { at } else { at - 1 }, text: "," };
            return Err(comma.refuse(field, "a list has no empty items; a comma stands between two"));
        }
        items.push(read_item(field, item)?);
        at += text.len() + 1;
    }
    Ok(items)
}

fn read_item(field: Field, item: Word<'_>) -> Result<Item, ExpressionFault> {
    if let Some(found) = special(field, item)? {
        return Ok(found);
    }
    let (base, step) = match item.text.find('/') {
        Some(slash) => (part(item, 0, slash), Some(part(item, slash + 1, item.text.len()))),
        None => (item, None),
    };
    let (low, high) = field.range();
    let (from, to) = if base.text == "*" {
        (low, high)
    } else if let Some(dash) = base.text.find('-') {
        range(field, base, dash)?
    } else {
        let number = value(field, base)?;
        if step.is_some() {
            let right =
                format!("a step follows `*` or a range; every one from {0} on is `{0}-{high}{1}`", base.text, {
                    &item.text[base.text.len()..]
                });
            return Err(item.refuse(field, right));
        }
        (number, number)
    };
    let step = step.map_or(Ok(1), |step| read_step(field, step))?;
    Ok(Item::Range { from, to, step })
}

fn range(field: Field, base: Word<'_>, dash: usize) -> Result<(i64, i64), ExpressionFault> {
    let (first, second) = (part(base, 0, dash), part(base, dash + 1, base.text.len()));
    for (end, place) in [(first, "before"), (second, "after")] {
        if end.text.is_empty() {
            return Err(base.refuse(field, format!("a number is missing {place} the `-`; {}", field.rule())));
        }
    }
    let (from, to) = (value(field, first)?, value(field, second)?);
    if from <= to {
        return Ok((from, to));
    }
    let (low, high) = field.range();
    // A week that begins with Sunday as 7 needs no list.
    let right = match field {
        Field::DayOfWeek if to == 0 => format!("a range goes upwards: write `{from}-7`, Sunday is 7 as well"),
        Field::DayOfWeek => format!("a range goes upwards: write `{from}-6,0-{to}`"),
        _ if low == to => format!("a range goes upwards: write `{from}-{high},{to}`"),
        _ => format!("a range goes upwards: write `{from}-{high},{low}-{to}`"),
    };
    Err(base.refuse(field, right))
}

fn read_step(field: Field, step: Word<'_>) -> Result<i64, ExpressionFault> {
    // Three digits reach over every field but years, which have no use for more either.
    let is_number = (1..=3).contains(&step.text.len()) && step.text.bytes().all(|byte| byte.is_ascii_digit());
    match step.text.parse() {
        Ok(number @ 1..) if is_number => Ok(number),
        _ => Err(step.refuse(field, "a step is a number from 1 on, of at most three digits")),
    }
}

/// A number or a name, within the field's range.
fn value(field: Field, word: Word<'_>) -> Result<i64, ExpressionFault> {
    let text = word.text;
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let (low, high) = field.range();
        return match text.parse() {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(word.refuse(field, field.rule())),
        };
    }
    field.number_of(text).ok_or_else(|| word.refuse(field, advice(field, text)))
}

/// What to write instead of something that is neither a number nor a name of the field.
fn advice(field: Field, text: &str) -> String {
    let rule = field.rule();
    let is_one_of = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(text));
    let begins_with = |names: &[&str]| {
        let found = |name: &&&str| text.get(..3).is_some_and(|front| front.eq_ignore_ascii_case(name));
        names.iter().find(found).map(|name| (*name).to_owned())
    };
    let own: &[&str] = match field {
        Field::Month => &MONTHS,
        Field::DayOfWeek => &WEEKDAYS,
        _ => &[],
    };
    if let Some(name) = begins_with(own).filter(|_| text.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        return format!("names have three letters: `{name}`");
    }
    if is_one_of(&MONTHS) {
        return format!("this names a month, and here stands a {}: {rule}", field.name());
    }
    if is_one_of(&WEEKDAYS) {
        return format!("this names a day of week, and here stands a {}: {rule}", field.name());
    }
    match text.chars().next() {
        Some('?') => format!("write `*` for any; {rule}"),
        Some('H' | 'R' | '~') => format!("there are no random times; set `jitter_ms`; {rule}"),
        Some('*') => format!("a star stands alone or before a step; {rule}"),
        _ => rule.to_owned(),
    }
}

/// Days that depend on the month: `L`, `LW`, `15W`, `5#3`, `5L`; nothing when it is none of them.
fn special(field: Field, item: Word<'_>) -> Result<Option<Item>, ExpressionFault> {
    let text = item.text.to_ascii_uppercase();
    match field {
        Field::DayOfMonth if text == "L" => Ok(Some(Item::LastDay)),
        Field::DayOfMonth if text == "LW" => Ok(Some(Item::LastWorkingDay)),
        Field::DayOfMonth if text.ends_with('W') && text.len() > 1 => {
            value(field, part(item, 0, text.len() - 1)).map(|day| Some(Item::NearestWorkingDay(day)))
        }
        Field::DayOfWeek if text == "L" => Err(item.refuse(field, "write `6L` for the last Saturday of the month")),
        Field::DayOfWeek if text.ends_with('L') && text.len() > 1 => {
            value(field, part(item, 0, text.len() - 1)).map(|day| Some(Item::LastWeekday(day % 7)))
        }
        Field::DayOfWeek => {
            let Some(hash) = text.find('#') else { return Ok(None) };
            let weekday = value(field, part(item, 0, hash))? % 7;
            let number = part(item, hash + 1, text.len());
            match ["1", "2", "3", "4", "5"].iter().position(|known| *known == number.text) {
                Some(nth) => Ok(Some(Item::NthWeekday { weekday, nth })),
                None => Err(number.refuse(field, "after `#` stands 1 to 5: the first to fifth such day of the month")),
            }
        }
        _ => Ok(None),
    }
}

fn part(word: Word<'_>, from: usize, to: usize) -> Word<'_> {
    Word { at: word.at + from, text: &word.text[from..to] }
}
