//! Numbers in memory that grows where it lies.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use super::mapping::{self, Mapping};

/// From this size on, in bytes, numbers get address space of their own.
const LEAST_MAPPED: usize = 32 << 10;
/// How many times its size memory may grow to where it lies.
const ROOM: usize = 16;

/// A number that is 0 where all bits are.
///
/// # Safety
/// That is so, and it is aligned to no more than a page.
pub(crate) unsafe trait Number: Copy + Default {}

// SAFETY: integers are so.
unsafe impl Number for u64 {}
// SAFETY: as above.
unsafe impl Number for u128 {}

/// Numbers that are 0 until they are set. Where the system reserves address space they grow without being moved: what a
/// vector leaves behind when it grows is memory that few others have a use for.
#[derive(Debug)]
pub(crate) struct Growing<T> {
    start: NonNull<T>,
    len: usize,
    memory: Backing<T>,
}

#[derive(Debug)]
enum Backing<T> {
    Heap { _numbers: Vec<T> },
    Mapped(Mapping),
}

// SAFETY: the numbers belong to it alone, on whatever thread it is.
unsafe impl<T: Send> Send for Growing<T> {}
// SAFETY: shared, it only gives out shared references to them.
unsafe impl<T: Sync> Sync for Growing<T> {}

impl<T: Number> Growing<T> {
    fn on_heap(mut numbers: Vec<T>) -> Self {
        let start = NonNull::from(numbers.as_mut_slice()).cast();
        Self { start, len: numbers.len(), memory: Backing::Heap { _numbers: numbers } }
    }

    fn mapped(len: usize) -> Option<Self> {
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes >= LEAST_MAPPED && mapping::may_reserve())?;
        let mapping = Mapping::new(bytes, bytes.saturating_mul(ROOM)).ok()?;
        mapping.avoid_huge_pages();
        Some(Self { start: mapping.start().cast(), len, memory: Backing::Mapped(mapping) })
    }

    /// Grows to `len` numbers. Those that are there stay, and the others are 0.
    pub(crate) fn grow(&mut self, len: usize) {
        debug_assert!(len >= self.len);
        if let Backing::Mapped(mapping) = &self.memory
            && len.checked_mul(size_of::<T>()).is_some_and(|bytes| mapping.commit(bytes).is_ok())
        {
            self.len = len;
            return;
        }
        let mut grown = Self::mapped(len).unwrap_or_else(|| Self::on_heap(vec![T::default(); len]));
        grown[..self.len].copy_from_slice(self);
        *self = grown;
    }
}

impl<T: Number> Default for Growing<T> {
    fn default() -> Self {
        Self::on_heap(Vec::new())
    }
}

impl<T: Number> Clone for Growing<T> {
    fn clone(&self) -> Self {
        Self::on_heap(self.to_vec())
    }
}

impl<T> Deref for Growing<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: so many numbers lie there, as long as the memory behind them is kept.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Growing<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and nobody else has a reference to them.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_as_they_grow_and_the_others_are_0() {
        let mut numbers = Growing::<u64>::default();
        assert!(numbers.is_empty());
        let mut len = 1;
        while len < 1 << 18 {
            numbers.grow(len);
            assert_eq!(numbers.len(), len);
            let set = numbers.iter().take_while(|number| **number != 0).count();
            assert!(numbers[set..].iter().all(|number| *number == 0));
            (set..len).for_each(|at| numbers[at] = at as u64 + 1);
            assert!((1..).zip(&*numbers).all(|(expected, number)| expected == *number));
            len = len * 4 / 3 + 1;
        }
        assert_eq!(*numbers.clone(), *numbers);
    }

    #[test]
    #[cfg(all(target_os = "linux", not(miri)))]
    fn numbers_are_not_moved_while_there_is_room() {
        let mut numbers = Growing::<u128>::default();
        numbers.grow(LEAST_MAPPED);
        let start = numbers.as_ptr();
        numbers[LEAST_MAPPED - 1] = 7;
        numbers.grow(LEAST_MAPPED * ROOM);
        assert_eq!((numbers.as_ptr() == start, numbers[LEAST_MAPPED - 1]), (mapping::may_reserve(), 7));
        numbers.grow(LEAST_MAPPED * ROOM + 1);
        assert_eq!((numbers[LEAST_MAPPED - 1], numbers[LEAST_MAPPED * ROOM]), (7, 0));
    }
}
