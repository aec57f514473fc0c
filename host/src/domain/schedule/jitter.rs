//! Jitter: a delay that spreads routines written for the same second, the same one every time.

use super::fault::ScheduleFault;

/// The longest jitter: a day, in milliseconds.
pub const JITTER_MAX_MS: u64 = 86_400_000;

/// How long after the written time a routine fires: 0 to `jitter_ms`, both included.
///
/// The same on all hosts and after every restart, since it depends on the routine's id and on
/// `jitter_ms` alone; the same for every occurrence, so that their order and distance stay. Ids
/// spread evenly.
///
/// # Errors
/// [`ScheduleFault::Jitter`] when `jitter_ms` is above [`JITTER_MAX_MS`].
pub fn jitter_of(routine_id: &str, jitter_ms: u64) -> Result<u64, ScheduleFault> {
    if jitter_ms > JITTER_MAX_MS {
        return Err(ScheduleFault::Jitter { given_ms: jitter_ms, max_ms: JITTER_MAX_MS });
    }
    // The upper 32 bits scaled down: even to one part in fifty, at most, of a millisecond.
    Ok(((mixed(fnv_1a(routine_id)) >> 32) * (jitter_ms + 1)) >> 32)
}

/// FNV-1a, 64 bits: written down here because it must never change.
fn fnv_1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finish of `SplitMix64`: ids that differ in their last letter differ in all bits.
fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jitter_never_changes() {
        // Pinned: an upgrade that moved them would fire routines at other times.
        assert_eq!(jitter_of("daily-digest", 60_000), Ok(47_802));
        assert_eq!(jitter_of("rtn_1", 60_000), Ok(20_838));
        assert_eq!(jitter_of("rtn_1", 0), Ok(0));
        assert!(jitter_of("rtn_1", JITTER_MAX_MS).is_ok_and(|offset| offset <= JITTER_MAX_MS));
        assert!(jitter_of("rtn_1", JITTER_MAX_MS + 1).is_err());
    }

    #[test]
    fn ids_spread_evenly_over_the_whole_range() {
        let mut tenths = [0_u32; 10];
        for number in 0..10_000 {
            let offset = jitter_of(&format!("routine-{number}"), 999).unwrap();
            tenths[usize::try_from(offset / 100).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|count| (900..1_100).contains(count)), "{tenths:?}");
    }
}
