//! The allocator of a component.
//!
//! A component instance lives for one call, and growing its memory costs the host far more than
//! an allocation: measured, throughput of the whole host falls as threads are added when guests
//! grow page by page. So memory grows in large steps, is handed out from the top, and what is
//! freed is reused through one list per size class; nothing is ever returned or merged.
//!
//! Owns the one piece of unsafe code of the SDK. Never used natively but by its own tests, which
//! run it over a plain buffer. Read next: [`Arena::allocate`].

#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use core::alloc::Layout;
use core::ptr;

/// Every block is a multiple of this long and starts at a multiple of it, so that a freed block
/// can hold the link to the next one and any ordinary alignment is met.
const QUANTUM: usize = 16;

/// Size classes: one per quantum up to four of them, then four for each doubling; enough for any
/// size a 32-bit memory can hold.
const CLASSES: usize = 4 + 4 * 26;

/// The least the memory grows by. Larger than most calls ever need in total.
const GROW_STEP_BYTES: usize = 1024 * 1024;

/// The most the step doubles to, so that a guest does not run into its limit by greed.
const GROW_STEP_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Where the arena's memory comes from.
pub(crate) trait Pages {
    /// The first free address, at the first call.
    fn start(&mut self) -> usize;
    /// The address after the last usable one.
    fn end(&mut self) -> usize;
    /// Makes at least `bytes` more usable behind [`Pages::end`]; false when that is refused.
    fn grow(&mut self, bytes: usize) -> bool;
}

/// A bump arena with free lists.
pub(crate) struct Arena<P> {
    pages: P,
    /// The first address never handed out, or handed back from the top. 0 before the first use.
    next: usize,
    /// The address after the last usable one.
    end: usize,
    /// The bytes the next growth asks for.
    step: usize,
    /// Heads of the lists of freed blocks, 0 where empty.
    free: [usize; CLASSES],
}

/// The bytes a block of `size` takes, and its class. None beyond what a memory can hold.
fn class_of(size: usize) -> Option<(usize, usize)> {
    if size <= 4 * QUANTUM {
        let quanta = size.div_ceil(QUANTUM).max(1);
        return Some((quanta * QUANTUM, quanta - 1));
    }
    // `size` lies in (2^shift, 2^(shift + 1)], which four classes divide evenly.
    let shift = (size - 1).ilog2() as usize;
    let part = 1_usize << (shift - 2);
    let quarter = (size - 1 - (1 << shift)) / part;
    let class = 4 + (shift - 6) * 4 + quarter;
    (class < CLASSES).then(|| ((1 << shift) + (quarter + 1) * part, class))
}

impl<P: Pages> Arena<P> {
    /// An arena that has touched nothing yet.
    pub(crate) const fn new(pages: P) -> Self {
        Arena { pages, next: 0, end: 0, step: GROW_STEP_BYTES, free: [0; CLASSES] }
    }

    /// A block for `layout`, or null.
    ///
    /// # Safety
    ///
    /// The pages are the arena's alone, and `layout` has a size above zero.
    pub(crate) unsafe fn allocate(&mut self, layout: Layout) -> *mut u8 {
        let Some((size, class)) = class_of(layout.size()) else {
            return ptr::null_mut();
        };
        let head = self.free[class];
        if head != 0 && head.is_multiple_of(layout.align()) {
            // SAFETY: a freed block starts with the link that `release` wrote into it.
            self.free[class] = unsafe { *(head as *const usize) };
            return head as *mut u8;
        }
        self.bump(size, layout.align())
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// `block` came from this arena with this `layout` and is not used any more.
    pub(crate) unsafe fn release(&mut self, block: *mut u8, layout: Layout) {
        let Some((size, class)) = class_of(layout.size()) else {
            return;
        };
        let start = block as usize;
        if start + size == self.next {
            self.next = start;
            return;
        }
        // SAFETY: the block is free, aligned to the quantum and at least one quantum long.
        unsafe { *(start as *mut usize) = self.free[class] };
        self.free[class] = start;
    }

    /// Makes a block longer or shorter, in place where it is the last one or its class stays.
    ///
    /// # Safety
    ///
    /// As of [`Arena::release`], and `new_size` is above zero.
    pub(crate) unsafe fn resize(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let (Some((old, _)), Some((new, _))) = (class_of(layout.size()), class_of(new_size)) else {
            return ptr::null_mut();
        };
        if old == new {
            return block;
        }
        let start = block as usize;
        if start + old == self.next && self.reserve(start, new) {
            self.next = start + new;
            return block;
        }
        let Ok(new_layout) = Layout::from_size_align(new_size, layout.align()) else {
            return ptr::null_mut();
        };
        // SAFETY: both blocks are the caller's, do not overlap, and are as long as copied.
        unsafe {
            let moved = self.allocate(new_layout);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                self.release(block, layout);
            }
            moved
        }
    }

    fn bump(&mut self, size: usize, align: usize) -> *mut u8 {
        if self.next == 0 {
            self.next = self.pages.start().next_multiple_of(QUANTUM);
            self.end = self.pages.end();
        }
        let Some(start) = self.next.checked_next_multiple_of(align.max(QUANTUM)) else {
            return ptr::null_mut();
        };
        if !self.reserve(start, size) {
            return ptr::null_mut();
        }
        self.next = start + size;
        start as *mut u8
    }

    /// Makes sure that `size` bytes from `start` on are usable.
    fn reserve(&mut self, start: usize, size: usize) -> bool {
        let Some(needed_end) = start.checked_add(size) else {
            return false;
        };
        if needed_end <= self.end {
            return true;
        }
        let needed = needed_end - self.end;
        // Close to the limit a whole step may be refused where the bytes needed are not.
        let grown = self.pages.grow(needed.max(self.step)) || self.pages.grow(needed);
        self.step = (self.step * 2).min(GROW_STEP_MAX_BYTES);
        self.end = self.pages.end();
        grown && needed_end <= self.end
    }
}

#[cfg(target_arch = "wasm32")]
mod component {
    //! The arena as a component's global allocator.

    use super::{Arena, Pages};
    use core::alloc::{GlobalAlloc, Layout};
    use core::arch::wasm32::{memory_grow, memory_size};
    use core::cell::UnsafeCell;

    const PAGE_BYTES: usize = 64 * 1024;

    unsafe extern "C" {
        /// The linker's symbol: its address is the first byte behind stack and data.
        static __heap_base: u8;
    }

    struct Memory;

    impl Pages for Memory {
        fn start(&mut self) -> usize {
            &raw const __heap_base as usize
        }

        fn end(&mut self) -> usize {
            memory_size::<0>() * PAGE_BYTES
        }

        fn grow(&mut self, bytes: usize) -> bool {
            memory_grow::<0>(bytes.div_ceil(PAGE_BYTES)) != usize::MAX
        }
    }

    struct Component(UnsafeCell<Arena<Memory>>);

    // SAFETY: a component has one thread; the worlds know no other.
    unsafe impl Sync for Component {}

    // SAFETY: each method hands its duties on to the arena, which is never entered twice at once
    // because it calls nothing that allocates.
    unsafe impl GlobalAlloc for Component {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            unsafe { (*self.0.get()).allocate(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            unsafe { (*self.0.get()).release(block, layout) }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
            unsafe { (*self.0.get()).resize(block, layout, new_size) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: Component = Component(UnsafeCell::new(Arena::new(Memory)));
}

#[cfg(test)]
mod tests;
