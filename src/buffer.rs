//! A list that is cheap to push to, for what every step of a run writes.

use std::ops::{Deref, DerefMut};

/// A list in memory that was filled beforehand. Pushing a value compares once whether there is a
/// place, and writes the value there.
///
/// (A `Vec` compares too. But its growth is part of each function that pushes to it, and such a
/// function has to reserve stack space for that.)
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffer<T> {
    places: Vec<T>,
    len: usize,
}

/// How many places are added when the list is full, at least and at most.
const LEAST: usize = 64;
const MOST: usize = 4096;

impl<T: Copy + Default> Buffer<T> {
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, value: T) {
        match self.places.get_mut(self.len) {
            Some(place) => {
                *place = value;
                self.len += 1;
            }
            None => self.grow_and_push(value),
        }
    }

    #[cold]
    #[inline(never)]
    fn grow_and_push(&mut self, value: T) {
        self.set_room(self.len.clamp(LEAST, MOST));
        self.push(value);
    }

    /// Adds a value if there is a place for it.
    #[inline(always)]
    pub(crate) fn push_within(&mut self, value: T) -> bool {
        match self.places.get_mut(self.len) {
            Some(place) => {
                *place = value;
                self.len += 1;
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    pub(crate) fn last_mut(&mut self) -> Option<&mut T> {
        self.places.get_mut(self.len.wrapping_sub(1))
    }

    /// Makes places for this many more values and no others. Keeps the memory.
    pub(crate) fn set_room(&mut self, room: usize) {
        self.places.resize(self.len + room, T::default());
    }

    pub(crate) fn drop_first(&mut self, count: usize) {
        self.places.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.places[..self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.places[..self.len]
    }
}

impl<T: Copy + Default> Extend<T> for Buffer<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_a_list() {
        let (mut buffer, mut list) = (Buffer::default(), Vec::new());
        for round in 1..4_u32 {
            for value in 0..100_000 {
                buffer.push(round * value);
                list.push(round * value);
            }
            buffer.drop_first(1000);
            list.drain(..1000);
            assert!(buffer[..] == list[..]);
            if round == 2 {
                buffer.clear();
                list.clear();
                buffer.set_room(10);
                assert!((0..10).all(|value| buffer.push_within(value)));
                assert!(!buffer.push_within(10), "there are so many places");
                list.extend(0..10);
            }
        }
    }
}
