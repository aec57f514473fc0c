//! One key as the contract has it, one call after the other; and what its clients were told.

use e2e::linear::{Call, Model};

/// What was asked of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Get,
    /// A value nobody else writes.
    Put {
        number: u64,
        expect: Expect,
        ttl_ms: Option<u64>,
    },
    /// A second number beside the first.
    Patch {
        number: u64,
        expect: Expect,
    },
    Delete {
        expect: Expect,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Anything,
    Absent,
    Revision(u64),
}

/// A value: what was put, and what was patched into it since.
pub(crate) type Numbers = (u64, Option<u64>);

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is this record.
    Found { rev: u64, value: Numbers, end_ms: Option<u64> },
    /// There is none.
    Absent,
    /// It was deleted.
    Deleted { rev: u64 },
    /// It is at another revision; 0 without a record.
    Conflict { current: u64 },
}

/// A question and its answer, unless it got lost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Op {
    pub(crate) ask: Ask,
    pub(crate) answer: Option<Answer>,
}

/// When a record ends: not before, and not after.
type End = (u64, u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    value: Numbers,
    end: Option<End>,
}

/// How a key stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    rev: u64,
    record: Option<Record>,
}

/// A key whose hosts tell the time as its clients do, give or take some.
pub(crate) struct Resource {
    /// Microseconds by which clocks may differ.
    pub(crate) skew_us: u64,
}

impl Key {
    fn current(self) -> u64 {
        if self.record.is_some() { self.rev } else { 0 }
    }

    fn next(self, record: Option<Record>) -> Self {
        Self { rev: self.rev + 1, record }
    }
}

impl Resource {
    /// As the key may stand at some time during a call: its end comes by itself, costs a revision, and has
    /// come once its time is over.
    fn meanwhile(&self, key: Key, call: &Call<Op>) -> Vec<Key> {
        let Some(Record { end: Some((first, last)), .. }) = key.record else { return vec![key] };
        let mut keys = Vec::with_capacity(2);
        if call.began <= last.saturating_mul(1_000).saturating_add(self.skew_us) {
            keys.push(key);
        }
        if first.saturating_mul(1_000) <= call.ended.saturating_add(self.skew_us) {
            keys.push(key.next(None));
        }
        keys
    }
}

/// What is known of an end after somebody was told of it; none if it is another.
fn told_end(known: Option<End>, told: Option<u64>) -> Option<Option<End>> {
    match (known, told) {
        (None, None) => Some(None),
        (Some((first, last)), Some(told)) if (first..=last).contains(&told) => Some(Some((told, told))),
        _ => None,
    }
}

/// The key after it came to have `record`, if that is what was answered.
fn written(key: Key, record: Record, answer: Option<Answer>) -> Option<Key> {
    match answer {
        None => Some(key.next(Some(record))),
        Some(Answer::Found { rev, value, end_ms }) if rev == key.rev + 1 && value == record.value => {
            Some(key.next(Some(Record { end: told_end(record.end, end_ms)?, ..record })))
        }
        Some(_) => None,
    }
}

