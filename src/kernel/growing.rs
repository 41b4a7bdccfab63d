//! Numbers in memory that grows where it lies.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use super::mapping::{self, Mapping};

/// From this size on, in bytes, numbers get address space of their own.
const LEAST_MAPPED: usize = 4 << 10;
/// How many times its size memory may grow to where it lies.
const ROOM: usize = 16;
/// What small memory may grow to, in bytes.
const LEAST_ROOM: usize = 512 << 10;

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
    Heap(Vec<T>),
    Mapped(Mapping),
}

// SAFETY: the numbers belong to it alone, on whatever thread it is.
unsafe impl<T: Send> Send for Growing<T> {}
// SAFETY: shared, it only gives out shared references to them.
unsafe impl<T: Sync> Sync for Growing<T> {}

impl<T: Number> Growing<T> {
    fn on_heap(mut numbers: Vec<T>) -> Self {
        let start = NonNull::from(numbers.as_mut_slice()).cast();
        Self { start, len: numbers.len(), memory: Backing::Heap(numbers) }
    }

    fn mapped(len: usize) -> Option<Self> {
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes >= LEAST_MAPPED && mapping::may_reserve())?;
        let mapping = Mapping::new(bytes, bytes.saturating_mul(ROOM).max(LEAST_ROOM)).ok()?;
        mapping.avoid_huge_pages();
        let mut numbers = Self { start: mapping.start().cast(), len, memory: Backing::Mapped(mapping) };
        numbers.touch(0);
        Some(numbers)
    }

    /// Writes zeros: memory that is read first costs a second fault, and an interrupt of all other threads, when it is
    /// written to.
    fn touch(&mut self, from: usize) {
        self[from..].fill(T::default());
    }

    /// Grows to `len` numbers, if there are fewer. Those that are there stay, and the others are 0.
    pub(crate) fn grow(&mut self, len: usize) {
        let before = self.len;
        if len <= before {
            return;
        }
        if let Backing::Mapped(mapping) = &self.memory
            && len.checked_mul(size_of::<T>()).is_some_and(|bytes| mapping.commit(bytes).is_ok())
        {
            self.len = len;
            self.touch(before);
        } else if let Some(mut grown) = Self::mapped(len) {
            grown[..before].copy_from_slice(self);
            *self = grown;
        } else {
            let mut numbers = match &mut self.memory {
                Backing::Heap(numbers) => {
                    self.len = 0;
                    std::mem::take(numbers)
                }
                Backing::Mapped(_) => self.to_vec(),
            };
            numbers.resize(len, T::default());
            *self = Self::on_heap(numbers);
        }
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
        numbers.grow(LEAST_ROOM);
        let start = numbers.as_ptr();
        numbers[LEAST_ROOM - 1] = 7;
        numbers.grow(LEAST_ROOM * ROOM);
        assert_eq!((numbers.as_ptr() == start, numbers[LEAST_ROOM - 1]), (mapping::may_reserve(), 7));
        numbers.grow(LEAST_ROOM * ROOM + 1);
        assert_eq!((numbers[LEAST_ROOM - 1], numbers[LEAST_ROOM * ROOM]), (7, 0));
    }
}
