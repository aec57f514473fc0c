//! Reads expressions as crontab(5) describes them, with the extensions that the specification
//! announces, and refuses the rest at the byte where it goes wrong.
//!
//! Never guesses: what crontab(5) leaves open or other programs read differently (`5/15`, `?`,
//! reversed ranges) is refused with what to write instead. [`super::item`] reads the items of one
//! field; this module owns the text as a whole.

use super::calendar::Calendar;
use super::civil::{DAY_SECONDS, FIRST_YEAR, LAST_SECOND, days_from_civil, month_length};
use super::days::{DayRule, SpecialDays};
use super::expression::{Expression, Years};
use super::fault::{ExpressionFault, shortened};
use super::field::Field;
use super::item::{Item, read_items};

/// Longest expression, in bytes. Every minute and every second of an hour, written out, fit.
pub const EXPRESSION_MAX_BYTES: usize = 1_000;

/// What a nickname stands for.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A piece of the text and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) at: usize,
    pub(super) text: &'a str,
}

impl Word<'_> {
    /// Refuses it.
    pub(super) fn refuse(&self, field: impl Into<Option<Field>>, right: impl Into<String>) -> ExpressionFault {
        let read = shortened(self.text, 40);
        ExpressionFault { at: self.at, field: field.into(), read, right: right.into(), note: None }
    }
}

impl Expression {
    /// Reads five fields of crontab(5), a nickname such as `@daily`, or the extensions: six fields
    /// with seconds first, seven with years last, `L`, `LW`, `15W`, `5#3`, `5L`.
    ///
    /// # Errors
    /// [`ExpressionFault`] with the first wrong byte, its field and what would be right; also for
    /// dates that no year has.
    pub fn parse(text: &str) -> Result<Self, ExpressionFault> {
        let written = words(text)?;
        if let [first, rest @ ..] = &written[..]
            && first.text.starts_with('@')
        {
            return nickname(*first, rest);
        }
        let fields = fields_of(text, &written)?;
        let mut expression = read(fields, &written).map_err(|mut fault| {
            fault.note = note(&written, false);
            fault
        })?;
        expression.text = text.trim_matches(BLANKS).into();
        expression.note = note(&written, true).map(Into::into);
        Ok(expression)
    }
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Splits at blanks.
fn words(text: &str) -> Result<Vec<Word<'_>>, ExpressionFault> {
    let whole = Word { at: 0, text };
    if text.len() > EXPRESSION_MAX_BYTES {
        return Err(whole.refuse(None, format!("an expression has at most {EXPRESSION_MAX_BYTES} bytes")));
    }
    let end = text.trim_end_matches(BLANKS).len();
    let mut found = Vec::new();
    let mut from = None;
    for (at, c) in text[..end].char_indices().chain([(end, ' ')]) {
        let is_blank = c == ' ' || c == '\t' || (found.is_empty() && from.is_none() && BLANKS.contains(&c));
        if !is_blank && !c.is_ascii_graphic() {
            let wrong = Word { at, text: &text[at..at + c.len_utf8()] };
            return Err(wrong.refuse(None, "an expression is printable ASCII, its fields separated by blanks"));
        }
        if is_blank {
            found.extend(from.take().map(|from| Word { at: from, text: &text[from..at] }));
        } else if from.is_none() {
            from = Some(at);
        }
    }
    Ok(found)
}

fn nickname(first: Word<'_>, rest: &[Word<'_>]) -> Result<Expression, ExpressionFault> {
    if let Some(more) = rest.first() {
        return Err(more.refuse(None, format!("`{}` stands alone", shortened(first.text, 40))));
    }
    if first.text.eq_ignore_ascii_case("@reboot") {
        let why = "a routine fires at times, not when a host starts: hosts restart unasked, and there may be several";
        return Err(first.refuse(None, why));
    }
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(first.text));
    let Some((name, meaning)) = known else {
        let names = NICKNAMES.map(|(name, _)| name).join(", ");
        return Err(first.refuse(None, format!("the nicknames are {names}")));
    };
    let mut expression = read(&Field::FIVE, &words(meaning)?)?;
    expression.text = (*name).into();
    Ok(expression)
}