fn after(key: Key, call: &Call<Op>) -> Option<Key> {
    let Op { ask, answer } = call.op;
    let unchanged = |wanted: Answer| (answer == Some(wanted)).then_some(key);
    let expect = match ask {
        Ask::Get => Expect::Anything,
        Ask::Put { expect, .. } | Ask::Patch { expect, .. } | Ask::Delete { expect } => expect,
    };
    let holds = match expect {
        Expect::Anything => true,
        Expect::Absent => key.record.is_none(),
        Expect::Revision(rev) => key.current() == rev,
    };
    if !holds {
        return unchanged(Answer::Conflict { current: key.current() });
    }
    match (ask, key.record) {
        (Ask::Put { number, ttl_ms, .. }, _) => {
            // Counted by the host from some time after it was sent.
            let end = ttl_ms.map(|ttl_ms| ((call.began / 1_000).saturating_sub(2_000) + ttl_ms, u64::MAX));
            written(key, Record { value: (number, None), end }, answer)
        }
        (_, None) => unchanged(Answer::Absent),
        (Ask::Get, Some(record)) => match answer {
            Some(Answer::Found { rev, value, end_ms }) if rev == key.rev && value == record.value => {
                let end = told_end(record.end, end_ms)?;
                Some(Key { record: Some(Record { end, ..record }), ..key })
            }
            _ => None,
        },
        (Ask::Patch { number, .. }, Some(record)) => {
            written(key, Record { value: (record.value.0, Some(number)), ..record }, answer)
        }
        (Ask::Delete { .. }, Some(_)) => match answer {
            Some(Answer::Deleted { rev }) if rev != key.rev + 1 => None,
            None | Some(Answer::Deleted { .. }) => Some(key.next(None)),
            Some(_) => None,
        },
    }
}

impl Model for Resource {
    type State = Key;
    type Op = Op;

    fn after(&self, state: &Key, call: &Call<Op>) -> Vec<Key> {
        self.meanwhile(*state, call).into_iter().filter_map(|key| after(key, call)).collect()
    }
}

#[test]
fn the_model_tells_right_histories_from_wrong_ones() {
    use e2e::linear::check;

    let record = |rev, put, end_ms| Answer::Found { rev, value: (put, None), end_ms };
    let any = Expect::Anything;
    // Moments are milliseconds here; the put's record ends at 5.
    let put = (0, 1, Ask::Put { number: 7, expect: any, ttl_ms: Some(5) }, record(1, 7, Some(5)));
    let explained = |calls: &[(u64, u64, Ask, Answer)]| {
        let call = |(began, ended, ask, answer): &(u64, u64, Ask, Answer)| Call {
            began: began * 1_000,
            ended: ended * 1_000,
            answered: true,
            op: Op { ask: *ask, answer: Some(*answer) },
        };
        let calls: Vec<_> = std::iter::once(&put).chain(calls).map(call).collect();
        check(&Resource { skew_us: 0 }, Key::default(), &calls).is_ok()
    };
    let get = |began, ended, answer| (began, ended, Ask::Get, answer);
    assert!(explained(&[get(2, 3, record(1, 7, Some(5))), get(6, 7, Answer::Absent)]));
    assert!(!explained(&[get(6, 7, record(1, 7, Some(5)))]), "an ended value");
    assert!(!explained(&[get(2, 3, Answer::Absent)]), "gone before its time");
    assert!(!explained(&[
        get(4, 9, Answer::Absent),
        get(4, 9, record(1, 7, Some(5))),
        get(10, 11, record(1, 7, Some(5)))
    ]));
    let replaced = |began, rev| {
        (began, 20, Ask::Put { number: 8, expect: Expect::Revision(1), ttl_ms: None }, record(rev, 8, None))
    };
    assert!(explained(&[replaced(4, 2), get(4, 5, record(1, 7, Some(5)))]));
    assert!(!explained(&[replaced(4, 2), get(4, 6, Answer::Absent)]), "absent, and then the record again");
    let again = |rev| (8, 9, Ask::Put { number: 8, expect: Expect::Absent, ttl_ms: None }, record(rev, 8, None));
    assert!(explained(&[again(3)]) && !explained(&[again(2)]), "an end costs a revision");
    let deleted = |rev| (2, 3, Ask::Delete { expect: any }, Answer::Deleted { rev });
    assert!(explained(&[deleted(2), get(8, 9, Answer::Absent)]));
    assert!(!explained(&[deleted(2), get(8, 9, record(1, 7, Some(5)))]));
    let patched =
        |value| (2, 3, Ask::Patch { number: 9, expect: any }, Answer::Found { rev: 2, value, end_ms: Some(5) });
    assert!(explained(&[patched((7, Some(9)))]) && !explained(&[patched((8, Some(9)))]));
}
