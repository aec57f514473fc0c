//! The arena over a plain buffer: nothing overlaps, nothing is lost, memory is reused.

use super::*;
use proptest::prelude::*;

/// A buffer that becomes usable step by step, as a guest's memory does.
struct Buffer {
    bytes: Vec<u128>,
    usable: usize,
    limit: usize,
    growths: usize,
}

impl Buffer {
    fn new(usable: usize, limit: usize) -> Self {
        Buffer { bytes: vec![0; limit.div_ceil(16)], usable, limit, growths: 0 }
    }
}

impl Pages for Buffer {
    fn start(&mut self) -> usize {
        self.bytes.as_mut_ptr() as usize
    }

    fn end(&mut self) -> usize {
        self.start() + self.usable
    }

    fn grow(&mut self, bytes: usize) -> bool {
        let fits = self.usable + bytes <= self.limit;
        if fits {
            self.usable += bytes;
            self.growths += 1;
        }
        fits
    }
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

#[test]
fn classes_are_tight_and_in_order() {
    let mut last = (QUANTUM, 0);
    for size in 1..200_000 {
        let (bytes, class) = class_of(size).unwrap();
        assert!(bytes >= size && bytes % QUANTUM == 0, "{size} in {bytes}");
        assert!(bytes - size <= QUANTUM.max(size / 4), "{size} wastes {}", bytes - size);
        assert!((bytes, class) >= last && (class > last.1) == (bytes > last.0), "{size}");
        last = (bytes, class);
    }
    assert_eq!(class_of(64 * 1024).unwrap().0, 64 * 1024);
    assert_eq!(class_of(usize::MAX), None);
}

#[test]
fn the_last_block_grows_in_place_and_is_given_back() {
    let mut arena = Arena::new(Buffer::new(1 << 20, 1 << 20));
    unsafe {
        let first = arena.allocate(layout(100));
        let grown = arena.resize(first, layout(100), 50_000);
        assert_eq!(first, grown);
        let second = arena.allocate(layout(10));
        assert!(second as usize >= first as usize + 50_000);
        arena.release(second, layout(10));
        arena.release(first, layout(50_000));
        assert_eq!(arena.allocate(layout(7)), first);
    }
}

#[test]
fn a_stream_of_chunks_under_growing_findings_needs_two_chunks_of_memory() {
    // What a gate does: read 64 KiB, note something, drop the chunk, 512 times.
    let mut arena = Arena::new(Buffer::new(0, 4 << 20));
    let chunk = layout(64 * 1024);
    unsafe {
        for _ in 0..512 {
            let block = arena.allocate(chunk);
            assert!(!block.is_null());
            let finding = arena.allocate(layout(200));
            assert!(!finding.is_null());
            arena.release(block, chunk);
        }
    }
    assert_eq!(arena.pages.growths, 1);
}

#[test]
fn a_refused_step_falls_back_to_what_is_needed_then_to_null() {
    let mut arena = Arena::new(Buffer::new(0, GROW_STEP_BYTES / 2));
    unsafe {
        assert!(!arena.allocate(layout(1000)).is_null());
        assert!(arena.allocate(layout(GROW_STEP_BYTES)).is_null());
        assert!(!arena.allocate(layout(1000)).is_null());
    }
}

/// Whether every byte of a block is still what its owner wrote.
fn holds(block: *mut u8, layout: Layout, mark: u8) -> bool {
    let bytes = unsafe { core::slice::from_raw_parts(block, layout.size()) };
    bytes.iter().all(|byte| *byte == mark)
}

#[derive(Debug, Clone)]
enum Step {
    Allocate(usize, u32),
    Release(usize),
    Resize(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![1_usize..80, 1_usize..5_000, 1_usize..100_000];
    let step = prop_oneof![
        (size.clone(), 0_u32..8).prop_map(|(size, align)| Step::Allocate(size, align)),
        any::<usize>().prop_map(Step::Release),
        (any::<usize>(), size).prop_map(|(which, size)| Step::Resize(which, size)),
    ];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn blocks_keep_their_bytes_and_never_overlap(steps in steps()) {
        let mut arena = Arena::new(Buffer::new(4096, 64 << 20));
        let mut live: Vec<(*mut u8, Layout, u8)> = Vec::new();
        let fill = |block: *mut u8, from: usize, to: usize, mark: u8| unsafe {
            ptr::write_bytes(block.add(from), mark, to - from);
        };
        for (number, step) in steps.into_iter().enumerate() {
            let mark = u8::try_from(number % 251).unwrap();
            match step {
                Step::Allocate(size, align) => {
                    let layout = Layout::from_size_align(size, 1 << align).unwrap();
                    let block = unsafe { arena.allocate(layout) };
                    prop_assert!(!block.is_null() && (block as usize).is_multiple_of(layout.align()));
                    fill(block, 0, size, mark);
                    live.push((block, layout, mark));
                }
                Step::Release(which) if !live.is_empty() => {
                    let (block, layout, mark) = live.swap_remove(which % live.len());
                    prop_assert!(holds(block, layout, mark));
                    unsafe { arena.release(block, layout) };
                }
                Step::Resize(which, size) if !live.is_empty() => {
                    let index = which % live.len();
                    let (block, layout, mark) = live[index];
                    prop_assert!(holds(block, layout, mark));
                    let block = unsafe { arena.resize(block, layout, size) };
                    prop_assert!(!block.is_null() && (block as usize).is_multiple_of(layout.align()));
                    let kept = layout.size().min(size);
                    fill(block, kept, size, mark);
                    let layout = Layout::from_size_align(size, layout.align()).unwrap();
                    live[index] = (block, layout, mark);
                }
                Step::Release(_) | Step::Resize(..) => {}
            }
        }
        for (block, layout, mark) in live {
            prop_assert!(holds(block, layout, mark));
        }
    }
}