fn fields_of(text: &str, written: &[Word<'_>]) -> Result<&'static [Field], ExpressionFault> {
    if let Some(first) = written.first().filter(|word| word.text.contains('=')) {
        return Err(first.refuse(None, "the zone is the member `timezone`; an expression begins with its minutes"));
    }
    match written.len() {
        5 => Ok(&Field::FIVE),
        6 => Ok(&Field::SIX),
        7 => Ok(&Field::SEVEN),
        0..5 => {
            let missing = Field::FIVE[written.len()..].iter().map(|field| field.name()).collect::<Vec<_>>().join(", ");
            let end = Word { at: text.len(), text: "" };
            let right = "an expression has five fields (minute, hour, day of month, month, day of week)";
            Err(end.refuse(Field::FIVE[written.len()], format!("{right}; missing: {missing}")))
        }
        _ => Err(written[7].refuse(None, "an expression has five to seven fields and no command behind them")),
    }
}

/// For more than five fields: that the first is seconds, and how the first five would be read.
fn note(written: &[Word<'_>], is_valid: bool) -> Option<String> {
    if written.len() <= Field::FIVE.len() {
        return None;
    }
    let count = if written.len() == Field::SIX.len() { "six fields: the first" } else { "seven fields: the first" };
    let last = if written.len() == Field::SIX.len() { "" } else { " and the last is years" };
    let said = format!("{count}, `{}`, is seconds{last}", shortened(written[0].text, 40));
    let front = &written[..Field::FIVE.len()];
    let back = &written[1..=Field::FIVE.len()];
    let candidates = if is_valid { [front, front] } else { [front, back] };
    let five = candidates.into_iter().find_map(|five| Some((five, read(&Field::FIVE, five).ok()?)));
    Some(match five {
        Some((five, expression)) => {
            let text = five.iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
            format!("{said}; five fields `{}` would mean: {}", shortened(&text, 80), expression.meaning())
        }
        None => said,
    })
}

/// Reads words as the fields given; as many of one as of the other.
fn read(fields: &'static [Field], written: &[Word<'_>]) -> Result<Expression, ExpressionFault> {
    let mut expression = Expression {
        text: "".into(),
        fields,
        note: None,
        seconds: u64::from(!fields.contains(&Field::Second)),
        minutes: 0,
        hours: 0,
        months: 0,
        days: DayRule { either: true, ..DayRule::default() },
        years: None,
        follows_real_time: false,
    };
    let mut special = SpecialDays::default();
    let mut years = Years::default();
    for (field, word) in fields.iter().zip(written) {
        let has_star = word.text.starts_with('*');
        match field {
            Field::Minute | Field::Hour => expression.follows_real_time |= has_star,
            Field::DayOfMonth | Field::DayOfWeek => expression.days.either &= !has_star,
            _ => {}
        }
        for item in read_items(*field, *word)? {
            take_in(&mut expression, &mut special, &mut years, *field, item);
        }
        if *field == Field::Year && word.text != "*" {
            expression.years = Some(Box::new(std::mem::take(&mut years)));
        }
    }
    if special != SpecialDays::default() {
        expression.days.special = Some(Box::new(special));
    }
    refuse_impossible(&expression, fields, written)?;
    Ok(expression)
}

fn take_in(expression: &mut Expression, special: &mut SpecialDays, years: &mut Years, field: Field, item: Item) {
    match item {
        Item::Range { from, to, step } => {
            let mut number = from;
            while number <= to {
                match field {
                    Field::Second => expression.seconds |= 1 << number,
                    Field::Minute => expression.minutes |= 1 << number,
                    Field::Hour => expression.hours |= 1 << number,
                    Field::DayOfMonth => expression.days.days |= 1 << number,
                    Field::Month => expression.months |= 1 << number,
                    Field::DayOfWeek => expression.days.weekdays |= 1 << (number % 7),
                    Field::Year => years.insert(number),
                }
                number += step;
            }
        }
        Item::LastDay => special.last_day = true,
        Item::LastWorkingDay => special.last_working_day = true,
        Item::NearestWorkingDay(day) => special.nearest_working_day |= 1 << day,
        Item::LastWeekday(weekday) => special.last_weekdays |= 1 << weekday,
        Item::NthWeekday { weekday, nth } => special.nth_weekdays[nth] |= 1 << weekday,
    }
}

/// Refuses what no date matches: the 30th of February, the 31st of short months.
fn refuse_impossible(expression: &Expression, fields: &[Field], written: &[Word<'_>]) -> Result<(), ExpressionFault> {
    let (from, last) = (days_from_civil(FIRST_YEAR, 1, 1) * DAY_SECONDS, LAST_SECOND);
    if expression.next(from, last, &Calendar::default()).is_some() {
        return Ok(());
    }
    let of = |wanted: Field| fields.iter().zip(written).find(|(field, _)| **field == wanted).map(|(_, word)| *word);
    let (Some(days), Some(months)) = (of(Field::DayOfMonth), of(Field::Month)) else { return Ok(()) };
    // Any leap year will do; the shortest of the months is not what matters, the longest is.
    let longest = (1..=12).filter(|month| expression.months & (1 << month) != 0).map(|month| month_length(2000, month));
    let longest = longest.max().unwrap_or(31);
    let right = match (expression.days.days.trailing_zeros(), of(Field::Year)) {
        (first, _) if i64::from(first) > longest && first < 64 => {
            format!("month `{}` has at most {longest} days, so this never comes", shortened(months.text, 40))
        }
        (_, Some(years)) => format!("no date of the years `{}` is one of these", shortened(years.text, 40)),
        _ => format!("month `{}` never has such a day", shortened(months.text, 40)),
    };
    Err(days.refuse(Field::DayOfMonth, right))
}
