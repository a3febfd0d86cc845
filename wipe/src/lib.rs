//! An allocator that zeroes what is given back to it. It must not know what a secret is: here every byte
//! is one.
//!
//! The vault has one memory for as long as its worker lives. Types that wipe themselves
//! (`tokenward::secret::Secret`) do so when their owner is done; this covers what no type of ours owns: the
//! text that JavaScript hands over, what a growing vector left, what a library copied.

#![no_std]

use core::{
    alloc::{GlobalAlloc, Layout},
    hint::black_box,
};

/// An allocator over another one. What it takes back is zeroed first. It grows nothing in place: `realloc`
/// is the trait's own, which allocates, copies and gives the old block back.
#[derive(Debug)]
pub struct Wiping<A>(pub A);

// SAFETY: every block is the inner allocator's, handed on as it is.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Wiping<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives a block of this layout back, so it is its own up to here. Whatever looks
        // at the pointer afterwards could read the zeros, so writing them cannot be left out.
        unsafe {
            block.write_bytes(0, layout.size());
            self.0.dealloc(black_box(block), layout);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::cell::RefCell;
    use std::{alloc::System, vec, vec::Vec};

    use super::*;

    /// Notes what a block holds when it comes back.
    #[derive(Default)]
    struct Noting(RefCell<Vec<Vec<u8>>>);

    // SAFETY: every block is the system's, handed on as it is.
    unsafe impl GlobalAlloc for Noting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: as the caller promises, and each byte was written.
            unsafe {
                let bytes = core::slice::from_raw_parts(block, layout.size());
                self.0.borrow_mut().push(bytes.to_vec());
                System.dealloc(block, layout);
            }
        }
    }

    #[test]
    fn what_is_given_back_is_zeros_st7_t21() {
        let wiping = Wiping(Noting::default());
        let layout = Layout::array::<u8>(48).unwrap();
        // SAFETY: the layout is not empty, and the block is used as it says.
        unsafe {
            let block = wiping.alloc(layout);
            block.write_bytes(7, 48);
            let larger = wiping.realloc(block, layout, 96);
            assert_eq!(larger.add(47).read(), 7, "what was there moves along");
            larger.write_bytes(7, 96);
            let smaller = wiping.realloc(larger, Layout::array::<u8>(96).unwrap(), 16);
            wiping.dealloc(smaller, Layout::array::<u8>(16).unwrap());
        }
        assert_eq!(*wiping.0.0.borrow(), [vec![0; 48], vec![0; 96], vec![0; 16]]);
    }
}
